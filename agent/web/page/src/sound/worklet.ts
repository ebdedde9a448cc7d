// Runs in the browser's audio thread: one microphone through gate and gain.

import type { Gate, GateModule, Report } from "./gate.js";
import { PlainGate } from "./plain_gate.js";
import { WasmGate, type GateExports } from "./wasm_gate.js";

// What an AudioWorkletGlobalScope has; TypeScript's libraries do not know it.
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(
  name: string,
  processor: new (options: AudioWorkletNodeOptions) => AudioWorkletProcessor,
): void;

/** 32 ms at 48 kHz. */
const QUANTA_A_REPORT = 12;

class GateProcessor extends AudioWorkletProcessor {
  readonly #gate: Gate;
  #isOver = false;
  #loudest = 0;
  // The first quantum is reported at once: it shows the page that the audio thread runs.
  #untilReport = 1;

  constructor(options: AudioWorkletNodeOptions) {
    super();
    const { module } = options.processorOptions as { module: GateModule | null };
    this.#gate = openGate(module);
    this.port.onmessage = () => {
      this.#isOver = true;
    };
  }

  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const input = inputs[0]?.[0];
    const output = outputs[0]?.[0];
    // A microphone that has ended has no channels; the output is silent then by itself.
    if (input && output) this.#gate.process(input, output);
    this.#loudest = Math.max(this.#loudest, input ? this.#gate.meanSquare : 0);
    if (--this.#untilReport === 0) this.#report();
    return !this.#isOver;
  }

  #report(): void {
    const { engine, isOpen, gain } = this.#gate;
    const report: Report = { engine, meanSquare: this.#loudest, isOpen, gain };
    this.port.postMessage(report);
    this.#loudest = 0;
    this.#untilReport = QUANTA_A_REPORT;
  }
}

/** In WebAssembly if there is any and the page's policy lets it be compiled. */
function openGate(module: GateModule | null): Gate {
  if (module === null) return new PlainGate(sampleRate);
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes));
    return new WasmGate(module.engine, exports as unknown as GateExports, sampleRate);
  } catch {
    return new PlainGate(sampleRate);
  }
}

registerProcessor("parley-gate", GateProcessor);
