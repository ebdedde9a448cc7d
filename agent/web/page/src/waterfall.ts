// From a turn record to the bars of its latency waterfall.

import type { TurnRecord } from "./turn_record.js";

export const STAGES = [
  { key: "eot_s", label: "End of turn", engine: null },
  { key: "stt_final_s", label: "STT final", engine: "stt" },
  { key: "llm_first_s", label: "LLM first token", engine: "llm" },
  { key: "clause_s", label: "First clause", engine: null },
  { key: "tts_first_s", label: "TTS first audio", engine: "tts" },
  { key: "playout_s", label: "Playout", engine: null },
] as const;
export type StageKey = (typeof STAGES)[number]["key"];

/** What each stage waits for; an empty list means the end of the caller's speech. */
const WAITS_FOR: Record<StageKey, readonly StageKey[]> = {
  eot_s: [],
  stt_final_s: [],
  llm_first_s: ["stt_final_s", "eot_s"],
  clause_s: ["llm_first_s"],
  tts_first_s: ["clause_s"],
  playout_s: ["tts_first_s", "eot_s"],
};

export interface Bar {
  key: StageKey;
  label: string;
  engine: string | null;
  /** When the latest thing that the stage had waited for was there. */
  from_ms: number;
  at_ms: number;
  took_ms: number;
  /** Done before the caller had finished speaking: it cost the caller nothing. */
  early: boolean;
}

export interface Waterfall {
  bars: Bar[];
  /** The axis; it contains 0, the end of speech. */
  from_ms: number;
  to_ms: number;
  /** End of speech to the first sound of the answer, null when there was none. */
  total_ms: number | null;
}

/** The bars of the stages whose time is known, in the order of the pipeline. */
export function waterfallOf(record: TurnRecord): Waterfall {
  const bars: Bar[] = [];
  for (const { key, label, engine } of STAGES) {
    const at_s = record[key];
    if (at_s === null) continue;
    const at_ms = toMs(at_s);
    const from_ms = toMs(startOf(record, key, at_s));
    bars.push({
      key,
      label,
      engine: engine === null ? null : (record.engines[engine] ?? null),
      from_ms,
      at_ms,
      took_ms: at_ms - from_ms,
      early: at_ms < 0,
    });
  }
  return {
    bars,
    from_ms: Math.min(0, ...bars.map((bar) => bar.from_ms)),
    to_ms: Math.max(0, ...bars.map((bar) => bar.at_ms)),
    total_ms: record.playout_s === null ? null : toMs(record.playout_s),
  };
}

/** Middle of `values`, the mean of the two middle ones when their number is even; null without any. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)]!;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]!;
  return (lower + upper) / 2;
}

function startOf(record: TurnRecord, key: StageKey, at_s: number): number {
  // Speculation lets a stage finish before what it usually waits for: then it did not wait at all.
  const done = awaited(record, key).filter((time_s) => time_s <= at_s);
  return done.length === 0 ? at_s : Math.max(...done);
}

/** Times of the stages before `key`, looking further back where one is unknown. */
function awaited(record: TurnRecord, key: StageKey): number[] {
  const before = WAITS_FOR[key];
  if (before.length === 0) return [0];
  return before.flatMap((stage) => {
    const time_s = record[stage];
    return time_s === null ? awaited(record, stage) : [time_s];
  });
}

const toMs = (time_s: number): number => Math.round(time_s * 1000);
