// Microphone, worklet and the track that comes out, within one AudioContext.

import type { Report } from "./gate.js";
import { fetchModule } from "./module.js";
import { LOOK_MS, Pulse } from "./pulse.js";
import workletUrl from "./worklet.ts?worker&url";

export interface ChainListener {
  onReport(report: Report): void;
  /** Nothing comes out any more, for two seconds or for good; told once. */
  onFailure(): void;
}

/** The browser cannot process sound, in words for a person. */
export class Unprocessed extends Error {}

const FIRST_SOUND_MS = 2000;

export class Chain {
  readonly #node: AudioWorkletNode;
  readonly #out: MediaStreamAudioDestinationNode;
  readonly #pulse = new Pulse();
  #source: MediaStreamAudioSourceNode | null = null;
  #microphone: MediaStreamTrack | null = null;
  #looking: ReturnType<typeof setInterval> | undefined;

  private constructor(readonly context: AudioContext, node: AudioWorkletNode) {
    this.#node = node;
    this.#out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    node.connect(this.#out);
    context.addEventListener("statechange", this.#keepRunning);
  }

  /**
   * Processes `microphone` from now on. Rejects with `Unprocessed` when the browser has no worklets,
   * or when no sound has come through after two seconds.
   */
  static async open(
    context: AudioContext,
    microphone: MediaStreamTrack,
    listener: ChainListener,
  ): Promise<Chain> {
    if (!context.audioWorklet || typeof AudioWorkletNode === "undefined") {
      throw new Unprocessed("this browser has no AudioWorklet");
    }
    const [module] = await Promise.all([fetchModule(), context.audioWorklet.addModule(workletUrl)]);
    const node = new AudioWorkletNode(context, "parley-gate", {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions: { module },
    });
    const chain = new Chain(context, node);
    try {
      chain.listenTo(microphone);
      chain.#keepRunning();
      await chain.#firstSound();
    } catch (error) {
      chain.close();
      throw error;
    }
    chain.#reportTo(listener);
    return chain;
  }

  get track(): MediaStreamTrack {
    return this.#out.stream.getAudioTracks()[0]!;
  }

  /** Takes another microphone in place of the one before; the track that comes out stays. */
  listenTo(microphone: MediaStreamTrack): void {
    const source = this.context.createMediaStreamSource(new MediaStream([microphone]));
    this.#source?.disconnect();
    this.#source = source;
    this.#microphone = microphone;
    source.connect(this.#node);
  }

  close(): void {
    clearInterval(this.#looking);
    // Any message ends the processor; without it the audio thread would keep it.
    this.#node.port.postMessage("end");
    this.#node.port.onmessage = null;
    this.#node.onprocessorerror = null;
    this.context.removeEventListener("statechange", this.#keepRunning);
    this.#source?.disconnect();
    this.#node.disconnect();
    this.track.stop();
  }

  /** A context that is suspended, or that Safari has interrupted, would mute the caller. */
  #keepRunning = (): void => {
    const { state } = this.context;
    // Where it does not resume, reports stay away.
    if (state !== "running" && state !== "closed") this.context.resume().catch(() => undefined);
  };

  #firstSound(): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Unprocessed("the browser does not let sound through yet")),
        FIRST_SOUND_MS,
      );
      const settle = (done: () => void): void => {
        clearTimeout(late);
        done();
      };
      this.#node.port.onmessage = () => settle(resolve);
      this.#node.onprocessorerror = () =>
        settle(() => reject(new Unprocessed("the sound processor failed")));
    });
  }

  #reportTo(listener: ChainListener): void {
    const fail = (): void => {
      clearInterval(this.#looking);
      this.#node.onprocessorerror = null;
      listener.onFailure();
    };
    this.#node.port.onmessage = ({ data }) => {
      this.#pulse.beat();
      listener.onReport(data as Report);
    };
    this.#node.onprocessorerror = fail;
    this.#looking = setInterval(() => {
      this.#keepRunning();
      if (this.#pulse.look(this.#isHeard)) fail();
    }, LOOK_MS);
  }

  /** The microphone gives sound: it has not ended, and the system has not taken it for a phone call. */
  get #isHeard(): boolean {
    return this.#microphone?.readyState === "live" && !this.#microphone.muted;
  }
}
