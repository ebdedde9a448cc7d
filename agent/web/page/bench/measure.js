// Time for a quantum of sound in each engine; runs in Node and in browsers.

import { join, noise, QUANTUM, random, RATE_HZ, through, voice } from "../tests/sounds.js";

const BATCHES = 1000;
const WARM_UP = 100;
// Browsers' clocks are coarse.
const QUANTA_A_BATCH = 1000;

/** Pauses, speech, and speech so loud that the limiter works. */
function sounds() {
  const next = random(1);
  const pauses = () => noise(0.6, -45, next);
  return join(pauses(), voice(1, -24), pauses(), voice(1, -12), pauses(), voice(1, -6));
}

/** Nanoseconds a quantum for each engine; they take turns, so that a busy moment meets them all. */
function measure(each, sound) {
  const times = Object.fromEntries(each.map(({ engine }) => [engine, []]));
  const out = new Float32Array(QUANTUM);
  const quanta = Array.from({ length: sound.length / QUANTUM }, (_, i) =>
    sound.subarray(i * QUANTUM, (i + 1) * QUANTUM),
  );
  for (let batch = 0; batch < WARM_UP + BATCHES; batch++) {
    const start = batch * 37;
    for (let turn = 0; turn < each.length; turn++) {
      const gate = each[(batch + turn) % each.length];
      const from_ms = performance.now();
      for (let i = 0; i < QUANTA_A_BATCH; i++) gate.process(quanta[(start + i) % quanta.length], out);
      const took_ms = performance.now() - from_ms;
      if (batch >= WARM_UP) times[gate.engine].push((1e6 * took_ms) / QUANTA_A_BATCH);
    }
  }
  return times;
}

function summary(times_ns) {
  const sorted = [...times_ns].sort((a, b) => a - b);
  const at = (share) => Math.round(10 * sorted[Math.round(share * (sorted.length - 1))]) / 10;
  return { n: sorted.length, p50_ns: at(0.5), p95_ns: at(0.95), least_ns: at(0) };
}

/** Of the samples that come out, between any engine and the first. */
function worstDifference(each, sound) {
  const [first, ...others] = each.map((gate) => through(gate, sound));
  let worst = 0;
  for (const out of others) {
    for (let i = 0; i < out.length; i++) worst = Math.max(worst, Math.abs(out[i] - first[i]));
  }
  return worst;
}

/** `gates` gives a new gate of each engine. */
export function bench(gates) {
  const sound = sounds();
  const times = Object.entries(measure(gates(), sound));
  return {
    quantum_ms: (1000 * QUANTUM) / RATE_HZ,
    quanta_a_batch: QUANTA_A_BATCH,
    engines: Object.fromEntries(times.map(([engine, times_ns]) => [engine, summary(times_ns)])),
    worst_difference: worstDifference(gates(), sound),
  };
}
