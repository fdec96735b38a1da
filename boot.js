// The page before its program: takes files from the first moment on, and starts the program.
//
// What comes in is handed over as DOM events on `document`:
//   vitrine:files      detail: an array of File
//   vitrine:text       detail: { text, handedIn }, after each pause in typing or when handed in
//   vitrine:tools      detail: { classify, read }, what is done with pictures
//   vitrine:intent     someone seems about to add a file
// and the program says `vitrine:listening` once it hears them. Until then files are kept. It says
// `vitrine:cancel` when what is still on its way is not wanted any more.

const waiting = [];
let waitingText = null;
let program = "coming"; // then "listening", or "failed"

function hand(files) {
  if (files.length === 0 || program === "failed") return;
  showResults();
  if (program === "listening") {
    document.dispatchEvent(new CustomEvent("vitrine:files", { detail: files }));
  } else {
    waiting.push(...files);
    say(`${waiting.length === 1 ? "1 file is" : `${waiting.length} files are`} waiting for the page to start.`);
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
  const status = document.getElementById("status");
  if (status.getBoundingClientRect().top > 0.6 * window.innerHeight) status.scrollIntoView();
}

function say(text) {
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
  const { files, nFolders } = sorted(event.dataTransfer);
  hand(files);
  if (nFolders > 0) say("Folders cannot be read yet: drop the files in them instead.");
});

/** The files of a transfer; folders would otherwise look like files that cannot be read. */
function sorted(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const isFolder = (item) => item.webkitGetAsEntry?.()?.isDirectory ?? false;
  const files = items.filter((item) => !isFolder(item)).map((item) => item.getAsFile());
  return { files: files.filter((file) => file !== null), nFolders: items.filter(isFolder).length };
}

// Pasting, picking, samples.

const isTyped = (target) => target instanceof Element && target.closest("textarea, input") !== null;

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length > 0) event.preventDefault();
  hand(files);
  const text = event.clipboardData?.getData("text/plain") ?? "";
  // Where something can be typed, the browser pastes by itself; without a box there is nowhere to.
  if (files.length > 0 || text === "" || isTyped(event.target) || textForm.hidden) return;
  event.preventDefault();
  write(text);
});

const picker = document.getElementById("picker");
picker.addEventListener("click", showIntent);
function takePicked() {
  const files = [...picker.files];
  // Choosing the same file again would otherwise change nothing and say nothing.
  picker.value = "";
  hand(files);
}
picker.addEventListener("change", takePicked);
// Chosen before this script was there.
takePicked();

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
  clearTimeout(pause);
  pause = setTimeout(() => handTyped(false), PAUSE_MS);
});
const textForm = document.getElementById("text-form");
textForm.addEventListener("submit", (event) => {
  event.preventDefault();
  if (textbox.value.trim() === "") {
    say("There is no text to analyse: type or paste some first.");
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
      say(`The sample could not be fetched: ${error.message}. Check the connection and try again.`);
    }
  });
}

// The program. It may fail to arrive, or stop; then this page says so by itself.

function fail(error) {
  const card = document.getElementById("boot-failure");
  if (program === "failed") return;
  const what = program === "listening" ? "This page stopped." : "This page could not start.";
  program = "failed";
  say("");
  document.documentElement.dataset.phase = "failed";
  const alert = document.createElement("div");
  alert.setAttribute("role", "alert");
  const why = error?.message ?? error ?? "no reason given";
  for (const sentence of [
    what,
    `The browser said: ${why}.`,
    "Reload the page and add your files again. If it stays, update the browser: WebAssembly is needed.",
  ]) {
    const line = document.createElement("p");
    line.textContent = sentence;
    alert.append(line);
  }
  card.append(alert);
  card.hidden = false;
}

try {
  const glue = document.querySelector('link[rel="modulepreload"]').href;
  const module = document.querySelector('link[rel="preload"][type="application/wasm"]').href;
  const { default: start } = await import(glue);
  // A panic of the page's program ends it for good. The engine's errors stay in its worker.
  window.addEventListener("error", ({ error }) => {
    if (error instanceof WebAssembly.RuntimeError) fail(error);
  });
  await start({ module_or_path: module });
} catch (error) {
  fail(error);
}
