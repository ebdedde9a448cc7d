// The page's own server: what it is configured with, and tokens for the LiveKit server.

import type { FailCause } from "./call_state.js";

export interface Config {
  livekit_url: string;
  agent_name: string | null;
}

export interface Join {
  server_url: string;
  participant_token: string;
  room_name: string;
}

/** What the address of the page asks for: `?room=NAME&name=YOU&metadata=JSON#password=…`. */
export interface Preset {
  room: string | null;
  name: string | null;
  metadata: string | null;
  /** Behind the `#`, which browsers send to nobody. */
  password: string | null;
}

/** No token could be had; `failure` and `detail` say why in terms of the call's state. */
export class ApiError extends Error {
  constructor(
    readonly failure: Extract<FailCause, "endpoint" | "refused-request">,
    readonly detail: string,
  ) {
    super(detail);
  }
}

const TIMEOUT_MS = 8000;

export function presetOf(query: string, fragment: string): Preset {
  const asked = new URLSearchParams(query);
  return {
    room: asked.get("room"),
    name: asked.get("name"),
    metadata: asked.get("metadata"),
    password: new URLSearchParams(fragment.replace(/^#/, "")).get("password"),
  };
}

export async function fetchConfig(): Promise<Config> {
  return (await ask("/api/config", {})) as Config;
}

/** A token for a new room, or for the one that `preset` names. */
export async function fetchToken(config: Config, preset: Preset): Promise<Join> {
  const body: Record<string, unknown> = {};
  if (preset.room) body["room_name"] = preset.room;
  if (preset.name) body["participant_name"] = preset.name;
  if (preset.metadata && config.agent_name) {
    body["room_config"] = {
      agents: [{ agent_name: config.agent_name, metadata: preset.metadata }],
    };
  }
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (preset.password) headers["Authorization"] = `Bearer ${preset.password}`;
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  return (await ask("/api/token", request)) as Join;
}

async function ask(path: string, request: RequestInit): Promise<unknown> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(path, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
    answer = await response.json();
  } catch {
    throw new ApiError("endpoint", location.origin);
  }
  if (response.ok) return answer;
  const sentence = (answer as { error?: unknown }).error;
  throw new ApiError("refused-request", String(sentence ?? `Status ${response.status}.`));
}
