// What a call goes through, as a pure state machine, and the words a person reads at each step.

export type MicrophoneProblem = "denied" | "missing" | "busy" | "insecure";

export type EndCause = "you" | "agent" | "removed" | "replaced" | "shutdown";

export type FailCause = "endpoint" | "refused-request" | "unreachable" | "refused-key" | "lost";

export type CallState =
  | { phase: "ready" }
  | { phase: "starting" }
  | { phase: "no-microphone"; problem: MicrophoneProblem }
  | { phase: "connecting"; url: string }
  | { phase: "waiting"; url: string; overdue: boolean; why: string }
  | { phase: "live"; url: string }
  | { phase: "agent-left"; url: string }
  | { phase: "reconnecting"; url: string; agentHere: boolean; agentSeen: boolean }
  | { phase: "ended"; cause: EndCause }
  | { phase: "failed"; cause: FailCause; detail: string };

export type Phase = CallState["phase"];

export type CallEvent =
  | { type: "start" }
  | { type: "microphone-failed"; problem: MicrophoneProblem }
  | { type: "connecting"; url: string }
  | { type: "connected" }
  | { type: "agent-joined" }
  | { type: "agent-left" }
  | { type: "agent-overdue" }
  | { type: "kept-waiting"; why: string }
  | { type: "reconnecting" }
  | { type: "reconnected" }
  | { type: "ended"; cause: EndCause }
  | { type: "failed"; cause: FailCause; detail: string };

/** The state after `event`; the same object when the event means nothing in this state. */
export function step(state: CallState, event: CallEvent): CallState {
  switch (event.type) {
    case "start":
      return canStart(state) ? { phase: "starting" } : state;
    case "microphone-failed":
      return state.phase === "starting"
        ? { phase: "no-microphone", problem: event.problem }
        : state;
    case "connecting":
      return state.phase === "starting" ? { phase: "connecting", url: event.url } : state;
    case "ended":
      return isOver(state) ? state : { phase: "ended", cause: event.cause };
    case "failed":
      return isOver(state) ? state : { phase: "failed", cause: event.cause, detail: event.detail };
    case "kept-waiting":
      return state.phase === "waiting" && event.why !== state.why
        ? { ...state, why: event.why }
        : state;
    default:
      return "url" in state ? stepInCall(state, event.type) : state;
  }
}

const waitingAt = (url: string): CallState => ({ phase: "waiting", url, overdue: false, why: "" });

type InCall = Extract<CallState, { url: string }>;

function stepInCall(state: InCall, type: CallEvent["type"]): CallState {
  const { phase, url } = state;
  switch (type) {
    case "connected":
      return phase === "connecting" ? waitingAt(url) : state;
    case "agent-joined":
      if (phase === "reconnecting") return { ...state, agentHere: true, agentSeen: true };
      return { phase: "live", url };
    case "agent-left":
      if (phase === "reconnecting") return { ...state, agentHere: false };
      return phase === "live" ? { phase: "agent-left", url } : state;
    case "agent-overdue":
      return phase === "waiting" ? { ...state, overdue: true } : state;
    case "reconnecting": {
      if (phase === "reconnecting" || phase === "connecting") return state;
      const agentHere = phase === "live";
      return { phase: "reconnecting", url, agentHere, agentSeen: phase !== "waiting" };
    }
    case "reconnected":
      if (phase !== "reconnecting") return state;
      if (state.agentHere) return { phase: "live", url };
      return state.agentSeen ? { phase: "agent-left", url } : waitingAt(url);
    default:
      return state;
  }
}

function isOver(state: CallState): boolean {
  return state.phase === "ended" || state.phase === "failed" || state.phase === "ready";
}

/** Whether a person may start a call now: nothing runs, or no agent is left to talk to. */
export function canStart(state: CallState): boolean {
  return (
    isOver(state) ||
    state.phase === "no-microphone" ||
    state.phase === "agent-left" ||
    (state.phase === "waiting" && (state.overdue || state.why !== ""))
  );
}

/** Whether there is a call that can be ended. */
export function canEnd(state: CallState): boolean {
  return "url" in state;
}

