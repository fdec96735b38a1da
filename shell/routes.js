// Routes: every one is a document of its own for whoever opens or reloads it, and a part of this
// document for whoever is here, so that results and downloads go on.

import { say, spoken } from "./language.js";

const base = document.querySelector("base");
// From now on the address changes without a new document, and relative addresses must not.
base.href = base.href;
const site = new URL(base.href);

const TITLES = {
  demo: document.documentElement.dataset.route === "demo" ? document.title : "Vitrine",
  models: "Models · Vitrine",
  performance: "Performance · Vitrine",
  how: "How it works · Vitrine",
  accessibility: "Accessibility · Vitrine",
};

/** The route of an address of this site, or `undefined` for what is no route. */
function routeOf(address) {
  const path = address.pathname.slice(site.pathname.length).replace(/(index\.html|\/)$/, "");
  const route = path === "" ? "demo" : path;
  return address.origin === site.origin && route in TITLES ? route : undefined;
}

/** Shows a route; `focus` moves the focus to its heading, as a new document would. */
function show(route, focus) {
  document.documentElement.dataset.route = route;
  document.title = say(TITLES[route]);
  for (const link of document.querySelectorAll("nav [data-to]")) {
    if (link.dataset.to === route) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.dispatchEvent(new CustomEvent("vitrine:route", { detail: route }));
  if (!focus) return;
  window.scrollTo({ top: 0, behavior: "instant" });
  const heading = document.querySelector(`[data-page="${route}"] h1`);
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** Goes to a route without leaving this document. */
export function go(route) {
  const path = route === "demo" ? "" : `${route}/`;
  const address = new URL(path + location.search, site);
  if (address.href !== location.href.replace(/#.*/, "")) history.pushState(null, "", address);
  show(route, true);
}

/** The demo, where results appear; stays where it is when it is shown already. */
export function showDemo() {
  if (document.documentElement.dataset.route !== "demo") go("demo");
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0) return;
  // A new tab or window was asked for.
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  // With a base, an address that is only a fragment would lead to the demo.
  if (link.getAttribute("href").startsWith("#")) {
    event.preventDefault();
    document.querySelector(link.getAttribute("href"))?.focus();
    return;
  }
  const route = link.dataset.to && routeOf(new URL(link.href));
  if (!route) return;
  event.preventDefault();
  go(route);
});

window.addEventListener("popstate", () => show(routeOf(location) ?? "demo", true));

spoken.then(() => show(document.documentElement.dataset.route, false));
