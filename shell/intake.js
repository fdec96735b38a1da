// What a person gives: files and folders dropped, pasted or chosen, text, samples. Taken from the
// first moment on, and kept until the program is there.
//
// What comes in is handed over as DOM events on `document`:
//   vitrine:files      detail: an array of File
//   vitrine:text       detail: { text, handedIn }, after each pause in typing or when handed in
//   vitrine:tools      detail: { classify, read }, what is done with pictures
//   vitrine:intent     someone seems about to add a file
// and the program says `vitrine:listening` once it hears them. Until then files are kept. It says
// `vitrine:cancel` when what is still on its way is not wanted any more.

import { root, say } from "./language.js";
import { showDemo } from "./routes.js";

const waiting = [];
let waitingText = null;
let program = "coming"; // then "listening", or "failed"

/** How far the program is: `coming`, `listening` or `failed`. */
export const programStage = () => program;

/** Takes in that the program will not run any more. */
export function giveUpOnProgram() {
  program = "failed";
}

/** Hands files to the program. */
export function hand(files) {
  if (files.length === 0 || program === "failed") return;
  showResults();
  if (program === "listening") {
    document.dispatchEvent(new CustomEvent("vitrine:files", { detail: files }));
  } else {
    for (const file of files) waiting.push(file);
    tell(say("Files waiting for the page to start: {n}", { n: waiting.length }));
  }
}

document.addEventListener("vitrine:listening", () => {
  program = "listening";
  tellTools();
  hand(waiting.splice(0));
  if (waitingText !== null) handText(waitingText);
  waitingText = null;
});

function handText(detail) {
  if (program === "failed") return;
  if (program === "listening") {
    document.dispatchEvent(new CustomEvent("vitrine:text", { detail }));
  } else {
    waitingText = detail;
  }
}

/** Lets the engine be fetched while a person is still choosing. */
function showIntent() {
  document.dispatchEvent(new CustomEvent("vitrine:intent"));
}

/** On a phone results begin below the fold; without this, pressing a sample seems to do nothing. */
function showResults() {
  showDemo();
  const results = document.getElementById("workspace");
  if (results.getBoundingClientRect().top > 0.6 * window.innerHeight) results.scrollIntoView();
}

/** Says something in the one status region. */
export function tell(text) {
  document.getElementById("status").textContent = text;
}

// Dropping: anywhere on the page.

// `dragenter` and `dragleave` come for every element that is crossed, so they are counted.
let depth = 0;
function setDragging(newDepth) {
  depth = Math.max(0, newDepth);
  document.documentElement.toggleAttribute("data-dragging", depth > 0);
}

const hasFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;

document.addEventListener("dragenter", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  setDragging(depth + 1);
  showIntent();
});
document.addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  // Without this the browser would leave the page and open the file.
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
});
document.addEventListener("dragleave", (event) => {
  // Nothing is entered when the pointer leaves the window.
  if (hasFiles(event)) setDragging(event.relatedTarget === null ? 0 : depth - 1);
});
document.addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  setDragging(0);
  const { files, folders } = sorted(event.dataTransfer);
  hand(files);
  if (folders.length > 0) handFolders(folders);
});

// What was dropped before this script was there; head.js kept it.
hand(window.takeDropped?.() ?? []);

/** The files and folders of a transfer, which is emptied as soon as its event is over. */
function sorted(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const folderOf = (item) => {
    const entry = item.webkitGetAsEntry?.();
    return entry?.isDirectory ? entry : undefined;
  };
  const files = items.filter((item) => !folderOf(item)).map((item) => item.getAsFile());
  return { files: files.filter((file) => file !== null), folders: items.map(folderOf).filter(Boolean) };
}

/** Most files that are taken from folders at once: as many as a page can list. */
const MOST_FILES = 10_000;

async function handFolders(folders) {
  const files = [];
  try {
    for (const folder of folders) await collect(folder, files);
  } catch (error) {
    tell(say("A folder could not be read: {reason}", { reason: error.message }));
  }
  handFromFolder(files);
}

/** Adds the files below a folder, as deep as it goes. */
async function collect(folder, files) {
  const reader = folder.createReader();
  for (;;) {
    // A reader gives its entries in lots, and nothing when it has given all.
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0 || files.length > MOST_FILES) return;
    for (const entry of entries) {
      if (entry.isDirectory) await collect(entry, files);
      else files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    }
  }
}

/** Folders hold what systems leave in them, such as `.DS_Store`; nobody means to add that. */
function handFromFolder(all) {
  const files = all.filter((file) => !file.name.startsWith(".") && file.name !== "Thumbs.db");
  if (files.length === 0) tell(say("There are no files in this folder."));
  hand(files.slice(0, MOST_FILES));
  if (files.length > MOST_FILES) {
    tell(say("Only the first {n} files of the folder were taken.", { n: MOST_FILES }));
  }
}

