// The site without a network. The build puts the list of the site's files before this script, as
// `self.SITE`: { version, shell, later }, the last two by path from the site's root, each with its
// hash. A cache holds the files of one version and nothing else, because every file is checked
// against its hash when it is kept; a page is given files of one version only, because each version
// comes with a service worker of its own, which waits until no page of the one before is left or a
// person asks for it.
//
// Weights are not its business: the page keeps them itself, by their content.

const { version, shell, later } = self.SITE;
const FILES = { ...shell, ...later };
const ROOT = new URL(self.registration.scope);
// Sites of one origin share its caches, so the path tells them apart.
const PREFIX = `vitrine-site-${ROOT.pathname}-`;
const CACHE = PREFIX + version;

const isListed = (path) => Object.hasOwn(FILES, path);
const address = (path) => new URL(path, ROOT).href;

/** A file as the site has it now; fails if that is not the file of this version. */
const fetchListed = (path) => fetch(address(path), { integrity: FILES[path], cache: "no-cache" });

async function keep(path) {
  const cache = await caches.open(CACHE);
  if (await cache.match(address(path), { ignoreVary: true })) return;
  const response = await fetchListed(path);
  if (!response.ok) throw new Error(`the site answered ${response.status} for ${path}`);
  await cache.put(address(path), response);
}

self.addEventListener("install", (event) => {
  event.waitUntil(Promise.all(Object.keys(shell).map(keep)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(removeOthers());
});

async function removeOthers() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

// The page says "update" when a person asks for it, and { keep: [prefix, …] } once it has used what
// stands under these paths.
self.addEventListener("message", (event) => {
  if (event.data === "update") self.skipWaiting();
  const prefixes = event.data?.keep ?? [];
  const paths = Object.keys(later).filter((path) => prefixes.some((prefix) => path.startsWith(prefix)));
  // What cannot be kept, for want of space or of a network, is fetched again when it is needed.
  event.waitUntil(Promise.allSettled(paths.map(keep)));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== ROOT.origin || !url.pathname.startsWith(ROOT.pathname)) return;
  const path = decodeURIComponent(url.pathname.slice(ROOT.pathname.length));
  if (request.mode === "navigate") event.respondWith(navigate(request, path));
  else if (isListed(path)) event.respondWith(find(path));
});

async function navigate(request, path) {
  const listed = [path, `${path}index.html`].find(isListed);
  if (listed !== undefined && Object.hasOwn(later, listed)) return opened(listed);
  if (listed !== undefined) return isolated(await find(listed));
  // A folder without its slash: relative addresses in its page would miss.
  if (isListed(`${path}/index.html`)) return Response.redirect(address(`${path}/`));
  try {
    return isolated(await fetch(request));
  } catch {
    return Response.redirect(ROOT.href);
  }
}

/** A document that is not kept at once: it is from when someone opens it. Else the first page says why. */
async function opened(path) {
  try {
    await keep(path);
  } catch {
    // Without space it is only shown.
  }
  try {
    return isolated(await find(path));
  } catch {
    return Response.redirect(ROOT.href);
  }
}

const find = async (path) => (await kept(path)) ?? fetchListed(path);

async function kept(path) {
  const cache = await caches.open(CACHE);
  return cache.match(address(path), { ignoreVary: true });
}

/** Lets the page's threads share memory, on hosts that cannot send these headers themselves. */
function isolated(response) {
  if (response.type === "opaqueredirect") return response;
  const { body, status, statusText } = response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  return new Response(body, { status, statusText, headers });
}
