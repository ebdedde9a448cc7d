// The response time of the latest turn as bars and as a table, and the earlier turns in a list.

import { make } from "./dom.js";
import { withRecord, type Outcome, type TurnRecord } from "./turn_record.js";
import { median, waterfallOf, type Bar, type Waterfall } from "./waterfall.js";

const OUTCOMES: Record<Outcome, string> = {
  answered: "answered",
  interrupted: "you interrupted",
  ignored: "not taken as a turn",
  failed: "failed",
};

export class WaterfallView {
  #records: TurnRecord[] = [];
  #shown: TurnRecord | null = null;
  /** Whether the table is unfolded: it stays so from turn to turn. */
  #tableOpen = false;

  constructor(readonly root: HTMLElement) {
    this.#draw();
  }

  get records(): readonly TurnRecord[] {
    return this.#records;
  }

  add(record: TurnRecord): void {
    this.#records = withRecord(this.#records, record);
    this.#shown = record;
    this.#draw();
  }

  clear(): void {
    this.#records = [];
    this.#shown = null;
    this.#draw();
  }

  #draw(): void {
    this.root.dataset["turns"] = String(this.#records.length);
    if (this.#shown === null) {
      this.root.replaceChildren(
        make("p", { class: "empty" }, "After each turn you see here where the time went."),
      );
      return;
    }
    const waterfall = waterfallOf(this.#shown);
    this.root.replaceChildren(
      figure(this.#shown, waterfall),
      chart(waterfall),
      this.#table(waterfall),
      ...(this.#records.length > 1 ? [this.#history()] : []),
    );
  }

  #table({ bars }: Waterfall): HTMLElement {
    const head = ["Stage", "Began (ms)", "Done (ms)", "Took (ms)"].map((text) =>
      make("th", { scope: "col" }, text),
    );
    const rows = bars.map((bar) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, bar.engine ? `${bar.label} (${bar.engine})` : bar.label),
        ...[bar.from_ms, bar.at_ms, bar.took_ms].map((ms) => make("td", {}, minus(ms))),
      ),
    );
    const caption = make("caption", {}, "Milliseconds after the end of your speech");
    const table = make("table", {}, caption, make("thead", {}, make("tr", {}, ...head)));
    table.append(make("tbody", {}, ...rows));
    const details = make("details", {}, make("summary", {}, "As a table"), table);
    details.open = this.#tableOpen;
    details.addEventListener("toggle", () => (this.#tableOpen = details.open));
    return details;
  }

  #history(): HTMLElement {
    const totals = this.#records.map((record) => waterfallOf(record).total_ms);
    const middle = median(totals.filter((total) => total !== null));
    const title = middle === null ? "Turns" : `Turns · median ${Math.round(middle)} ms`;
    const longest = Math.max(1, ...totals.map((total) => total ?? 0));
    const items = this.#records.map((record, i) => this.#turnButton(record, totals[i]!, longest));
    return make("div", { class: "history" }, make("h3", {}, title), make("ol", {}, ...items.reverse()));
  }

  #turnButton(record: TurnRecord, total_ms: number | null, longest_ms: number): HTMLElement {
    const time = total_ms === null ? "–" : `${minus(total_ms)} ms`;
    const button = make(
      "button",
      { type: "button", "aria-pressed": String(record === this.#shown) },
      make("span", {}, `Turn ${record.turn}`),
      make("span", { class: "track", "aria-hidden": "true" }, make("i")),
      make("strong", {}, time),
      make("span", { class: "outcome" }, OUTCOMES[record.outcome]),
    );
    button.style.setProperty("--share", String(Math.max(0, total_ms ?? 0) / longest_ms));
    button.addEventListener("click", () => {
      this.#shown = record;
      this.#draw();
      this.root.querySelector<HTMLElement>('.history [aria-pressed="true"]')?.focus();
    });
    return make("li", {}, button);
  }
}

function figure(record: TurnRecord, { total_ms }: Waterfall): HTMLElement {
  const value = total_ms === null ? "–" : minus(total_ms);
  const big = make("p", { class: "total" }, make("strong", {}, value), total_ms === null ? "" : " ms");
  const what =
    total_ms === null
      ? "No sound was played in answer."
      : "from the end of your words to the first sound of the answer";
  const facts = [`Turn ${record.turn}`, OUTCOMES[record.outcome]];
  if (record.speculated === "adopted") facts.push("reply begun ahead of time");
  if (record.speculated === "dropped") facts.push("early reply thrown away");
  facts.push(...record.faults);
  return make(
    "div",
    { class: "figure" },
    big,
    make("p", { class: "what" }, what),
    make("p", { class: "facts" }, facts.join(" · ")),
  );
}

function chart({ bars, from_ms, to_ms }: Waterfall): HTMLElement {
  const span_ms = Math.max(1, to_ms - from_ms);
  const share = (ms: number): string => String((ms - from_ms) / span_ms);
  const element = make("div", { class: "chart", "aria-hidden": "true" });
  element.style.setProperty("--zero", share(0));
  element.append(...bars.flatMap((bar) => row(bar, share)));
  const axis = make(
    "div",
    { class: "axis" },
    make("span", { class: "wide" }, from_ms < 0 ? minus(from_ms) : ""),
    make("span", {}, "0", make("span", { class: "wide" }, " end of speech")),
    make("span", {}, `${minus(to_ms)} ms`),
  );
  element.append(make("span"), axis, make("span"));
  return element;
}

function row(bar: Bar, share: (ms: number) => string): HTMLElement[] {
  const lane = make("span", { class: "lane" }, make("i", { class: bar.early ? "early" : "" }));
  lane.style.setProperty("--from", share(bar.from_ms));
  lane.style.setProperty("--to", share(bar.at_ms));
  lane.dataset["stage"] = bar.key;
  const took = bar.early ? `${minus(bar.at_ms)} ms` : `${bar.took_ms} ms`;
  return [
    make("span", { class: "stage-name", title: bar.engine ?? "" }, bar.label),
    lane,
    make("span", { class: "took" }, bar.early ? `at ${took}` : took),
  ];
}

/** A whole number with a real minus sign. */
function minus(ms: number): string {
  return ms < 0 ? `−${-ms}` : String(ms);
}
