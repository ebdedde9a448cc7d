// The conversation as a chat log.

import { make } from "./dom.js";
import { Transcript, type Line, type TranscriptStream, type Who } from "./transcript.js";

const NAMES: Record<Who, string> = { you: "You", agent: "Agent", other: "Guest" };

export class TranscriptView {
  #transcript = new Transcript();
  #items = new Map<string, HTMLElement>();
  /** Whether the newest line is in view: then it is kept there. */
  #atEnd = true;

  /** `announcer` is a live region: it gets each line once it is final, not every word of it. */
  constructor(
    readonly list: HTMLElement,
    readonly announcer: HTMLElement,
  ) {
    const NEAR_PX = 40;
    list.addEventListener("scroll", () => {
      this.#atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PX;
    });
    // A phone's keyboard makes the list lower without scrolling it.
    new ResizeObserver(() => this.#keepAtEnd()).observe(list);
  }

  /** A new version of a segment that draws itself as it grows. */
  open(segment: string, who: Who, name: string): TranscriptStream {
    const transcript = this.#transcript;
    const stream = transcript.open(segment, who, name);
    // A stream may outlive its conversation: it must not write into the next one.
    const draw = (line: Line | null): Line | null =>
      transcript === this.#transcript ? this.#draw(line) : null;
    return {
      append: (chunk) => draw(stream.append(chunk)),
      close: (final) => draw(stream.close(final)),
    };
  }

  addTyped(id: string, text: string): void {
    this.#draw(this.#transcript.add(segmentOf(id), "you", text));
  }

  /** Says under the text `id` that it never arrived; `again` is what a button does, null for none. */
  markUndelivered(id: string, again: (() => void) | null): void {
    this.markDelivered(id);
    const item = this.#items.get(segmentOf(id));
    if (!item) return;
    const button = again && make("button", { type: "button" }, "Send again");
    button?.addEventListener("click", () => {
      this.markDelivered(id);
      this.list.focus({ preventScroll: true });
      again!();
    });
    item.append(make("div", { class: "undelivered" }, "Not delivered ", button));
    this.#announce(`Not delivered: ${item.querySelector("p")!.textContent}`);
    this.#keepAtEnd();
  }

  /** Takes back what `markUndelivered` said. */
  markDelivered(id: string): void {
    this.#items.get(segmentOf(id))?.querySelector(".undelivered")?.remove();
  }

  /** Nothing more will come: what is shown is what was said. */
  finish(): void {
    for (const line of this.#transcript.finish()) this.#draw(line);
    for (const button of this.list.querySelectorAll(".undelivered button")) button.remove();
  }

  clear(): void {
    this.#transcript = new Transcript();
    this.#items.clear();
    this.#atEnd = true;
    this.list.replaceChildren();
    this.announcer.replaceChildren();
  }

  #draw(line: Line | null): Line | null {
    if (line === null) return null;
    const item = this.#itemOf(line);
    const wasFinal = item.dataset["final"] === "true";
    item.dataset["final"] = String(line.final);
    item.querySelector("p")!.textContent = line.text;
    if (line.final && !wasFinal) this.#announce(`${nameOf(line)}: ${line.text}`);
    this.#keepAtEnd();
    return line;
  }

  #keepAtEnd(): void {
    if (this.#atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  #itemOf(line: Line): HTMLElement {
    const known = this.#items.get(line.segment);
    if (known) return known;
    const name = make("span", { class: "name" }, nameOf(line));
    const item = make("div", { class: "line", "data-who": line.who }, name, make("p"));
    this.#items.set(line.segment, item);
    this.list.append(item);
    return item;
  }

  #announce(sentence: string): void {
    const LAST = 3;
    this.announcer.append(make("p", {}, sentence));
    while (this.announcer.childElementCount > LAST) this.announcer.firstElementChild!.remove();
  }
}

/** Of a typed text. */
function segmentOf(id: string): string {
  return `typed-${id}`;
}

function nameOf(line: Line): string {
  return line.who === "other" && line.name ? line.name : NAMES[line.who];
}
