// Notices of the agent and of the page itself, newest first, until they are dismissed.

import { make } from "./dom.js";
import type { Notice } from "./notice.js";

const MOST = 3;

export class NoticeView {
  constructor(readonly region: HTMLElement) {}

  /** Shows `notice`; one with the same code takes the place of the earlier one. */
  show(notice: Notice): void {
    this.dismiss(notice.code);
    const close = make("button", { type: "button", "aria-label": "Dismiss" }, "×");
    const item = make(
      "div",
      { class: "notice", "data-level": notice.level, "data-code": notice.code },
      make("p", {}, notice.message),
      close,
    );
    close.addEventListener("click", () => item.remove());
    this.region.prepend(item);
    while (this.region.childElementCount > MOST) this.region.lastElementChild!.remove();
  }

  dismiss(code: string): void {
    for (const item of [...this.region.children] as HTMLElement[]) {
      if (item.dataset["code"] === code) item.remove();
    }
  }

  clear(): void {
    this.region.replaceChildren();
  }
}
