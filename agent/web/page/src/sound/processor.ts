// Gate and gain as a processor of a LiveKit track.

import type { AudioProcessorOptions, Track, TrackProcessor } from "livekit-client";
import { Chain, type ChainListener } from "./chain.js";

export class GateAndGain implements TrackProcessor<Track.Kind.Audio, AudioProcessorOptions> {
  readonly name = "parley-gate-and-gain";
  /** Undefined sends the microphone as it is. */
  processedTrack: MediaStreamTrack | undefined;
  readonly #listener: ChainListener;
  #chain: Chain | null = null;

  constructor(listener: ChainListener) {
    this.#listener = listener;
  }

  /** Rejects when sound cannot be processed; LiveKit then goes on without. */
  async init({ track, audioContext }: AudioProcessorOptions): Promise<void> {
    this.#chain = await Chain.open(audioContext, track, this.#listener);
    this.processedTrack = this.#chain.track;
  }

  /** Goes on with another microphone, or in another context. Never rejects: that would end the call's sound. */
  async restart(options: AudioProcessorOptions): Promise<void> {
    try {
      if (this.#chain && this.#chain.context === options.audioContext) {
        this.#chain.listenTo(options.track);
        return;
      }
      await this.destroy();
      await this.init(options);
    } catch {
      await this.destroy();
      this.#listener.onFailure();
    }
  }

  async destroy(): Promise<void> {
    this.#chain?.close();
    this.#chain = null;
    this.processedTrack = undefined;
  }
}
