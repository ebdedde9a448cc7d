// The call itself: its state in words, the buttons that make sense now, and the agent's orb.

import { canEnd, canSend, canStart, describe, startLabel, type CallState } from "./call_state.js";
import { byId, show } from "./dom.js";

const talk = byId<HTMLButtonElement>("talk");
const end = byId<HTMLButtonElement>("end");
const mute = byId<HTMLButtonElement>("mute");
const chatInput = byId<HTMLInputElement>("chat-input");

const AGENT_STATES: Record<string, string> = {
  initializing: "The agent is getting ready",
  idle: "The agent is idle",
  listening: "The agent is listening",
  thinking: "The agent is thinking",
  speaking: "The agent is speaking",
};

export function drawState(state: CallState): void {
  const { title, advice, tone } = describe(state);
  const label = byId("state");
  label.textContent = title;
  label.dataset["phase"] = state.phase;
  label.dataset["tone"] = tone;
  byId("advice").textContent = advice;
  document.title = state.phase === "ready" ? "Parley" : `${title} – Parley`;
  drawControls(state);
}

function drawControls(state: CallState): void {
  const focused = document.activeElement;
  const inCall = canEnd(state);
  talk.textContent = startLabel(state);
  // Not `disabled`: that would take the keyboard's focus away before there is another place for it.
  talk.setAttribute("aria-disabled", String(!canStart(state)));
  show(talk, canStart(state) || state.phase === "starting");
  show(end, inCall);
  show(mute, inCall);
  show(byId("text-only"), state.phase === "no-microphone");
  show(byId("mute-hint"), inCall);
  show(byId("meters"), inCall);
  chatInput.disabled = !canSend(state);
  byId<HTMLButtonElement>("chat-send").disabled = !canSend(state);
  keepFocus(focused);
  if (state.phase === "connecting") byId<HTMLDetailsElement>("devices").open = false;
}

/** Moves the focus on when the control that had it has gone, so that the keyboard is not lost. */
function keepFocus(focused: Element | null): void {
  const gone =
    (focused instanceof HTMLButtonElement || focused instanceof HTMLInputElement) &&
    (focused.hidden || focused.disabled);
  if (gone) (end.hidden ? talk : end).focus({ preventScroll: true });
}

/** `agentState` is the agent's own word for what it does, "" when there is no agent. */
export function drawAgent(agentState: string): void {
  const label = byId("agent-state");
  label.dataset["state"] = agentState;
  label.textContent = agentState ? (AGENT_STATES[agentState] ?? `The agent: ${agentState}`) : "";
  byId("orb").dataset["state"] = agentState || "away";
}

/** `muted` is null when the call has no microphone. */
export function drawMute(muted: boolean | null): void {
  mute.textContent = muted === null ? "Use microphone" : muted ? "Unmute" : "Mute";
  mute.setAttribute("aria-pressed", String(muted === true));
}
