// What a person types, on its way to the agent; a text that never arrives is said to be lost.

import { Outbox, type Reader, type Step, type Text } from "./outbox.js";
import type { TranscriptView } from "./transcript_view.js";

/** A call, as far as texts go. */
export interface TextWay {
  readonly reader: Reader;
  sendText(text: Text): Promise<void>;
}

const POLL_MS = 250;

export class Texts {
  #outbox = new Outbox();
  #way: TextWay | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #typed = 0;

  constructor(readonly view: TranscriptView) {}

  begin(way: TextWay): void {
    this.#way = way;
  }

  type(words: string): void {
    // Another one after the page has been loaded anew: the agent of the call may be the same.
    const text = { id: `${Date.now().toString(36)}-${++this.#typed}`, text: words };
    this.view.addTyped(text.id, words);
    this.#send(text);
  }

  /** The agent has the text `id`. */
  received(id: string): void {
    this.#outbox.received(id);
    this.view.markDelivered(id);
    this.#go();
  }

  /** The connection or the agent is another one. */
  restart(): void {
    this.#outbox.restart();
    this.#go();
  }

  /** Nothing can be sent any more. */
  end(): void {
    this.#way = null;
    clearTimeout(this.#timer);
    for (const text of this.#outbox.clear()) this.#lost(text);
  }

  #send(text: Text): void {
    this.#outbox.add(text);
    this.#go();
  }

  #go(): void {
    clearTimeout(this.#timer);
    const way = this.#way;
    if (!way) return;
    for (let step: Step | null; (step = this.#outbox.step(performance.now(), way.reader)); ) {
      const { type, text } = step;
      if (type === "give-up") this.#lost(text);
      else void this.#try(way, text, type === "send-once");
    }
    if (!this.#outbox.isEmpty) this.#timer = setTimeout(() => this.#go(), POLL_MS);
  }

  async #try(way: TextWay, text: Text, isOnce: boolean): Promise<void> {
    try {
      await way.sendText(text);
    } catch (error) {
      console.warn("A text could not be sent:", (error as Error).message);
      if (isOnce) this.#lost(text);
    }
  }

  #lost(text: Text): void {
    this.view.markUndelivered(text.id, this.#way && (() => this.#send(text)));
  }
}
