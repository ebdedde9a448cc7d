import assert from "node:assert/strict";
import { test } from "node:test";
import { describeReport } from "../.test-build/sound/gate.js";
import { gates, wasmOf } from "./gates.js";
import { dbfs, join, mix, noise, QUANTUM, random, through, voice } from "./sounds.js";

const CEILING = 0.98;

/** One test for each engine. */
function testEach(name, check) {
  for (const [i, { engine }] of gates().entries()) test(`${engine}: ${name}`, () => check(gates()[i]));
}

test("all engines make the same of the same sound", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const next = random(seed);
    const parts = Array.from({ length: 12 }, () => noise(0.2 + next(), -70 + 65 * next(), next));
    const sound = join(...parts, voice(2, -6), noise(1, -50, next));
    const [plain, ...others] = gates();
    const decisions = [];
    const expected = through(plain, sound, () => decisions.push([plain.isOpen, plain.gain]));
    for (const gate of others) {
      let i = 0;
      const out = through(gate, sound, () => {
        const [isOpen, gain] = decisions[i++];
        assert.equal(gate.isOpen, isOpen, `${gate.engine}, seed ${seed}, quantum ${i}`);
        assert.ok(Math.abs(gate.gain - gain) < 1e-9);
      });
      let worst = 0;
      for (let k = 0; k < out.length; k++) worst = Math.max(worst, Math.abs(out[k] - expected[k]));
      assert.ok(worst < 1e-6, `${gate.engine}, seed ${seed}: ${worst}`);
    }
  }
});

test("the two builds are different modules, and small", () => {
  const [scalar, simd] = [wasmOf("scalar"), wasmOf("simd")];
  assert.notDeepEqual(scalar, simd);
  assert.ok(Math.max(scalar.length, simd.length) < 4096);
});

testEach("noise is turned down, a word over it opens the gate, the pause after it closes", (gate) => {
  const sound = mix(noise(10, -48, random(1)), join(new Float32Array(6 * 48000), voice(1, -24)));
  const closed = [];
  const out = through(gate, sound, (now_s) => closed.push([now_s, !gate.isOpen]));
  const share = (from_s, to_s) => {
    const part = closed.filter(([now_s]) => now_s > from_s && now_s <= to_s);
    return part.filter(([, isClosed]) => isClosed).length / part.length;
  };
  assert.equal(share(5, 6), 1);
  assert.ok(share(6.05, 7.2) < 0.05, "closed within the word");
  assert.ok(share(8, 10) > 0.95, "open after the word");
  assert.ok(Math.abs(dbfs(out, 5, 6) - -60) < 1.5, "the noise that is left");
});

testEach("what the gate leaves of noise is never digital silence", (gate) => {
  const out = through(gate, noise(8, -40, random(2)));
  assert.equal(gate.isOpen, false);
  assert.ok(dbfs(out, 7, 8) > -60);
  assert.ok(dbfs(out, 7, 8) < -50);
});

testEach("a quiet room passes bit by bit", (gate) => {
  const sound = noise(3, -65, random(3));
  assert.deepEqual(through(gate, sound), sound);
});

testEach("noise that never stops cannot keep a voice out", (gate) => {
  const sound = mix(noise(30, -25, random(4)), join(new Float32Array(28 * 48000), voice(2, -18)));
  let open = 0;
  through(gate, sound, (now_s) => now_s > 28 && gate.isOpen && open++);
  assert.ok(open > 700, `${open} of 750 quanta`);
});

testEach("a quiet voice is raised and a loud one lowered, both within bounds", (gate) => {
  through(gate, voice(8, -32));
  assert.ok(gate.gain > 2 && gate.gain <= 4, `${gate.gain} for a quiet voice`);
  through(gate, voice(8, -8));
  assert.ok(gate.gain >= 0.5 && gate.gain < 0.6, `${gate.gain} for a loud voice`);
});

testEach("noise alone changes no gain", (gate) => {
  through(gate, join(noise(5, -50, random(5)), noise(5, -42, random(6))));
  assert.ok(gate.gain <= 1);
  const { gain } = gate;
  through(gate, voice(0.2, -22));
  assert.ok(Math.abs(gate.gain - 1) < 0.1, `${gain}, then ${gate.gain}`);
});

testEach("nothing gets above the ceiling, however loud", (gate) => {
  through(gate, voice(6, -34));
  const gain = gate.gain;
  assert.ok(gain > 2);
  const loud = Float32Array.from({ length: 64 * QUANTUM }, (_, i) => (i % 2 ? 1 : -1));
  const out = through(gate, loud);
  assert.ok(out.every((sample) => Math.abs(sample) <= CEILING));
  assert.ok(out.subarray(0, QUANTUM).every((sample) => Math.abs(sample) > 0.8));
});

testEach("what is no sound becomes silence and is forgotten", (gate) => {
  through(gate, voice(1, -20));
  const { gain } = gate;
  for (const bad of [NaN, Infinity, 1e30]) {
    const sound = voice(0.1, -20).fill(bad, 200, 201);
    const out = through(gate, sound);
    assert.ok(out.every(Number.isFinite), String(bad));
    assert.ok(out.subarray(QUANTUM, 2 * QUANTUM).every((sample) => sample === 0));
    assert.ok(out.subarray(4 * QUANTUM).some((sample) => sample !== 0));
  }
  assert.ok(Math.abs(gate.gain - gain) < 0.2);
});

testEach("a muted microphone stays silent and teaches nothing", (gate) => {
  through(gate, join(noise(6, -45, random(7))));
  const { gain, isOpen } = gate;
  const out = through(gate, new Float32Array(5 * 48000));
  assert.ok(out.every((sample) => sample === 0));
  assert.deepEqual([gate.gain, gate.isOpen], [gain, isOpen]);
});

testEach("the level is the mean square of what came in", (gate) => {
  through(gate, new Float32Array(QUANTUM).fill(0.25));
  assert.equal(gate.meanSquare, 0.0625);
});

testEach("input and output may be the same array", (gate) => {
  const sound = noise(0.5, -65, random(8));
  const same = sound.slice();
  for (let at = 0; at < same.length; at += QUANTUM) {
    const quantum = same.subarray(at, at + QUANTUM);
    gate.process(quantum, quantum);
  }
  assert.deepEqual(same, sound);
});

test("a report is told in words", () => {
  const report = { engine: "simd", meanSquare: 0.01, isOpen: true, gain: 1.41 };
  assert.equal(describeReport(report), "Open, +3 dB · WASM SIMD");
  assert.equal(
    describeReport({ ...report, engine: "plain", isOpen: false, gain: 0.25 }),
    "Closed, −12 dB · JavaScript",
  );
  assert.equal(describeReport({ ...report, engine: "scalar", gain: 1 }), "Open, 0 dB · WASM");
});
