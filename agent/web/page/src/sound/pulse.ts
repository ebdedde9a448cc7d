// Whether the audio thread still reports.

/** Between two looks. */
export const LOOK_MS = 500;
/** Looks in a row that find no report: two seconds. */
const MOST_MISSED = 4;

/**
 * Counts looks, not time: a computer that slept, or a page whose timers are held back, finds hours
 * gone by in which nothing could report.
 */
export class Pulse {
  #missed = 0;

  /** A report has come. */
  beat(): void {
    this.#missed = 0;
  }

  /** True, again and again, once reports stay away; `isDue`: some should have come. */
  look(isDue: boolean): boolean {
    this.#missed = isDue ? this.#missed + 1 : 0;
    // One more: the first look may follow a report by no time at all.
    return this.#missed > MOST_MISSED;
  }
}
