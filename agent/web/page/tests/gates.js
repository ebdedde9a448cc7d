// Gate and gain in every engine, as Node loads them.

import { readFileSync } from "node:fs";
import { PlainGate } from "../.test-build/sound/plain_gate.js";
import { WasmGate } from "../.test-build/sound/wasm_gate.js";
import { RATE_HZ } from "./sounds.js";

export function wasmOf(engine) {
  return readFileSync(new URL(`../.wasm-build/gate_${engine}.wasm`, import.meta.url));
}

function wasmGate(engine) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasmOf(engine)));
  return new WasmGate(engine, exports, RATE_HZ);
}

/** A new gate of each engine. */
export function gates() {
  return [new PlainGate(RATE_HZ), wasmGate("scalar"), wasmGate("simd")];
}
