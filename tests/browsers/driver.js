// A client for WebDriver, as far as these tests need it: no package, since fetch and JSON do.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** The key under which WebDriver names elements. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** A port nobody listens on. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One browser, driven by the program that its maker gives for that. */
export class Browser {
  #base;
  #driver;
  /** Such as `firefox 140.5.0`. */
  title;

  /**
   * Starts `command` (its first word the program, `PORT` in it the port), then a browser with these
   * capabilities.
   */
  static async start({ command, capabilities }) {
    const port = await freePort();
    const [program, ...words] = command.map((word) => word.replace("PORT", port));
    const browser = new Browser();
    // A group of its own: some drivers are started by another program, and leave browsers behind.
    browser.#driver = spawn(program, words, { stdio: "ignore", detached: true });
    const failed = new Promise((_, reject) => {
      browser.#driver.once("error", reject);
      browser.#driver.once("exit", (code) => reject(new Error(`${program} ended with ${code}`)));
    });
    // Later, when it ends as it should, nobody waits for this.
    failed.catch(() => {});
    browser.#base = `http://127.0.0.1:${port}`;
    try {
      await Promise.race([browser.#isReady(), failed]);
      const session = await browser.#send("POST", "/session", { capabilities: { alwaysMatch: capabilities } });
      const { sessionId, capabilities: met } = session;
      browser.title = `${met.browserName} ${met.browserVersion}`;
      browser.#base += `/session/${sessionId}`;
      await browser.#send("POST", "/timeouts", { script: 600_000, pageLoad: 60_000 });
    } catch (error) {
      browser.#kill();
      throw error;
    }
    return browser;
  }

  async #isReady() {
    for (let tries = 0; tries < 150; tries += 1) {
      const status = await fetch(`${this.#base}/status`).catch(() => null);
      if (status?.ok) return;
      await sleep(200);
    }
    throw new Error("the driver does not answer within 30 s");
  }

  async #send(method, path, body) {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  #kill() {
    try {
      process.kill(-this.#driver.pid, "SIGTERM");
    } catch {
      // It has ended by itself.
    }
  }

  /** Goes to an address. */
  async goto(url) {
    await this.#send("POST", "/url", { url });
  }

  /** Runs a function in the page and gives what it gives. */
  async run(steps, ...args) {
    return this.#send("POST", "/execute/sync", { script: `return (${steps}).apply(null, arguments)`, args });
  }

  /** Waits until a function in the page, asked `every` so many ms, gives something that is true, and gives that. */
  async until(what, steps, { ms = 180_000, every = 100, args = [] } = {}) {
    for (const end = Date.now() + ms; Date.now() < end; await sleep(every)) {
      const value = await this.run(steps, ...args);
      if (value) return value;
    }
    throw new Error(`${what}: not within ${ms / 1000} s. The page says: ${await this.words()}`);
  }

  /** What the page says at the moment, for messages. */
  async words() {
    const text = await this.run(() => document.querySelector("main")?.innerText ?? document.body.innerText);
    return text.replace(/\s+/g, " ").slice(-600);
  }

  /** The element that a CSS selector finds. */
  async #find(selector) {
    const found = await this.#send("POST", "/element", { using: "css selector", value: selector });
    return found[ELEMENT];
  }

  /** Presses what a CSS selector finds, as a pointer does. */
  async click(selector) {
    await this.#send("POST", `/element/${await this.#find(selector)}/click`, {});
  }

  /** Types into what a CSS selector finds; into a file input, a path. */
  async type(selector, text) {
    await this.#send("POST", `/element/${await this.#find(selector)}/value`, { text });
  }

  /** Ends browser and driver. */
  async close() {
    await this.#send("DELETE", "").catch(() => {});
    this.#kill();
  }
}
