// What memory a page and its workers hold, as the browser's debugger tells.

/** A page and its workers, seen by the debugger. */
export class Memory {
  /** Watches a page of Playwright and every worker that it starts from now on. */
  static async of(page) {
    const session = await page.context().newCDPSession(page);
    const memory = new Memory(session);
    session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
      if (targetInfo.type === "worker") memory.#workers.add(sessionId);
    });
    session.on("Target.detachedFromTarget", ({ sessionId }) => memory.#forget(sessionId));
    session.on("Target.receivedMessageFromTarget", ({ message }) => {
      const { id, result } = JSON.parse(message);
      memory.#waiting.get(id)?.resolve(result);
      memory.#waiting.delete(id);
    });
    await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
    return memory;
  }

  #page;
  #workers = new Set();
  #waiting = new Map();
  #n = 0;

  constructor(page) {
    this.#page = page;
  }

  /**
   * Bytes after everything unused was given back: `{ page, workers }`, each `{ heap, wasm }` of scripts'
   * objects and of WebAssembly's memories, those of the workers together.
   */
  async held() {
    const workers = await Promise.all([...this.#workers].map((worker) => held((...words) => this.#ask(worker, ...words))));
    const sum = (name) => workers.reduce((total, worker) => total + (worker?.[name] ?? 0), 0);
    return {
      page: await held((...words) => this.#page.send(...words)),
      workers: { heap: sum("heap"), wasm: sum("wasm") },
    };
  }

  /** Asks a worker's debugger; `undefined` where the worker ends meanwhile. */
  async #ask(sessionId, method, params = {}) {
    const id = ++this.#n;
    const answer = new Promise((resolve) => this.#waiting.set(id, { sessionId, resolve }));
    const message = JSON.stringify({ id, method, params });
    await this.#page.send("Target.sendMessageToTarget", { sessionId, message }).catch(() => this.#forget(sessionId));
    return answer;
  }

  #forget(worker) {
    this.#workers.delete(worker);
    for (const { sessionId, resolve } of this.#waiting.values()) if (sessionId === worker) resolve();
  }
}

async function held(ask) {
  await ask("HeapProfiler.collectGarbage");
  const heap = (await ask("Runtime.getHeapUsage"))?.usedSize ?? 0;
  const prototype = await ask("Runtime.evaluate", { expression: "WebAssembly.Memory.prototype" });
  const memories = await ask("Runtime.queryObjects", { prototypeObjectId: prototype?.result.objectId });
  const bytes = await ask("Runtime.callFunctionOn", {
    objectId: memories?.objects.objectId,
    functionDeclaration: "function () { return this.reduce((sum, { buffer }) => sum + buffer.byteLength, 0); }",
    returnByValue: true,
  });
  return { heap, wasm: bytes?.result.value ?? 0 };
}
