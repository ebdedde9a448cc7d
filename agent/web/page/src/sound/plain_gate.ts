// Gate and gain in plain JavaScript, for browsers without WebAssembly.

import { CEILING, Control, KNEE, QUANTUM } from "./control.js";
import type { Gate } from "./gate.js";

const HEADROOM = CEILING - KNEE;

export class PlainGate implements Gate {
  readonly engine = "plain";
  readonly #control: Control;

  constructor(rate_hz: number) {
    this.#control = new Control(rate_hz);
  }

  get meanSquare(): number {
    return this.#control.meanSquare;
  }

  get isOpen(): boolean {
    return this.#control.isOpen;
  }

  get gain(): number {
    return this.#control.to;
  }

  process(input: Float32Array, output: Float32Array): void {
    let squares = 0;
    for (let i = 0; i < QUANTUM; i++) squares += input[i]! * input[i]!;
    if (!this.#control.step(squares / QUANTUM)) {
      output.fill(0);
      return;
    }
    const { from, to } = this.#control;
    const rise = (to - from) / QUANTUM;
    for (let i = 0; i < QUANTUM; i++) output[i] = limit(input[i]! * (from + rise * (i + 1)));
  }
}

/** Bends what is above KNEE so that it approaches CEILING and never reaches it. */
function limit(sample: number): number {
  const over = Math.abs(sample) - KNEE;
  if (over <= 0) return sample;
  const bent = KNEE + (HEADROOM * over) / (HEADROOM + over);
  return sample < 0 ? -bent : bent;
}
