// What memory WebAssembly takes: every memory made from now on in this global scope is remembered.

const memories = new Set();

/** Begins to watch; before any engine is compiled. */
export function watchMemory() {
  const { Memory, Instance, instantiate, instantiateStreaming } = WebAssembly;
  // One that a module imports is made by a script, one that it has itself is among its exports.
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, words, newTarget) {
      const memory = Reflect.construct(target, words, newTarget);
      memories.add(memory);
      return memory;
    },
  });
  const remember = (instance) => {
    for (const value of Object.values(instance.exports)) {
      if (value instanceof Memory) memories.add(value);
    }
    return instance;
  };
  WebAssembly.Instance = new Proxy(Instance, {
    construct: (target, words, newTarget) => remember(Reflect.construct(target, words, newTarget)),
  });
  const watched = (start) => async (...words) => {
    const made = await start(...words);
    remember(made.instance ?? made);
    return made;
  };
  WebAssembly.instantiate = watched(instantiate);
  WebAssembly.instantiateStreaming = watched(instantiateStreaming);
}

/** Bytes of all of them. A memory never shrinks, so this is also the most there has been. */
export function memoryBytes() {
  return [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}
