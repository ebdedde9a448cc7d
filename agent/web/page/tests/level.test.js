import assert from "node:assert/strict";
import { test } from "node:test";
import { levelOf, smooth } from "../.test-build/level.js";

test("silence is 0 and full scale is 100", () => {
  assert.equal(levelOf(new Float32Array(512)), 0);
  assert.equal(levelOf(new Float32Array(512).fill(1)), 100);
});

test("half of the decibels is half of the meter", () => {
  assert.equal(levelOf(new Float32Array(512).fill(10 ** (-30 / 20))), 50);
});

test("what is below the floor, empty or no number shows nothing", () => {
  assert.equal(levelOf([0.0001, -0.0001]), 0);
  assert.equal(levelOf([]), 0);
  assert.equal(levelOf([NaN]), 0);
});

test("the meter rises at once and falls slowly, never below zero", () => {
  assert.equal(smooth(10, 80, 0.03), 80);
  assert.equal(smooth(80, 0, 0.1), 62);
  assert.equal(smooth(5, 0, 10), 0);
});
