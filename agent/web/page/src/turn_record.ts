// The record of one turn, as the agent publishes it on the text stream topic `parley.turn`.

export const OUTCOMES = ["answered", "interrupted", "ignored", "failed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const TIMES = [
  "speech_start_s",
  "words_final_s",
  "eot_s",
  "stt_final_s",
  "llm_first_s",
  "clause_s",
  "tts_first_s",
  "playout_s",
] as const;
export type TimeName = (typeof TIMES)[number];

/** Times are seconds after the end of the caller's speech, null when unknown; before it they are negative. */
export type TurnRecord = Record<TimeName, number | null> & {
  v: 1;
  call: string;
  turn: number;
  outcome: Outcome;
  speculated: "adopted" | "dropped" | "none" | null;
  heard_chars: number | null;
  engines: { stt?: string; llm?: string; tts?: string };
  faults: string[];
};

type Fields = Record<string, unknown>;

/** The record in `json`. Throws an `Error` that says what is wrong with it. */
export function parseTurnRecord(json: string): TurnRecord {
  const value: unknown = JSON.parse(json);
  if (!isObject(value)) throw new Error("a turn record must be an object");
  if (value["v"] !== 1) throw new Error(`turn record version ${String(value["v"])} is not known`);
  const turn = value["turn"];
  if (typeof turn !== "number" || !Number.isInteger(turn)) throw new Error("turn must be an integer");
  const times = TIMES.map((name) => [name, numberOrNull(value, name)] as const);
  return {
    ...(Object.fromEntries(times) as Record<TimeName, number | null>),
    v: 1,
    call: typeof value["call"] === "string" ? value["call"] : "",
    turn,
    outcome: oneOf(value, "outcome", OUTCOMES),
    speculated:
      value["speculated"] == null
        ? null
        : oneOf(value, "speculated", ["adopted", "dropped", "none"] as const),
    heard_chars: numberOrNull(value, "heard_chars"),
    engines: engines(value["engines"]),
    faults: Array.isArray(value["faults"]) ? value["faults"].map(String) : [],
  };
}

/** `records` with `record` added, or in the place of the one of the same turn. */
export function withRecord(records: readonly TurnRecord[], record: TurnRecord): TurnRecord[] {
  const others = records.filter((r) => r.turn !== record.turn || r.call !== record.call);
  return [...others, record];
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function numberOrNull(fields: Fields, name: string): number | null {
  const value = fields[name] ?? null;
  if (value === null || (typeof value === "number" && Number.isFinite(value))) return value;
  throw new Error(`${name} must be a number or null`);
}

function oneOf<T extends string>(fields: Fields, name: string, allowed: readonly T[]): T {
  const value = allowed.find((one) => one === fields[name]);
  if (value === undefined) throw new Error(`${name} must be one of ${allowed.join(", ")}`);
  return value;
}

function engines(value: unknown): TurnRecord["engines"] {
  if (value == null) return {};
  if (!isObject(value)) throw new Error("engines must be an object");
  const named = ["stt", "llm", "tts"].filter((kind) => typeof value[kind] === "string");
  return Object.fromEntries(named.map((kind) => [kind, value[kind] as string]));
}
