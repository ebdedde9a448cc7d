// Notices that the agent sends to the room on the text stream topic `parley.notice`.

export type NoticeLevel = "info" | "warning" | "error";

export interface Notice {
  level: NoticeLevel;
  code: string;
  message: string;
}

/** The code of the notice that comes just before the agent closes the room. */
export const ENDED = "ended";

/** Why no agent has come, from the metadata of a room; "" when it does not say. */
export function reasonToWait(metadata: string | undefined): string {
  try {
    const { parley } = JSON.parse(metadata ?? "") as { parley?: { message?: unknown } };
    return typeof parley?.message === "string" ? parley.message.slice(0, LONGEST) : "";
  } catch {
    return "";
  }
}

const LEVELS: readonly string[] = ["info", "warning", "error"];
const LONGEST = 500;

/** The notice in `json`, or null when it is none. */
export function parseNotice(json: string): Notice | null {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value !== "object" || value === null) return null;
    const { level, code, message } = value as Record<string, unknown>;
    if (typeof level !== "string" || !LEVELS.includes(level)) return null;
    if (typeof code !== "string" || typeof message !== "string") return null;
    return { level: level as NoticeLevel, code, message: message.slice(0, LONGEST) };
  } catch {
    return null;
  }
}
