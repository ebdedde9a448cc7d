import assert from "node:assert/strict";
import { test } from "node:test";
import { LOOK_MS, Pulse } from "../.test-build/sound/pulse.js";

/** How many looks in a row find nothing wrong, up to a hundred. */
function looks(pulse, isDue) {
  let count = 0;
  while (count < 100 && !pulse.look(isDue)) count++;
  return count;
}

test("reports that stay away are noticed after two seconds", () => {
  const pulse = new Pulse();
  assert.equal(looks(pulse, true) * LOOK_MS, 2000);
  assert.ok(pulse.look(true));
});

test("a report now and then is enough", () => {
  const pulse = new Pulse();
  for (let i = 0; i < 20; i++) {
    for (let j = 0; j < 4; j++) assert.ok(!pulse.look(true));
    pulse.beat();
  }
});

test("a microphone that is gone or interrupted owes no reports", () => {
  const pulse = new Pulse();
  for (let i = 0; i < 4; i++) pulse.look(true);
  assert.equal(looks(pulse, false), 100);
  assert.equal(looks(pulse, true) * LOOK_MS, 2000);
});
