// What was said, merged from text streams: each stream is one version of one segment.

export type Who = "you" | "agent" | "other";

export interface Line {
  segment: string;
  who: Who;
  /** Name of the speaker when it is neither you nor the agent. */
  name: string;
  text: string;
  final: boolean;
}

interface Entry {
  line: Line;
  version: number;
}

export class Transcript {
  #entries = new Map<string, Entry>();
  #versions = 0;

  get lines(): readonly Line[] {
    return [...this.#entries.values()].map((entry) => entry.line);
  }

  /**
   * Opens a new version of a segment; its text replaces the earlier one at the first chunk.
   * Streams of one segment must be opened in the order in which they were sent.
   */
  open(segment: string, who: Who, name = ""): TranscriptStream {
    const version = ++this.#versions;
    let text = "";
    const write = (chunk: string, final: boolean): Line | null => {
      text += chunk;
      return this.#put(version, { segment, who, name, text, final });
    };
    return {
      append: (chunk) => write(chunk, false),
      close: (final) => write("", final),
    };
  }

  /** A line that is complete at once, such as a typed message. */
  add(segment: string, who: Who, text: string): Line {
    const line = { segment, who, name: "", text, final: true };
    this.#entries.set(segment, { line, version: ++this.#versions });
    return line;
  }

  /** Marks every line as final, when nothing more can come; gives back the lines that changed. */
  finish(): Line[] {
    const open = [...this.#entries.values()].filter((entry) => !entry.line.final);
    return open.map((entry) => (entry.line = { ...entry.line, final: true }));
  }

  #put(version: number, line: Line): Line | null {
    const known = this.#entries.get(line.segment);
    // A late chunk of an older version says less than what is shown, an interim less than a final.
    if (known && known.version > version) return null;
    if (known?.line.final && !line.final) return null;
    if (!known && line.text.trim() === "") return null;
    const text = line.text === "" && known ? known.line.text : line.text;
    const entry = { line: { ...line, text }, version };
    this.#entries.set(line.segment, entry);
    return entry.line;
  }
}

export interface TranscriptStream {
  /** Adds text; the changed line, or null when there is nothing to show. */
  append(chunk: string): Line | null;
  /** Ends this version; `final` says that no other will follow. */
  close(final: boolean): Line | null;
}
