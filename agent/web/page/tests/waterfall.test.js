import assert from "node:assert/strict";
import { test } from "node:test";
import { median, waterfallOf } from "../.test-build/waterfall.js";

const UNKNOWN = {
  v: 1, call: "", turn: 1, outcome: "answered", speech_start_s: null, words_final_s: null,
  eot_s: null, stt_final_s: null, speculated: null, llm_first_s: null, clause_s: null,
  tts_first_s: null, playout_s: null, heard_chars: null, engines: {}, faults: [],
};
const IN_ORDER = {
  ...UNKNOWN, eot_s: 0.3, stt_final_s: 0.32, llm_first_s: 0.45, clause_s: 0.5, tts_first_s: 0.58,
  playout_s: 0.62,
};
const spans = (record) => waterfallOf(record).bars.map((bar) => [bar.key, bar.from_ms, bar.at_ms]);

test("each stage begins when what it waits for is done", () => {
  assert.deepEqual(spans(IN_ORDER), [
    ["eot_s", 0, 300],
    ["stt_final_s", 0, 320],
    ["llm_first_s", 320, 450],
    ["clause_s", 450, 500],
    ["tts_first_s", 500, 580],
    ["playout_s", 580, 620],
  ]);
});

test("the total is the time to the first sound", () => {
  assert.equal(waterfallOf(IN_ORDER).total_ms, 620);
  assert.equal(waterfallOf(UNKNOWN).total_ms, null);
});

test("with a reply that is ready early, playout waits for the end of the turn only", () => {
  const record = { ...IN_ORDER, eot_s: 0.35, stt_final_s: 0.02, llm_first_s: -0.08, clause_s: -0.03,
    tts_first_s: 0.05, playout_s: 0.4 };
  const { bars, from_ms, to_ms } = waterfallOf(record);
  const bar = (key) => bars.find((one) => one.key === key);
  assert.equal(bar("playout_s").from_ms, 350);
  assert.equal(bar("llm_first_s").took_ms, 0);
  assert.equal(bar("clause_s").early && bar("llm_first_s").early, true);
  assert.equal(bar("tts_first_s").early, false);
  assert.deepEqual([from_ms, to_ms], [-80, 400]);
});

test("the language model waits for the words when the end of the turn comes later", () => {
  const record = { ...IN_ORDER, eot_s: 0.4, stt_final_s: 0.1, llm_first_s: 0.25 };
  assert.deepEqual(spans(record)[2], ["llm_first_s", 100, 250]);
});

test("a stage that is unknown has no bar, and the next one begins at the one before it", () => {
  const record = { ...IN_ORDER, clause_s: null, llm_first_s: null };
  assert.deepEqual(spans(record).slice(2), [["tts_first_s", 320, 580], ["playout_s", 580, 620]]);
});

test("a record without times gives an empty chart around zero", () => {
  assert.deepEqual(waterfallOf(UNKNOWN), { bars: [], from_ms: 0, to_ms: 0, total_ms: null });
});

test("no bar ever runs backwards", () => {
  const times = [null, -0.2, 0.1, 0.4];
  const keys = ["eot_s", "stt_final_s", "llm_first_s", "clause_s", "tts_first_s", "playout_s"];
  for (let n = 0; n < times.length ** keys.length; n++) {
    const record = { ...UNKNOWN };
    keys.forEach((key, i) => (record[key] = times[Math.floor(n / times.length ** i) % times.length]));
    for (const bar of waterfallOf(record).bars) assert.ok(bar.took_ms >= 0, JSON.stringify(record));
  }
});

test("bars name the engine that did the work", () => {
  const { bars } = waterfallOf({ ...IN_ORDER, engines: { stt: "pocketsphinx" } });
  assert.deepEqual(bars.map((bar) => bar.engine), [null, "pocketsphinx", null, null, null, null]);
});

test("the median of an even number of turns lies between the middle ones", () => {
  assert.equal(median([]), null);
  assert.equal(median([5]), 5);
  assert.equal(median([400, 100, 300]), 300);
  assert.equal(median([400, 100, 300, 200]), 250);
});
