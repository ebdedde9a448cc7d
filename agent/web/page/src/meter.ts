// Level meters for both sides of the call.

import { levelOf, smooth } from "./level.js";

/** Shows the loudness of one audio track on a `role="meter"` element. */
export class Meter {
  level = 0;
  #analyser: AnalyserNode | null = null;
  #source: MediaStreamAudioSourceNode | null = null;
  #track: MediaStreamTrack | null = null;
  #samples = new Float32Array(0);

  constructor(readonly element: HTMLElement) {}

  /** Measures `track` from now on; null stops measuring. */
  watch(track: MediaStreamTrack | null, context?: AudioContext): void {
    if (track === this.#track) return;
    this.#source?.disconnect();
    this.#track = track;
    this.#source = null;
    if (track === null || !context) return;
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source = context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
  }

  update(elapsed_s: number): void {
    let now = 0;
    if (this.#source && this.#analyser) {
      this.#analyser.getFloatTimeDomainData(this.#samples);
      now = levelOf(this.#samples);
    }
    this.level = smooth(this.level, now, elapsed_s);
    this.element.setAttribute("aria-valuenow", String(Math.round(this.level)));
    this.element.style.setProperty("--level", String(this.level / 100));
  }
}

/** Updates `meters` about 30 times a second while the page is visible; `after` follows each time. */
export function animate(meters: readonly Meter[], after: () => void): void {
  const INTERVAL_MS = 33;
  let last_ms = performance.now();
  const frame = (now_ms: number): void => {
    if (now_ms - last_ms >= INTERVAL_MS) {
      for (const meter of meters) meter.update((now_ms - last_ms) / 1000);
      last_ms = now_ms;
      after();
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
