// What gate and gain decide, once for each quantum of sound. Compiled twice, by TypeScript and by
// AssemblyScript (wasm/gate.ts), so it keeps to what both understand: no #private, decimals for floats.

/** Samples that the Web Audio API hands over at a time. */
export const QUANTUM: number = 128.0;
/** Samples up to here pass the limiter as they are. */
export const KNEE: number = 0.7;
/** What no sample gets above. */
export const CEILING: number = 0.98;

// Powers are mean squares of samples within -1..1; the comments give them in dBFS.
/** The gate opens this far above the noise (+5 dB) … */
const OPENS_AT: number = 3.16;
/** … and counts down to closing below this (+3 dB). */
const CLOSES_AT: number = 2.0;
/** The noise that opening is measured from is never taken for less (-63) or more (-37) than this. */
const LEAST_NOISE: number = 0.0000005;
const MOST_NOISE: number = 0.0002;
/** A closed gate leaves this much of the noise (-60): end-of-turn models are wrong on silence. */
const NOISE_LEFT: number = 0.000001;
/** What a closed gate multiplies by at least (-15 dB), so that a word it misses is still heard. */
const CLOSED_GATE: number = 0.178;
/** What a voice is brought to (-22), by a gain of -6 to +12 dB. */
const VOICE: number = 0.0063;
const LEAST_GAIN: number = 0.5;
const MOST_GAIN: number = 4.0;
/** Sound counts as voice for the gain this far above the noise (+10 dB) and above this (-50). */
const VOICE_ABOVE: number = 10.0;
const LEAST_VOICE: number = 0.00001;
/** No microphone is that loud; also keeps squares and products within 32 bits. */
const NONSENSE: number = 1000000.0;

const POWER_S: number = 0.01;
/** As long as that what is heard first is taken for noise; who speaks already is not shut out. */
const LEARNING_S: number = 0.3;
const NOISE_FALLS_S: number = 0.1;
/** 3 dB a second: slower than any sentence, quick enough for a fan that starts. */
const NOISE_RISES_PER_S: number = 0.69;
const HOLD_S: number = 0.3;
const OPENING_S: number = 0.002;
const CLOSING_S: number = 0.08;
const VOICE_S: number = 1.0;

/**
 * A gate over an estimate of the noise (the smoothed power's slowly rising minimum), with hysteresis
 * and hold, and a gain that follows the loudness of what is clearly a voice.
 */
export class Control {
  /** Gain at the beginning and at the end of the quantum; in between it is a straight line. */
  from: number = 1.0;
  to: number = 1.0;
  /** Open at first: a gate that does not know the noise yet must not take words away. */
  isOpen: boolean = true;
  meanSquare: number = 0.0;
  private quantum_s: number;
  private power: number = 0.0;
  private noise: number = NOISE_LEFT;
  private voice: number = VOICE;
  private gate: number = 1.0;
  private hold_s: number = HOLD_S;
  private learning_s: number = LEARNING_S;

  constructor(rate_hz: number) {
    this.quantum_s = QUANTUM / rate_hz;
  }

  /** Takes the mean square of a quantum; false when that is no sound and must be silenced. */
  step(meanSquare: number): boolean {
    this.from = this.to;
    // So written that NaN is nonsense, too.
    if (!(meanSquare < NONSENSE)) {
      this.meanSquare = 0.0;
      return false;
    }
    this.meanSquare = meanSquare;
    // Digital silence is a muted microphone: nothing is to be learnt from it.
    if (meanSquare == 0.0) return true;
    this.listen();
    const gain: number = Math.min(Math.max(Math.sqrt(VOICE / this.voice), LEAST_GAIN), MOST_GAIN);
    const wanted: number = this.isOpen ? 1.0 : this.closedGate(gain);
    this.gate += (wanted - this.gate) * this.share(wanted > this.gate ? OPENING_S : CLOSING_S);
    this.to = this.gate * gain;
    return true;
  }

  /** Follows noise and voice, and opens or closes. */
  private listen(): void {
    this.power += (this.meanSquare - this.power) * this.share(POWER_S);
    this.learning_s -= this.quantum_s;
    if (this.power < this.noise || this.learning_s > 0.0) {
      this.noise += (this.power - this.noise) * this.share(NOISE_FALLS_S);
    } else {
      this.noise *= 1.0 + NOISE_RISES_PER_S * this.quantum_s;
    }
    const noise: number = Math.min(Math.max(this.noise, LEAST_NOISE), MOST_NOISE);
    if (this.power > noise * OPENS_AT) this.isOpen = true;
    if (this.power > noise * CLOSES_AT) {
      this.hold_s = HOLD_S;
    } else {
      this.hold_s -= this.quantum_s;
      if (this.hold_s <= 0.0) this.isOpen = false;
    }
    if (this.isOpen && this.power > LEAST_VOICE && this.power > this.noise * VOICE_ABOVE) {
      this.voice += (this.meanSquare - this.voice) * this.share(VOICE_S);
    }
  }

  /** No lower than the noise calls for that `gain` leaves: a quiet room passes as it is. */
  private closedGate(gain: number): number {
    const wanted: number = Math.sqrt(NOISE_LEFT / this.noise) / gain;
    return Math.min(Math.max(wanted, CLOSED_GATE), 1.0);
  }

  /** How far a value with the time constant `time_s` goes to its goal in one quantum, 0..1. */
  private share(time_s: number): number {
    return this.quantum_s / (time_s + this.quantum_s);
  }
}
