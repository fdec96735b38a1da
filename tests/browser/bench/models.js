// What is measured: the registry's models with inputs as the page gives them.

/** Per model the input's shape, and whether it is token ids. */
export const CASES = [
  { model: "efficientnet-lite0", shape: [1, 3, 224, 224] },
  { model: "pp-ocr-detection", shape: [1, 3, 640, 640] },
  { model: "pp-ocr-recognition", shape: [1, 3, 48, 320] },
  { model: "pp-ocr-direction", shape: [1, 3, 48, 192] },
  { model: "all-minilm-l6-v2", shape: [1, 128], readsIds: true },
  { model: "all-minilm-l6-v2", shape: [1, 32], readsIds: true },
];

/** Such as `efficientnet-lite0 1×3×224×224`. */
export const caseName = ({ model, shape }) => `${model} ${shape.join("×")}`;
