// Results that stay on this device, in the browser's own database. Fetched when the first result is
// written or read; `src/history.rs` says what a record is, here it only has a `key` that rises.

// Sites of one origin share its databases, so the path tells them apart.
const DATABASE = `vitrine${new URL("./", document.baseURI).pathname}`;
const STORE = "results";
let database;

function open() {
  database ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    request.onsuccess = () => {
      // Another tab, or the browser, may want to delete it.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab holds an older database"));
  });
  return database;
}

/** Has `steps` work on the store in one transaction; resolves with what they return once it is over. */
async function transact(mode, steps) {
  const transaction = (await open()).transaction(STORE, mode);
  const over = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error ?? new Error("the storage is full"));
  });
  const result = steps(transaction.objectStore(STORE));
  await over;
  return result?.result;
}

/** When the browser has nothing better to do, but soon. */
const idle = () =>
  new Promise((resolve) => {
    if (globalThis.requestIdleCallback) requestIdleCallback(resolve, { timeout: 1000 });
    else setTimeout(resolve, 100);
  });

function keep(records, bound) {
  return transact("readwrite", (store) => {
    for (const record of records) store.put(record);
    const keys = store.getAllKeys();
    keys.onsuccess = () => {
      for (const key of keys.result.slice(0, -bound)) store.delete(key);
    };
  });
}

/** Does one task after the other: what was written last is what stays. */
let last = Promise.resolve();

/** Does what `src/history.rs` asks for; resolves with records, latest first, where that is to read. */
export function keepOrRecall([what, list, bound]) {
  const run = async () => {
    if (what === "recall") return (await transact("readonly", (store) => store.getAll())).reverse();
    if (what === "forget all") return transact("readwrite", (store) => void store.clear());
    if (what === "forget") {
      return transact("readwrite", (store) => {
        for (const key of list) store.delete(key);
      });
    }
    // A page that is not seen may not come to rest any more.
    if (!document.hidden) await idle();
    return keep(list, bound);
  };
  // One that failed keeps none of the later ones from being tried.
  last = last.catch(() => {}).then(run);
  return last;
}
