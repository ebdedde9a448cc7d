// Typed texts that the agent does not have yet. Pure: the time is passed in.

/** Who is there to read: nobody, an agent that does not say what it has got, one that gives receipts. */
export type Reader = "nobody" | "silent" | "receipts";

export interface Text {
  readonly id: string;
  readonly text: string;
}

export interface Step {
  /** `send-once`: no receipt will come, and the text is no longer here. */
  readonly type: "send" | "send-once" | "give-up";
  readonly text: Text;
}

/** For a receipt; then the text is sent again. */
export const RETRY_MS = 2_000;
/** Of one text, before it is given up. */
export const TRIES = 5;

/** One text at a time waits for its receipt, so that the agent gets them in their order. */
export class Outbox {
  #texts: Text[] = [];
  /** Of the first text: how often it was sent, and when it is time to do more. */
  #tries = 0;
  #dueMs = -Infinity;

  get isEmpty(): boolean {
    return this.#texts.length === 0;
  }

  add(text: Text): void {
    this.#texts.push(text);
  }

  /** The next thing to do at `nowMs`, on any clock; null for nothing. To be asked until then. */
  step(nowMs: number, reader: Reader): Step | null {
    const text = this.#texts[0];
    if (!text || reader === "nobody") return null;
    if (reader === "silent") return this.#drop("send-once", text);
    if (nowMs < this.#dueMs) return null;
    if (this.#tries === TRIES) return this.#drop("give-up", text);
    this.#tries += 1;
    this.#dueMs = nowMs + RETRY_MS;
    return { type: "send", text };
  }

  /** The agent has the text `id`. */
  received(id: string): void {
    if (this.#texts[0]?.id === id) this.restart();
    this.#texts = this.#texts.filter((text) => text.id !== id);
  }

  /** The connection or the agent is another one: what was sent is sent anew, at once. */
  restart(): void {
    this.#tries = 0;
    this.#dueMs = -Infinity;
  }

  /** Leaves nothing to do; gives back what nobody has received. */
  clear(): Text[] {
    this.restart();
    return this.#texts.splice(0);
  }

  #drop(type: Step["type"], text: Text): Step {
    this.received(text.id);
    return { type, text };
  }
}

/** The id of the text that a receipt is for, from the topic `parley.receipt`; "" when it is none. */
export function parseReceipt(json: string): string {
  try {
    const { id } = JSON.parse(json) as { id?: unknown };
    return typeof id === "string" ? id : "";
  } catch {
    return "";
  }
}
