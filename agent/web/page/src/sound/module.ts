// The WebAssembly that this browser can run.

import scalarUrl from "../../.wasm-build/gate_scalar.wasm?url";
import simdUrl from "../../.wasm-build/gate_simd.wasm?url";
import type { GateModule } from "./gate.js";

const BUILDS = [
  ["simd", simdUrl],
  ["scalar", scalarUrl],
] as const;

/** The fastest build that the browser accepts; null when it has no WebAssembly, or none was to be had. */
export async function fetchModule(): Promise<GateModule | null> {
  if (typeof WebAssembly === "undefined") return null;
  try {
    for (const [engine, url] of BUILDS) {
      const answer = await fetch(url);
      if (!answer.ok) continue;
      const bytes = await answer.arrayBuffer();
      // A browser without SIMD does not know its instructions.
      if (WebAssembly.validate(bytes)) return { engine, bytes };
    }
  } catch {
    // Plain JavaScript does the same.
  }
  return null;
}
