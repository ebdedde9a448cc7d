// Gate and gain in WebAssembly, from wasm/gate.ts.

import { QUANTUM } from "./control.js";
import type { Engine, Gate } from "./gate.js";

/** What an instance of the module exports. */
export interface GateExports {
  memory: { readonly buffer: ArrayBuffer };
  /** Where in the memory the samples lie. */
  input: { readonly value: number };
  output: { readonly value: number };
  reset(rate_hz: number): void;
  process(): void;
  meanSquare(): number;
  isOpen(): number;
  gain(): number;
}

export class WasmGate implements Gate {
  readonly #exports: GateExports;
  readonly #input: Float32Array;
  readonly #output: Float32Array;

  constructor(
    readonly engine: Exclude<Engine, "plain">,
    exports: GateExports,
    rate_hz: number,
  ) {
    this.#exports = exports;
    // The memory never grows, so the views stay good.
    this.#input = new Float32Array(exports.memory.buffer, exports.input.value, QUANTUM);
    this.#output = new Float32Array(exports.memory.buffer, exports.output.value, QUANTUM);
    exports.reset(rate_hz);
  }

  get meanSquare(): number {
    return this.#exports.meanSquare();
  }

  get isOpen(): boolean {
    return this.#exports.isOpen() !== 0;
  }

  get gain(): number {
    return this.#exports.gain();
  }

  process(input: Float32Array, output: Float32Array): void {
    this.#input.set(input);
    this.#exports.process();
    output.set(this.#output);
  }
}
