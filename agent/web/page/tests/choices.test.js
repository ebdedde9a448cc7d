import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChoices, recall, remember } from "../.test-build/sound/choices.js";

class Store {
  #items = new Map();
  getItem(key) {
    return this.#items.get(key) ?? null;
  }
  setItem(key, value) {
    this.#items.set(key, value);
  }
}

test("what was chosen is there the next time", () => {
  const store = new Store();
  const choices = { echo: false, noise: true, gain: true, gate: true };
  assert.deepEqual(recall(() => store), {});
  remember(() => store, choices);
  assert.deepEqual(recall(() => store), choices);
});

test("what another version or a person wrote there is read as far as it makes sense", () => {
  assert.deepEqual(parseChoices('{"echo": false, "noise": "yes", "other": true}'), { echo: false });
  for (const json of [null, "", "no JSON", "null", "[]", "7"]) assert.deepEqual(parseChoices(json), {});
});

test("a browser that forbids storage is none that cannot call", () => {
  const forbidden = () => {
    throw new DOMException("", "SecurityError");
  };
  remember(forbidden, { echo: true, noise: true, gain: true, gate: false });
  assert.deepEqual(recall(forbidden), {});
});
