// Gate and gain as the page sees them, whatever computes them.

/** What computes: WebAssembly with SIMD, without, or JavaScript. */
export type Engine = "simd" | "scalar" | "plain";

export interface Gate {
  readonly engine: Engine;
  /** Mean square of the last quantum as it came in. */
  readonly meanSquare: number;
  readonly isOpen: boolean;
  /** What the last quantum's end was multiplied by. */
  readonly gain: number;
  /** Both hold QUANTUM samples and may be the same array. */
  process(input: Float32Array, output: Float32Array): void;
}

/** A compiled module on its way into the worklet, as bytes: some browsers cannot pass modules there. */
export interface GateModule {
  engine: Exclude<Engine, "plain">;
  bytes: ArrayBuffer;
}

/** What the worklet tells the page about 30 times a second. */
export interface Report {
  engine: Engine;
  /** The loudest quantum since the last report. */
  meanSquare: number;
  isOpen: boolean;
  gain: number;
}

const ENGINES: Record<Engine, string> = {
  simd: "WASM SIMD",
  scalar: "WASM",
  plain: "JavaScript",
};

/** `report` in words: "Open, +3 dB · WASM SIMD". */
export function describeReport({ engine, isOpen, gain }: Report): string {
  const db = Math.round(20 * Math.log10(gain));
  const sign = db > 0 ? "+" : db < 0 ? "−" : "";
  return `${isOpen ? "Open" : "Closed"}, ${sign}${Math.abs(db)} dB · ${ENGINES[engine]}`;
}
