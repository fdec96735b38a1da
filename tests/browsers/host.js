// A static host that can go away: the built site with gzip, on a port of its own.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** Serves a folder under `/vitrine/` until it is ended. */
export async function serve(folder) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://host");
    const wanted = decodeURIComponent(pathname).replace(/^\/vitrine\//, "").replace(/(^|\/)$/, "$1index.html");
    try {
      const content = await readFile(path.join(folder, path.normalize(`/${wanted}`)));
      const type = TYPES[path.extname(wanted)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, "content-encoding": "gzip", "cache-control": "no-cache" });
      response.end(gzipSync(content, { level: 1 }));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/vitrine/`,
    /** Goes away, with every connection. */
    end() {
      server.close();
      server.closeAllConnections();
    },
  };
}
