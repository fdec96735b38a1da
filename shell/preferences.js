// What a person prefers: theme, language, shortcuts; and a link that carries settings, never data.

import { root, say, spoken } from "./language.js";
import { go } from "./routes.js";

/** What was kept under a name; `null` where nothing was, or where nothing may be kept. */
export function recall(name) {
  try {
    return localStorage.getItem(`vitrine-${name}`);
  } catch {
    return null;
  }
}

/** Keeps a value for later visits, or forgets it when it is `null`; without storage nothing is kept. */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(`vitrine-${name}`);
    else localStorage.setItem(`vitrine-${name}`, value);
  } catch {
    // A private window: the choice holds until the page is closed.
  }
}

// Theme: as the system, dark, light.

const THEMES = { system: "as the system", dark: "dark", light: "light" };
const themeButton = document.getElementById("theme");
function nameTheme() {
  const theme = root.dataset.theme ?? "system";
  themeButton.setAttribute("aria-label", say("Theme: {theme}", { theme: say(THEMES[theme]) }));
  themeButton.title = themeButton.getAttribute("aria-label");
}
themeButton.addEventListener("click", () => {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(root.dataset.theme ?? "system") + 1) % names.length];
  if (next === "system") delete root.dataset.theme;
  else root.dataset.theme = next;
  keep("theme", next === "system" ? null : next);
  nameTheme();
  document.getElementById("status").textContent = themeButton.title;
});

// Language: another one is another reading of the whole page, so the page is read anew.

const language = document.getElementById("language");
language.value = root.lang;
language.addEventListener("change", () => {
  keep("language", language.value);
  const address = new URL(location.href);
  address.searchParams.delete("lang");
  location.replace(address);
  if (address.href === location.href) location.reload();
});
spoken.then(() => {
  nameTheme();
  language.value = root.lang;
});

// Settings: whether results are kept on this device. The program hears of it once it listens.

const settings = document.getElementById("settings");
const historyOn = document.getElementById("history-on");
historyOn.checked = recall("history") !== "off";
const tellHistory = () => document.dispatchEvent(new CustomEvent("vitrine:keep", { detail: historyOn.checked }));
historyOn.addEventListener("change", () => {
  keep("history", historyOn.checked ? null : "off");
  tellHistory();
});
document.addEventListener("vitrine:listening", tellHistory);
document.getElementById("history-clear").addEventListener("click", () => {
  document.dispatchEvent(new CustomEvent("vitrine:clear-history"));
});
document.getElementById("settings-open").addEventListener("click", () => settings.showModal());

// A link with these settings.

document.getElementById("share").addEventListener("click", async () => {
  const address = new URL(location.href);
  const tasks = ["classify", "read"].filter((task) => document.getElementById(`tool-${task}`).checked);
  address.searchParams.set("tasks", tasks.join(","));
  address.searchParams.set("lang", root.lang);
  if (root.dataset.theme) address.searchParams.set("theme", root.dataset.theme);
  else address.searchParams.delete("theme");
  const status = document.getElementById("status");
  try {
    await navigator.clipboard.writeText(address.href);
    status.textContent = say("The link is copied. It carries settings, nothing you added.");
  } catch {
    status.textContent = say("The browser did not allow copying. The link is: {link}", { link: address.href });
  }
});

// Shortcuts of a single key. They can be switched off, for whoever speaks to the computer.

const keys = document.getElementById("keys");
const keysOn = document.getElementById("keys-on");
keysOn.checked = recall("keys") !== "off";
keysOn.addEventListener("change", () => keep("keys", keysOn.checked ? null : "off"));
document.getElementById("keys-open").addEventListener("click", () => keys.showModal());

const ROUTES = ["demo", "models", "performance", "how"];
const press = (id) => {
  go("demo");
  document.getElementById(id).click();
};
const focus = (id) => {
  go("demo");
  document.getElementById(id).focus();
};
const SHORTCUTS = {
  "?": () => keys.showModal(),
  o: () => press("picker"),
  t: () => focus("text"),
  c: () => press("camera-start"),
  r: () => focus("workspace"),
  u: () => document.getElementById("undo")?.click(),
};

/** Whether a key pressed here is meant for what has the focus. */
const isForControl = (target) => target.closest?.("input, textarea, select, [contenteditable], dialog") != null;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "text") {
    event.target.form.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !keysOn.checked) return;
  const isOnlyToggle = event.target.matches?.("input[type=checkbox], input[type=file]") && !keys.open && !settings.open;
  if (isForControl(event.target) && !isOnlyToggle) return;
  const route = ROUTES[Number(event.key) - 1];
  const action = route ? () => go(route) : SHORTCUTS[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
});
