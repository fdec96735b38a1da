// A static server that a test can stop, change and listen to.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The built site. */
export const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));

const SUB_PATH = "/vitrine/";
const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
};

export class SiteServer {
  /** What is served; may be changed at any time. */
  folder = DIST;
  /** Paths from the site's root that were asked for, in order. */
  asked = [];
  /** Answers instead of the server where it returns true: `(path, response) => …`. */
  interfere = () => false;
  #server = null;
  #port = 0;
  /** Bytes that the network still lets through of these files: `{ files, bytes }`. */
  #cut = null;

  /** Starts, at the same address as before if it was stopped. */
  async start() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = this.#server.address().port;
    return this;
  }

  /** Stops at once, whatever is on its way. */
  async stop() {
    if (!this.#server?.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  /** From now on lets so many bytes of these files through, and ends every answer to come in the middle. */
  cutAfter(bytes, files) {
    this.#cut = { files, bytes };
  }

  /** Lets everything through again. */
  mend() {
    this.#cut = null;
  }

  /** Address of the site, ending with a slash. */
  get url() {
    return `http://127.0.0.1:${this.#port}${SUB_PATH}`;
  }

  /** What was asked for under a folder, such as `engine/`. */
  askedUnder(folder) {
    return this.asked.filter((file) => file.startsWith(folder));
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, "http://127.0.0.1");
    const file = decodeURIComponent(pathname.slice(SUB_PATH.length));
    this.asked.push(file);
    if (await this.interfere(file, response)) return;
    const name = file === "" || file.endsWith("/") ? `${file}index.html` : file;
    try {
      const content = await readFile(path.join(this.folder, name));
      const type = TYPES[path.extname(name)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, "cache-control": "no-cache", "content-length": content.length });
      const nBytes = this.#letThrough(file, content.length);
      if (nBytes === content.length) response.end(content);
      else response.write(content.subarray(0, nBytes), () => response.destroy());
    } catch {
      response.writeHead(404, { "content-type": "text/html" }).end("<html>not found</html>");
    }
  }

  /** How many bytes of a file of this length the network lets through. */
  #letThrough(file, length) {
    if (!this.#cut?.files.includes(file)) return length;
    const nBytes = Math.min(length, this.#cut.bytes);
    this.#cut.bytes -= nBytes;
    return nBytes;
  }
}
