// The switches for the microphone's sound, as they are remembered in the browser.

export interface Choices {
  echo: boolean;
  noise: boolean;
  gain: boolean;
  gate: boolean;
}

/** What `json` says about the switches; what it does not say, or not as a boolean, is left out. */
export function parseChoices(json: string | null): Partial<Choices> {
  let stored: unknown;
  try {
    stored = JSON.parse(json ?? "");
  } catch {
    return {};
  }
  if (typeof stored !== "object" || stored === null) return {};
  const choices: Partial<Choices> = {};
  for (const name of ["echo", "noise", "gain", "gate"] as const) {
    const value = (stored as Record<string, unknown>)[name];
    if (typeof value === "boolean") choices[name] = value;
  }
  return choices;
}

const KEY = "parley.microphone";

export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** `open` gives the browser's storage; where that is forbidden, nothing is remembered. */
export function recall(open: () => Store): Partial<Choices> {
  try {
    return parseChoices(open().getItem(KEY));
  } catch {
    return {};
  }
}

export function remember(open: () => Store, choices: Choices): void {
  try {
    open().setItem(KEY, JSON.stringify(choices));
  } catch {
    // Full or forbidden: the switches still do what they say until the page is closed.
  }
}
