// As much of the ONNX format as measuring takes: nodes and constants, and a file with more outputs.

/** Field numbers of the format. */
const MODEL = { graph: 7 };
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 };
const NODE = { input: 1, output: 2, operator: 4, attribute: 5 };
const ATTRIBUTE = { name: 1, float: 2, integer: 3, tensor: 5, floats: 7, integers: 8 };
const TENSOR = { dims: 1, type: 2, floats: 4, name: 8, raw: 9 };
const VALUE_INFO = { name: 1 };

/** Numbers of the format's element types. */
const FLOAT = 1;
const INT8 = 3;
const INT16 = 5;
const INT32 = 6;

/** Wire types of protobuf. */
const VARINT = 0;
const SIXTY_FOUR_BITS = 1;
const BYTES = 2;
const THIRTY_TWO_BITS = 5;

const words = new TextDecoder();

/** `[number, value]` of each field of a message; a value is a number, or a view of its bytes. */
function* fields(message) {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at];
      if (byte === undefined) throw new Error("the file ends within a number");
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < message.length) {
    const start = at;
    const key = varint();
    const number = key >> 3;
    let value;
    switch (key & 7) {
      case VARINT:
        value = varint();
        break;
      case BYTES: {
        const length = varint();
        if (at + length > message.length) throw new Error("the file ends within a field");
        value = message.subarray(at, at + length);
        at += length;
        break;
      }
      case THIRTY_TWO_BITS:
        value = view.getFloat32(at, true);
        at += 4;
        break;
      case SIXTY_FOUR_BITS:
        value = view.getFloat64(at, true);
        at += 8;
        break;
      default:
        throw new Error(`field ${number} is of a kind that ONNX does not use`);
    }
    yield [number, value, message.subarray(start, at)];
  }
}

/** The values of one field, in order. */
const all = (message, wanted) => [...fields(message)].filter(([number]) => number === wanted).map(([, value]) => value);
const one = (message, wanted) => all(message, wanted).at(-1);
const strings = (message, wanted) => all(message, wanted).map((bytes) => words.decode(bytes));

/** Whole numbers, which a file may write one by one or packed. */
function integers(message, wanted) {
  return all(message, wanted).flatMap((value) => {
    if (typeof value === "number") return [value];
    const numbers = [];
    for (let at = 0; at < value.length; ) {
      let number = 0n;
      let shift = 0n;
      let byte;
      do {
        byte = value[at];
        at += 1;
        number |= BigInt(byte & 0x7f) << shift;
        shift += 7n;
      } while (byte >= 0x80);
      numbers.push(Number(BigInt.asIntN(64, number)));
    }
    return numbers;
  });
}

/**
 * A file's graph: `nodes` of `{ operator, inputs, outputs, attributes }`, `constants` by name as
 * `{ dims, type, bytes }`, and the names of its `inputs` and `outputs`.
 */
export function readGraph(file) {
  const graph = one(file, MODEL.graph);
  if (!graph) throw new Error("the file holds no graph");
  const named = (number) => all(graph, number).map((value) => strings(value, VALUE_INFO.name)[0]);
  return {
    nodes: all(graph, GRAPH.node).map(readNode),
    constants: new Map(all(graph, GRAPH.initializer).map(readTensor)),
    inputs: named(GRAPH.input),
    outputs: named(GRAPH.output),
  };
}

function readNode(message) {
  const attributes = {};
  for (const attribute of all(message, NODE.attribute)) {
    const [name] = strings(attribute, ATTRIBUTE.name);
    const tensor = one(attribute, ATTRIBUTE.tensor);
    const list = integers(attribute, ATTRIBUTE.integers);
    attributes[name] = tensor
      ? readTensor(tensor)[1]
      : list.length > 0
        ? list
        : (one(attribute, ATTRIBUTE.integer) ?? one(attribute, ATTRIBUTE.float));
  }
  return {
    operator: strings(message, NODE.operator)[0],
    inputs: strings(message, NODE.input),
    outputs: strings(message, NODE.output),
    attributes,
  };
}

function readTensor(message) {
  const raw = one(message, TENSOR.raw);
  const floats = all(message, TENSOR.floats);
  const tensor = {
    dims: integers(message, TENSOR.dims),
    type: one(message, TENSOR.type),
    // Numbers that are not raw are written one by one, or packed into bytes of the same form.
    bytes: raw ?? (floats[0] instanceof Uint8Array ? floats[0] : new Uint8Array(Float32Array.from(floats).buffer)),
  };
  return [strings(message, TENSOR.name)[0], tensor];
}

/**
 * A constant in f32 as `{ dims, values }`, by the name that nodes read: as it is stored, or from int8
 * behind a `Cast` and a `Mul` with its scales (docs/decisions/0002-narrow-weights.md).
 */
