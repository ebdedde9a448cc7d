// Keeps the call's microphone processed, or not, as the switch on the page says.

import type { LocalAudioTrack } from "livekit-client";
import { Unprocessed } from "./chain.js";
import type { Report } from "./gate.js";
import { GateAndGain } from "./processor.js";

export interface SoundListener {
  /** Null when nothing is processed any more. */
  onReport(report: Report | null): void;
  /** Another track is sent than before. */
  onTrack(): void;
  /** The microphone is sent as it is; `why` is a sentence without its full stop. */
  onUnprocessed(why: string): void;
}

export class Sound {
  readonly #isWanted: () => boolean;
  readonly #listener: SoundListener;
  #track: LocalAudioTrack | null = null;
  /** Tracks for which it did not work: once is enough. */
  #failed = new WeakSet<LocalAudioTrack>();
  #queue: Promise<void> = Promise.resolve();

  constructor(isWanted: () => boolean, listener: SoundListener) {
    this.#isWanted = isWanted;
    this.#listener = listener;
  }

  /** Brings `track` to what the switch says; one change after the other. Null: the call has none. */
  apply(track: LocalAudioTrack | null): void {
    if (track !== this.#track) this.#listener.onReport(null);
    this.#track = track;
    if (!track) return;
    this.#queue = this.#queue.then(() => this.#applyTo(track)).catch((e: unknown) => console.error(e));
  }

  /** The switch was moved: what failed before may be tried again. */
  choose(track: LocalAudioTrack | null): void {
    this.#failed = new WeakSet();
    this.apply(track);
  }

  async #applyTo(track: LocalAudioTrack): Promise<void> {
    if (track.isStopped) return;
    const wanted = this.#isWanted() && !this.#failed.has(track);
    if (wanted === (track.getProcessor() !== undefined)) return;
    if (wanted) await this.#start(track);
    else await this.#stop(track);
    if (track === this.#track) this.#listener.onTrack();
  }

  async #start(track: LocalAudioTrack): Promise<void> {
    const processor = new GateAndGain({
      onReport: (report) => track === this.#track && this.#listener.onReport(report),
      onFailure: () => this.#fail(track, "the browser's sound processor has failed"),
    });
    try {
      await track.setProcessor(processor);
    } catch (error) {
      const known = error instanceof Unprocessed;
      if (!known) console.warn(error);
      this.#fail(track, known ? error.message : "the browser cannot process it");
    }
    // The call may have ended meanwhile; nobody else would let go of the processor then.
    if (track.isStopped) await processor.destroy();
  }

  async #stop(track: LocalAudioTrack): Promise<void> {
    if (track === this.#track) this.#listener.onReport(null);
    try {
      await track.stopProcessor();
    } catch (error) {
      // The processor is gone, but its silent track may still be what is sent.
      console.warn(error);
      await track.restartTrack().catch((reason: unknown) => console.error(reason));
    }
  }

  #fail(track: LocalAudioTrack, why: string): void {
    this.#failed.add(track);
    if (track !== this.#track) return;
    this.#listener.onUnprocessed(why);
    this.apply(track);
  }
}
