// From samples to what a level meter shows.

const FLOOR_DB = -60;

/** Loudness of `samples` (-1..1) as 0 (at or below -60 dBFS) to 100 (a full-scale square wave). */
export function levelOf(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i]! * samples[i]!;
  return levelOfPower(sum / samples.length);
}

/** The same for a mean square of samples. */
export function levelOfPower(meanSquare: number): number {
  if (!(meanSquare > 0)) return 0;
  const db = 10 * Math.log10(meanSquare);
  return Math.round(100 * Math.min(1, Math.max(0, 1 - db / FLOOR_DB)));
}

/** Rises at once and falls smoothly, so that the meter can be read. `elapsed_s` since `previous`. */
export function smooth(previous: number, level: number, elapsed_s: number): number {
  const FALL_PER_S = 180;
  return Math.max(level, previous - FALL_PER_S * elapsed_s, 0);
}