export function constant(graph, name) {
  const stored = graph.constants.get(name);
  if (stored) return widened(stored);
  const made = producer(graph, name);
  if (made?.operator === "Constant") return widened(made.attributes.value);
  if (made?.operator === "Cast") return constant(graph, made.inputs[0]);
  if (made?.operator !== "Mul") throw new Error(`${name} is no constant`);
  const [weights, scales] = made.inputs.map((input) => constant(graph, input));
  return { dims: weights.dims, values: scaled(weights, scales) };
}

const producer = (graph, name) => graph.nodes.find(({ outputs }) => outputs.includes(name));

function widened({ dims, type, bytes }) {
  // A copy, because a view of f32 must begin at a multiple of four bytes.
  const { buffer } = bytes.slice();
  if (type === FLOAT) return { dims, values: new Float32Array(buffer) };
  if (type === INT8) return { dims, values: Float32Array.from(new Int8Array(buffer)) };
  throw new Error(`constants of element type ${type} are not read`);
}

/** Each value times its scale; scales stand along one axis, or there is one for all. */
function scaled({ dims, values }, { dims: scaleDims, values: scales }) {
  const aligned = [...Array(dims.length - scaleDims.length).fill(1), ...scaleDims];
  const axis = aligned.findIndex((length) => length > 1);
  if (axis === -1) return values.map((value) => value * scales[0]);
  if (aligned[axis] !== dims[axis] || scales.length !== dims[axis]) {
    throw new Error(`scales of ${scaleDims.join("×")} for weights of ${dims.join("×")}`);
  }
  const inner = product(dims.slice(axis + 1));
  return values.map((value, at) => value * scales[Math.floor(at / inner) % dims[axis]]);
}

/** The product of some lengths, 1 of none. */
export const product = (lengths) => lengths.reduce((result, length) => result * length, 1);

/** The file with these values as outputs of the graph too. */
export function withOutputs(file, names) {
  const parts = [...fields(file)].map(([number, value, whole]) => {
    if (number !== MODEL.graph) return whole;
    const outputs = names.map((name) => field(GRAPH.output, field(VALUE_INFO.name, new TextEncoder().encode(name))));
    return field(MODEL.graph, joined([value, ...outputs]));
  });
  return joined(parts);
}

/**
 * The same model in the form that rten reads: lists in attributes and the lengths of tensors number by
 * number, where the format also allows them packed; and constants of int32 instead of int16.
 */
export function readableByRten(file) {
  const ofTensor = (tensor) => withoutInt16(withoutPacked(tensor, { integers: TENSOR.dims }));
  const ofAttribute = (attribute) => mapped(withoutPacked(attribute, ATTRIBUTE), { [ATTRIBUTE.tensor]: ofTensor });
  const ofNode = (node) => mapped(node, { [NODE.attribute]: ofAttribute });
  const ofGraph = (graph) => mapped(graph, { [GRAPH.node]: ofNode, [GRAPH.initializer]: ofTensor });
  return mapped(file, { [MODEL.graph]: ofGraph });
}

/** The message with the fields of some numbers made anew. */
function mapped(message, makers) {
  return joined(
    [...fields(message)].map(([number, value, whole]) => (makers[number] ? field(number, makers[number](value)) : whole)),
  );
}

/** The message with each number of the fields `integers` and `floats` in a field of its own. */
function withoutPacked(message, { integers, floats }) {
  const parts = [...fields(message)].flatMap(([number, value, whole]) => {
    if (!(value instanceof Uint8Array)) return [whole];
    if (number === integers) return pieces(value).map((piece) => joined([varintBytes((number << 3) | VARINT), piece]));
    if (number !== floats) return [whole];
    const starts = Array.from({ length: value.length / 4 }, (_, at) => 4 * at);
    return starts.map((at) => joined([varintBytes((number << 3) | THIRTY_TWO_BITS), value.subarray(at, at + 4)]));
  });
  return joined(parts);
}

/** A tensor as it is, or of int32 where it is of int16. */
function withoutInt16(message) {
  const raw = one(message, TENSOR.raw);
  if (one(message, TENSOR.type) !== INT16 || !raw) return message;
  const values = Int32Array.from(new Int16Array(raw.slice().buffer));
  const parts = [...fields(message)].map(([number, , whole]) => {
    if (number === TENSOR.type) return joined([varintBytes((number << 3) | VARINT), varintBytes(INT32)]);
    return number === TENSOR.raw ? field(number, new Uint8Array(values.buffer)) : whole;
  });
  return joined(parts);
}

/** The bytes of each number in a packed list. */
function pieces(list) {
  const ends = [...list.keys()].filter((at) => list[at] < 0x80);
  return ends.map((end, which) => list.subarray(which === 0 ? 0 : ends[which - 1] + 1, end + 1));
}

/** A field that holds bytes. */
export function field(number, content) {
  return joined([varintBytes((number << 3) | BYTES), varintBytes(content.length), content]);
}

function varintBytes(value) {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}

/** Several runs of bytes as one. */
export function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