// Pasting, picking, samples.

const isTyped = (target) => target instanceof Element && target.closest("textarea, input") !== null;

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length > 0) event.preventDefault();
  hand(files);
  const text = event.clipboardData?.getData("text/plain") ?? "";
  const isElsewhere = isTyped(event.target) && event.target !== textbox;
  // Without a box there is nowhere to paste a text.
  if (files.length > 0 || text === "" || isElsewhere || textForm.hidden) return;
  // The box counts the end of a line as one.
  const length = text.replaceAll("\r\n", "\n").length;
  if (length > textbox.maxLength && program !== "failed") {
    // The browser would cut it without a word.
    event.preventDefault();
    hand([new File([text], say("pasted-text.txt"), { type: "text/plain" })]);
  } else if (!isTyped(event.target)) {
    event.preventDefault();
    write(text);
  }
});

/** Takes what is chosen with an input, and what was before this script was there. */
function take(input, handFiles) {
  const taken = () => {
    const files = [...input.files];
    // Choosing the same file again would otherwise change nothing and say nothing.
    input.value = "";
    if (files.length > 0) handFiles(files);
  };
  input.addEventListener("click", showIntent);
  input.addEventListener("change", taken);
  taken();
}
take(document.getElementById("picker"), hand);
const folder = document.getElementById("folder");
take(folder, handFromFolder);
// Phones have no folders to choose.
document.getElementById("folder-choice").hidden =
  !("webkitdirectory" in folder) || matchMedia("(pointer: coarse)").matches;

// Typing: a pause hands the text over, and so does the button, which makes it stay.

/** Long enough that a word is finished, short enough to feel immediate. */
const PAUSE_MS = 250;
const textbox = document.getElementById("text");
let pause;
function handTyped(handedIn) {
  clearTimeout(pause);
  handText({ text: textbox.value, handedIn });
}
textbox.addEventListener("input", () => {
  if (textbox.value.length >= textbox.maxLength) {
    const n = textbox.maxLength.toLocaleString(root.lang);
    tell(say("The box is full: it holds {n} characters. Add a longer text as a file.", { n }));
  }
  clearTimeout(pause);
  pause = setTimeout(() => handTyped(false), PAUSE_MS);
});
const textForm = document.getElementById("text-form");
textForm.addEventListener("submit", (event) => {
  event.preventDefault();
  if (textbox.value.trim() === "") {
    tell(say("There is no text to analyse: type or paste some first."));
    textbox.focus();
    return;
  }
  handTyped(true);
  showResults();
});

/** Puts a text into the box and hands it over to stay. */
function write(text) {
  textbox.value = text.slice(0, textbox.maxLength);
  handTyped(true);
  showResults();
}
for (const phrase of document.querySelectorAll(".phrase")) {
  phrase.addEventListener("click", () => write(phrase.textContent.trim()));
}

// What is done with pictures: always something.

const classify = document.getElementById("tool-classify");
const read = document.getElementById("tool-read");
// A link may say what is done: `?tasks=read` or `?tasks=classify,read`.
const tasks = new URLSearchParams(location.search).get("tasks")?.split(",") ?? [];
if (tasks.includes("classify") || tasks.includes("read")) {
  classify.checked = tasks.includes("classify");
  read.checked = tasks.includes("read");
}
function tellTools() {
  const detail = { classify: classify.checked, read: read.checked };
  document.dispatchEvent(new CustomEvent("vitrine:tools", { detail }));
}
for (const [box, other] of [
  [classify, read],
  [read, classify],
]) {
  box.addEventListener("change", () => {
    if (!box.checked && !other.checked) other.checked = true;
    tellTools();
  });
}

let samplesComing = new AbortController();
document.addEventListener("vitrine:cancel", () => {
  samplesComing.abort();
  samplesComing = new AbortController();
});

for (const tile of document.querySelectorAll("[data-sample]")) {
  tile.addEventListener("click", async () => {
    if (tile.dataset.tool === "read" && !read.checked) {
      read.checked = true;
      tellTools();
    }
    showIntent();
    const address = tile.dataset.sample;
    const { signal } = samplesComing;
    try {
      const response = await fetch(address, { signal });
      if (!response.ok) throw new Error(`the site answered ${response.status}`);
      const name = address.split("/").at(-1);
      hand([new File([await response.blob()], name)]);
    } catch (error) {
      if (signal.aborted) return;
      const { message: reason } = error;
      tell(say("The sample could not be fetched: {reason}. Check the connection and try again.", { reason }));
    }
  });
}