/** Whether text can be sent: there is a call and it is connected. */
export function canSend(state: CallState): boolean {
  return state.phase === "waiting" || state.phase === "live";
}

export function startLabel(state: CallState): string {
  if (state.phase === "ready" || state.phase === "starting") return "Talk";
  return state.phase === "failed" || state.phase === "no-microphone" ? "Try again" : "New call";
}

export interface Description {
  title: string;
  advice: string;
  tone: "calm" | "busy" | "warning" | "error";
}

/** What to show for `state`: what is the case, and what to do about it. */
export function describe(state: CallState): Description {
  switch (state.phase) {
    case "ready":
      return calm("Ready when you are", "Press Talk and speak as you would on the phone.");
    case "starting":
      return busy("Starting…", "If the browser asks for the microphone, allow it.");
    case "no-microphone":
      return MICROPHONE_PROBLEMS[state.problem];
    case "connecting":
      return busy("Connecting…", `Calling ${state.url}.`);
    case "waiting":
      if (state.why) return warning("All agents are busy", state.why);
      return state.overdue
        ? warning(
            "The agent has not come",
            "Every worker is busy, or none is running: start one with “parley dev”, then press New call.",
          )
        : busy("Waiting for the agent…", "You are connected; the agent joins in a moment.");
    case "live":
      return calm("In the call", "Speak at any time, also while the agent speaks.");
    case "agent-left":
      return warning(
        "The agent has left the call",
        "Its process may have stopped. Press New call to get another one.",
      );
    case "reconnecting":
      return warning(
        "Reconnecting…",
        `${state.url} does not answer. The call goes on by itself when it is back.`,
      );
    case "ended":
      return ENDINGS[state.cause];
    case "failed":
      return describeFailure(state.cause, state.detail);
  }
}

function describeFailure(cause: FailCause, detail: string): Description {
  switch (cause) {
    case "endpoint":
      return error(
        "The page’s server does not answer",
        `Check that Parley still runs at ${detail}, then try again.`,
      );
    case "refused-request":
      return error("The page’s server refused the call", detail);
    case "unreachable":
      return error(
        "Cannot reach the LiveKit server",
        `Nothing answers at ${detail}. Check that it runs and that this address can be reached from here.`,
      );
    case "refused-key":
      return error(
        "The LiveKit server refused the call",
        `${detail} does not accept the token: give server and page the same LIVEKIT_API_KEY and LIVEKIT_API_SECRET.`,
      );
    case "lost":
      return error("The connection is lost", `${detail} did not come back. Try again when it runs.`);
  }
}

const calm = (title: string, advice: string): Description => ({ title, advice, tone: "calm" });
const busy = (title: string, advice: string): Description => ({ title, advice, tone: "busy" });
const warning = (title: string, advice: string): Description => ({ title, advice, tone: "warning" });
const error = (title: string, advice: string): Description => ({ title, advice, tone: "error" });

const BY_TEXT = "or continue by text: you type, the agent still speaks.";

const MICROPHONE_PROBLEMS: Record<MicrophoneProblem, Description> = {
  denied: warning(
    "The microphone is blocked",
    `Allow it for this page beside the browser’s address and try again, ${BY_TEXT}`,
  ),
  missing: warning("No microphone found", `Connect one and try again, ${BY_TEXT}`),
  busy: warning(
    "The microphone cannot be opened",
    `Close other programs that use it and try again, ${BY_TEXT}`,
  ),
  insecure: warning(
    "No microphone on a plain HTTP page",
    `Browsers give it on https:// addresses and on localhost only: open one of these, ${BY_TEXT}`,
  ),
};

const ENDINGS: Record<EndCause, Description> = {
  you: calm("You ended the call", "Press New call to talk again."),
  agent: calm("Call ended by the agent", "Press New call to talk again."),
  removed: warning("You were removed from the call", "Press New call to start another one."),
  replaced: warning("The call went on in another window", "Press New call to start another one."),
  shutdown: warning("The server has shut down", "Press New call when it is back."),
};
