// Gate and gain in AssemblyScript. Built twice, with SIMD and without it: see asconfig.json.

import { CEILING, Control, KNEE } from "../src/sound/control";

const SAMPLES: usize = 128;
const BYTES: usize = 512;
const HEADROOM: f64 = CEILING - KNEE;

/** Where the page writes a quantum and reads the result. */
export const input: usize = memory.data(512, 16);
export const output: usize = memory.data(512, 16);

let control = new Control(48000.0);

/** Forgets everything heard. */
export function reset(rate_hz: f64): void {
  control = new Control(rate_hz);
}

export function meanSquare(): f64 {
  return control.meanSquare;
}

export function isOpen(): bool {
  return control.isOpen;
}

export function gain(): f64 {
  return control.to;
}

export function process(): void {
  let squares: f64;
  if (ASC_FEATURE_SIMD) squares = squaresBy4();
  else squares = squaresBy1();
  if (!control.step(squares / <f64>SAMPLES)) {
    memory.fill(output, 0, BYTES);
    return;
  }
  const start = <f32>control.from;
  const rise = <f32>((control.to - control.from) / <f64>SAMPLES);
  if (ASC_FEATURE_SIMD) applyBy4(start, rise);
  else applyBy1(start, rise);
}

// In 64 bits the square of a sample is exact and the order of adding does not show, so that all
// builds decide alike.

function squaresBy1(): f64 {
  let sum: f64 = 0.0;
  for (let at: usize = 0; at < BYTES; at += 4) {
    const sample = <f64>load<f32>(input + at);
    sum += sample * sample;
  }
  return sum;
}

function squaresBy4(): f64 {
  let low = f64x2.splat(0.0);
  let high = f64x2.splat(0.0);
  for (let at: usize = 0; at < BYTES; at += 16) {
    const samples = v128.load(input + at);
    const first = f64x2.promote_low_f32x4(samples);
    const second = f64x2.promote_low_f32x4(i64x2.shuffle(samples, samples, 1, 0));
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
  }
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

// The gain on its straight line, then the limiter: above KNEE it bends towards CEILING.

function applyBy1(start: f32, rise: f32): void {
  const knee = <f32>KNEE;
  const headroom = <f32>HEADROOM;
  for (let i: usize = 0; i < SAMPLES; i++) {
    let sample = load<f32>(input + (i << 2)) * (start + rise * <f32>(i + 1));
    const over = abs<f32>(sample) - knee;
    if (over > 0.0) {
      sample = copysign<f32>(knee + (headroom * over) / (headroom + over), sample);
    }
    store<f32>(output + (i << 2), sample);
  }
}

function applyBy4(start: f32, rise: f32): void {
  const starts = f32x4.splat(start);
  const rises = f32x4.splat(rise);
  const four = f32x4.splat(4.0);
  const knee = f32x4.splat(<f32>KNEE);
  let places = f32x4(1.0, 2.0, 3.0, 4.0);
  for (let at: usize = 0; at < BYTES; at += 16) {
    const gains = f32x4.add(starts, f32x4.mul(rises, places));
    let samples = f32x4.mul(v128.load(input + at), gains);
    // The division is dear and mostly for nothing.
    if (v128.any_true(f32x4.gt(f32x4.abs(samples), knee))) samples = limitBy4(samples, knee);
    v128.store(output + at, samples);
    places = f32x4.add(places, four);
  }
}

function limitBy4(samples: v128, knee: v128): v128 {
  const headroom = f32x4.splat(<f32>HEADROOM);
  const sizes = f32x4.abs(samples);
  const over = f32x4.pmax(f32x4.sub(sizes, knee), f32x4.splat(0.0));
  const bent = f32x4.div(f32x4.mul(headroom, over), f32x4.add(headroom, over));
  const limited = f32x4.add(f32x4.pmin(sizes, knee), bent);
  const signs = i32x4.splat(i32.MIN_VALUE);
  return v128.bitselect(samples, limited, signs);
}
