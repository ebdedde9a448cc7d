// The figures in a browser: evals/page_sound.py opens it and asks for `window.figures`.

import { PlainGate } from "../.test-build/sound/plain_gate.js";
import { WasmGate } from "../.test-build/sound/wasm_gate.js";
import { RATE_HZ } from "../tests/sounds.js";
import { bench } from "./measure.js";

async function moduleOf(engine) {
  const answer = await fetch(`../.wasm-build/gate_${engine}.wasm`);
  return new WebAssembly.Module(await answer.arrayBuffer());
}

const modules = [
  ["scalar", await moduleOf("scalar")],
  ["simd", await moduleOf("simd")],
];
window.figures = bench(() => [
  new PlainGate(RATE_HZ),
  ...modules.map(
    ([engine, module]) => new WasmGate(engine, new WebAssembly.Instance(module).exports, RATE_HZ),
  ),
]);
