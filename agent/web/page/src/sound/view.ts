// What the gate does, beside the level meters: level before it, open or closed, gain.

import { byId, show } from "../dom.js";
import { levelOfPower, smooth } from "../level.js";
import { describeReport, type Report } from "./gate.js";

export class SoundView {
  readonly #view = byId("gate-view");
  readonly #meter = byId("level-gate");
  readonly #state = byId("gate-state");
  #level = 0;
  #last_ms = 0;

  /** Null hides it. */
  draw(report: Report | null, now_ms = performance.now()): void {
    show(this.#view, report !== null);
    if (report === null) return;
    const elapsed_s = (now_ms - this.#last_ms) / 1000;
    this.#last_ms = now_ms;
    this.#level = smooth(this.#level, levelOfPower(report.meanSquare), elapsed_s);
    this.#meter.setAttribute("aria-valuenow", String(Math.round(this.#level)));
    this.#meter.style.setProperty("--level", String(this.#level / 100));
    this.#meter.dataset["open"] = String(report.isOpen);
    this.#view.dataset["engine"] = report.engine;
    const words = describeReport(report);
    if (this.#state.textContent !== words) this.#state.textContent = words;
  }
}
