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
   * objects and of WebAssembly's memories; objects of all workers together, and the memory of one.
   */
  async held() {
    const ask = (worker) => (...words) => this.#ask(worker, ...words);
    const heaps = await Promise.all([...this.#workers].map((worker) => heapOf(ask(worker))));
    const ofPage = (...words) => this.#page.send(...words);
    return {
      page: { heap: await heapOf(ofPage), wasm: await wasmOf(ofPage) },
      workers: { heap: heaps.reduce((total, heap) => total + heap, 0), wasm: await told(ofPage) },
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

async function heapOf(ask) {
  await ask("HeapProfiler.collectGarbage");
  return (await ask("Runtime.getHeapUsage"))?.usedSize ?? 0;
}

/** Bytes of WebAssembly's memories. Asked of a worker that is at work, this ends the browser's page. */
async function wasmOf(ask) {
  const prototype = await ask("Runtime.evaluate", { expression: "WebAssembly.Memory.prototype" });
  const memories = await ask("Runtime.queryObjects", { prototypeObjectId: prototype?.result.objectId });
  const bytes = await ask("Runtime.callFunctionOn", {
    objectId: memories?.objects.objectId,
    functionDeclaration: "function () { return this.reduce((sum, { buffer }) => sum + buffer.byteLength, 0); }",
    returnByValue: true,
  });
  return bytes?.result.value ?? 0;
}

/** Bytes of the engine's memory as the worker that grew last told the page. */
async function told(ask) {
  const expression = 'performance.getEntriesByName("vitrine:memory").at(-1)?.detail.bytes ?? 0';
  return (await ask("Runtime.evaluate", { expression })).result.value;
}
