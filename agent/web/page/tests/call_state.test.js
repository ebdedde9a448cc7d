import assert from "node:assert/strict";
import { test } from "node:test";
import { canEnd, canSend, canStart, describe, startLabel, step } from "../.test-build/call_state.js";

const URL = "ws://127.0.0.1:7880";
const after = (...events) => events.reduce(step, { phase: "ready" });
const joined = [{ type: "start" }, { type: "connecting", url: URL }, { type: "connected" }];
const live = [...joined, { type: "agent-joined" }];
const on = (...types) => types.map((type) => ({ type }));

test("a call goes from ready to live once the agent is there", () => {
  assert.deepEqual(after(...joined), { phase: "waiting", url: URL, overdue: false, why: "" });
  assert.deepEqual(after(...live), { phase: "live", url: URL });
});

test("an agent that joined before the connection was reported counts", () => {
  assert.equal(after(...joined.slice(0, 2), ...on("agent-joined", "connected")).phase, "live");
});

test("an agent that is late is reported, and welcome when it comes after all", () => {
  const late = after(...joined, ...on("agent-overdue"));
  assert.match(describe(late).advice, /parley dev/);
  assert.equal(canStart(late), true);
  assert.equal(step(late, { type: "agent-joined" }).phase, "live");
});

test("a room that says why no agent comes is believed at once, and a new call possible", () => {
  const why = "You are connected as soon as one is free.";
  const kept = after(...joined, { type: "kept-waiting", why });
  assert.deepEqual(describe(kept), { title: "All agents are busy", advice: why, tone: "warning" });
  assert.equal(canStart(kept), true);
  assert.equal(describe(step(kept, { type: "agent-overdue" })).advice, why);
  assert.equal(step(kept, { type: "agent-joined" }).phase, "live");
  assert.equal(describe(step(kept, { type: "kept-waiting", why: "" })).tone, "busy");
});

test("with an agent there is nothing to wait for", () => {
  const state = after(...live);
  assert.equal(step(state, { type: "kept-waiting", why: "busy" }), state);
});

test("an agent that is there cannot be overdue", () => {
  assert.equal(after(...live, ...on("agent-overdue")).phase, "live");
});

test("an agent that leaves in mid-call does not end the call", () => {
  const left = after(...live, ...on("agent-left"));
  assert.equal(left.phase, "agent-left");
  assert.equal(canEnd(left) && canStart(left), true);
  assert.equal(step(left, { type: "agent-joined" }).phase, "live");
});

test("the call goes on where it was after reconnecting", () => {
  assert.equal(after(...live, ...on("reconnecting", "reconnected")).phase, "live");
  assert.equal(after(...joined, ...on("reconnecting", "reconnected")).phase, "waiting");
  assert.equal(after(...live, ...on("agent-left", "reconnecting", "reconnected")).phase, "agent-left");
});

test("what the agent does while reconnecting is known afterwards", () => {
  assert.equal(after(...live, ...on("reconnecting", "agent-left", "reconnected")).phase, "agent-left");
  assert.equal(after(...joined, ...on("reconnecting", "agent-joined", "reconnected")).phase, "live");
});

test("the first reason for the end stays", () => {
  const ended = after(...live, { type: "ended", cause: "agent" });
  assert.equal(step(ended, { type: "ended", cause: "you" }), ended);
  assert.equal(step(ended, { type: "failed", cause: "lost", detail: URL }), ended);
  assert.equal(step(ended, { type: "agent-left" }), ended);
  assert.equal(describe(ended).title, "Call ended by the agent");
});

test("an ended call can be followed by a new one", () => {
  const ended = after(...live, { type: "ended", cause: "you" });
  assert.equal(startLabel(ended), "New call");
  assert.deepEqual(step(ended, { type: "start" }), { phase: "starting" });
});

test("a second start while one is under way changes nothing", () => {
  const starting = after({ type: "start" });
  assert.equal(step(starting, { type: "start" }), starting);
  assert.equal(canStart(after(...live)), false);
});

for (const problem of ["denied", "missing", "busy", "insecure"]) {
  test(`without a microphone (${problem}) the call can go on by text`, () => {
    const state = after({ type: "start" }, { type: "microphone-failed", problem });
    assert.equal(startLabel(state), "Try again");
    assert.match(describe(state).advice, /continue by text/);
    assert.deepEqual(step(state, { type: "start" }), { phase: "starting" });
  });
}

test("every failure names what does not answer", () => {
  for (const cause of ["endpoint", "refused-request", "unreachable", "refused-key", "lost"]) {
    const state = after({ type: "start" }, { type: "failed", cause, detail: "the-detail" });
    assert.equal(describe(state).tone, "error");
    assert.match(describe(state).advice, /the-detail/);
    assert.equal(startLabel(state), "Try again");
  }
});

test("text can be sent only while connected", () => {
  assert.equal(canSend(after(...joined)) && canSend(after(...live)), true);
  assert.equal(canSend(after(...live, ...on("reconnecting"))), false);
  assert.equal(canSend(after()), false);
});
