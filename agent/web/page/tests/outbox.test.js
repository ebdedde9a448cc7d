import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox, parseReceipt, RETRY_MS, TRIES } from "../.test-build/outbox.js";

const outboxWith = (...ids) => {
  const outbox = new Outbox();
  for (const id of ids) outbox.add({ id, text: `text ${id}` });
  return outbox;
};
/** All that is to be done at once. */
const done = (outbox, nowMs, reader = "receipts") => {
  const steps = [];
  for (let step; (step = outbox.step(nowMs, reader)); ) steps.push(`${step.type} ${step.text.id}`);
  return steps;
};

test("a text is sent at once and, without a receipt, again and again until it is given up", () => {
  const outbox = outboxWith("a");
  for (let tries = 0; tries < TRIES; tries++) {
    assert.deepEqual(done(outbox, tries * RETRY_MS), ["send a"]);
    assert.deepEqual(done(outbox, (tries + 1) * RETRY_MS - 1), []);
  }
  assert.equal(outbox.isEmpty, false);
  assert.deepEqual(done(outbox, TRIES * RETRY_MS), ["give-up a"]);
  assert.equal(outbox.isEmpty, true);
});

test("a text that was received is not sent again", () => {
  const outbox = outboxWith("a");
  assert.deepEqual(outbox.step(0, "receipts"), { type: "send", text: { id: "a", text: "text a" } });
  outbox.received("a");
  assert.equal(outbox.isEmpty, true);
  assert.deepEqual(done(outbox, 10 * RETRY_MS), []);
});

test("the second text waits until the first is received or given up, with all its tries left", () => {
  const outbox = outboxWith("a", "b");
  assert.deepEqual(done(outbox, 0), ["send a"]);
  outbox.received("a");
  assert.deepEqual(done(outbox, 1), ["send b"]);
  const lost = outboxWith("a", "b");
  for (let tries = 0; tries < TRIES; tries++) done(lost, tries * RETRY_MS);
  assert.deepEqual(done(lost, TRIES * RETRY_MS), ["give-up a", "send b"]);
  assert.deepEqual(done(lost, (TRIES + 1) * RETRY_MS), ["send b"]);
});

test("a receipt for another text changes nothing for the first", () => {
  const outbox = outboxWith("a", "b");
  done(outbox, 0);
  outbox.received("nobody's");
  outbox.received("b");
  assert.deepEqual(done(outbox, RETRY_MS - 1), []);
  assert.deepEqual(done(outbox, RETRY_MS), ["send a"]);
  outbox.received("a");
  assert.equal(outbox.isEmpty, true);
});

test("an agent that gives no receipts gets each text once", () => {
  const outbox = outboxWith("a", "b");
  assert.deepEqual(done(outbox, 0, "silent"), ["send-once a", "send-once b"]);
  assert.equal(outbox.isEmpty, true);
});

test("while nobody is there texts are kept, and no try is counted", () => {
  const outbox = outboxWith("a");
  assert.deepEqual(done(outbox, 100 * RETRY_MS, "nobody"), []);
  assert.deepEqual(done(outbox, 100 * RETRY_MS), ["send a"]);
});

test("after a reconnection the text is sent at once, as often as a new one", () => {
  const outbox = outboxWith("a");
  for (let tries = 0; tries < TRIES; tries++) done(outbox, tries * RETRY_MS);
  outbox.restart();
  const at = (TRIES - 1) * RETRY_MS + 1;
  for (let tries = 0; tries < TRIES; tries++) {
    assert.deepEqual(done(outbox, at + tries * RETRY_MS), ["send a"]);
  }
  assert.deepEqual(done(outbox, at + TRIES * RETRY_MS), ["give-up a"]);
});

test("what is left at the end is told, and the next call begins with nothing", () => {
  const outbox = outboxWith("a", "b");
  done(outbox, 0);
  assert.deepEqual(outbox.clear().map((text) => text.id), ["a", "b"]);
  assert.deepEqual(outbox.clear(), []);
  outbox.add({ id: "c", text: "text c" });
  assert.deepEqual(done(outbox, 0), ["send c"]);
});

test("a receipt is read", () => assert.equal(parseReceipt('{"id":"a-1","more":1}'), "a-1"));

for (const json of ["", "{", "null", "[]", "7", '{"id":7}']) {
  test(`what is no receipt is for no text: ${json}`, () => assert.equal(parseReceipt(json), ""));
}
