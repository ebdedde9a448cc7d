import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNotice, reasonToWait } from "../.test-build/notice.js";

test("a notice is read", () => {
  const notice = { level: "warning", code: "late", message: "A stage was late." };
  assert.deepEqual(parseNotice(JSON.stringify(notice)), notice);
});

test("unknown fields are left out and long messages are cut", () => {
  const json = JSON.stringify({ level: "info", code: "c", message: "x".repeat(900), more: 1 });
  assert.deepEqual(parseNotice(json), { level: "info", code: "c", message: "x".repeat(500) });
});

for (const json of ["", "{", "null", "[]", '{"level":"loud","code":"c","message":"m"}', '{"level":"info"}']) {
  test(`what is not a notice is null: ${json}`, () => assert.equal(parseNotice(json), null));
}

test("a room's metadata may say why no agent comes", () => {
  const metadata = JSON.stringify({ parley: { code: "busy", message: "Please wait." } });
  assert.equal(reasonToWait(metadata), "Please wait.");
});

for (const metadata of [undefined, "", "{", "null", "[]", "7", '{"parley":null}', '{"parley":{"message":7}}']) {
  test(`metadata of others says nothing: ${metadata}`, () => assert.equal(reasonToWait(metadata), ""));
}
