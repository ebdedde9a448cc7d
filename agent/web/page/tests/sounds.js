// Sound to put through gate and gain; for the tests and the benchmark, in Node and in browsers.

export const QUANTUM = 128;
export const RATE_HZ = 48000;

/** Uniform numbers in 0..1, the same for the same seed (a linear congruential generator). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** `seconds` of Gaussian noise with the power `dbfs`. */
export function noise(seconds, dbfs, next) {
  const rms = 10 ** (dbfs / 20);
  const samples = new Float32Array(Math.round((seconds * RATE_HZ) / QUANTUM) * QUANTUM);
  for (let i = 0; i < samples.length; i++) {
    samples[i] = rms * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  }
  return samples;
}

/** Something like a voice with the power `dbfs`: a buzz of 120 Hz in syllables of a quarter second. */
export function voice(seconds, dbfs) {
  const samples = new Float32Array(Math.round((seconds * RATE_HZ) / QUANTUM) * QUANTUM);
  let squares = 0;
  for (let i = 0; i < samples.length; i++) {
    const syllable = Math.sin((Math.PI * i * 4) / RATE_HZ) ** 2;
    for (let harmonic = 1; harmonic <= 12; harmonic++) {
      samples[i] += (syllable / harmonic) * Math.sin((2 * Math.PI * 120 * harmonic * i) / RATE_HZ);
    }
    squares += samples[i] ** 2;
  }
  const scale = 10 ** (dbfs / 20) / Math.sqrt(squares / samples.length);
  return samples.map((sample) => sample * scale);
}

/** `sounds` one after the other. */
export function join(...sounds) {
  const joined = new Float32Array(sounds.reduce((sum, sound) => sum + sound.length, 0));
  let at = 0;
  for (const sound of sounds) {
    joined.set(sound, at);
    at += sound.length;
  }
  return joined;
}

/** `sounds` at the same time; the first is the longest. */
export function mix(first, ...others) {
  const mixed = first.slice();
  for (const other of others) for (let i = 0; i < other.length; i++) mixed[i] += other[i];
  return mixed;
}

/** What `gate` makes of `sound`; `after` is called after each quantum with the seconds so far. */
export function through(gate, sound, after = () => {}) {
  const out = new Float32Array(sound.length);
  for (let at = 0; at < sound.length; at += QUANTUM) {
    gate.process(sound.subarray(at, at + QUANTUM), out.subarray(at, at + QUANTUM));
    after((at + QUANTUM) / RATE_HZ);
  }
  return out;
}

/** The power of `sound` between two seconds, in dBFS. */
export function dbfs(sound, from_s, to_s) {
  const part = sound.subarray(from_s * RATE_HZ, to_s * RATE_HZ);
  return 10 * Math.log10(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length);
}
