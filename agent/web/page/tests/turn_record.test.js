import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTurnRecord, withRecord } from "../.test-build/turn_record.js";

export const RECORD = {
  v: 1, call: "RM_1", turn: 3, outcome: "answered", speech_start_s: -1.5, words_final_s: -0.1,
  eot_s: 0.3, stt_final_s: 0.32, speculated: "none", llm_first_s: 0.45, clause_s: 0.5,
  tts_first_s: 0.58, playout_s: 0.62, heard_chars: 40,
  engines: { stt: "pocketsphinx", llm: "responder", tts: "espeak" }, faults: [],
};

const parse = (changes) => parseTurnRecord(JSON.stringify({ ...RECORD, ...changes }));

test("a complete record is read as it is", () => {
  assert.deepEqual(parse({}), RECORD);
});

test("times that are null or missing are unknown", () => {
  const record = parse({ clause_s: null, tts_first_s: undefined, speculated: null });
  assert.equal(record.clause_s, null);
  assert.equal(record.tts_first_s, null);
  assert.equal(record.speculated, null);
});

test("unknown fields are left out, so that a later agent can add some", () => {
  assert.deepEqual(parse({ more: 1 }), RECORD);
});

for (const [changes, message] of [
  [{ v: 2 }, /version 2/],
  [{ v: undefined }, /version undefined/],
  [{ turn: 1.5 }, /turn must be/],
  [{ outcome: "lost" }, /outcome must be one of/],
  [{ speculated: "maybe" }, /speculated must be one of/],
  [{ eot_s: "0.3" }, /eot_s must be a number/],
  [{ playout_s: true }, /playout_s must be a number/],
  [{ engines: [] }, /engines must be an object/],
]) {
  test(`a wrong record is refused: ${JSON.stringify(changes)}`, () =>
    assert.throws(() => parse(changes), message));
}

for (const json of ["", "null", "[]", "3", "{"]) {
  test(`what is no record is refused: ${json}`, () => assert.throws(() => parseTurnRecord(json)));
}

test("a second record of the same turn takes the place of the first", () => {
  const records = [parse({ turn: 1 }), parse({ turn: 2 })].reduce(withRecord, []);
  const again = withRecord(records, parse({ turn: 2, outcome: "interrupted" }));
  assert.deepEqual(again.map((r) => [r.turn, r.outcome]), [[1, "answered"], [2, "interrupted"]]);
  assert.equal(withRecord(records, parse({ turn: 2, call: "RM_2" })).length, 3);
});
