// Choice of microphone and speaker, and opening the microphone.

import { createLocalAudioTrack, type AudioCaptureOptions, type LocalAudioTrack } from "livekit-client";
import type { MicrophoneProblem } from "./call_state.js";
import { byId, make } from "./dom.js";
import { recall, remember } from "./sound/choices.js";

export const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

const microphone = byId<HTMLSelectElement>("microphone");
const speaker = byId<HTMLSelectElement>("speaker");
/** The first three are the browser's own doing. */
const switches = {
  echo: byId<HTMLInputElement>("echo"),
  noise: byId<HTMLInputElement>("noise"),
  gain: byId<HTMLInputElement>("gain"),
  gate: byId<HTMLInputElement>("gate"),
};
const storage = (): Storage => window.localStorage;

/** How to open the microphone as chosen on the page. */
export function captureOptions(): AudioCaptureOptions {
  return {
    ...(microphone.value ? { deviceId: { exact: microphone.value } } : {}),
    echoCancellation: switches.echo.checked,
    noiseSuppression: switches.noise.checked,
    autoGainControl: switches.gain.checked,
  };
}

/** Whether the microphone goes through the page's own gate and gain. */
export function isGateWanted(): boolean {
  return switches.gate.checked;
}

/** Sets the switches as they were left the last time. */
export function recallSwitches(): void {
  for (const [name, on] of Object.entries(recall(storage))) {
    switches[name as keyof typeof switches].checked = on;
  }
}

function rememberSwitches(): void {
  remember(storage, {
    echo: switches.echo.checked,
    noise: switches.noise.checked,
    gain: switches.gain.checked,
    gate: switches.gate.checked,
  });
}

/** The chosen speaker's id, "" for the default one. */
export function speakerId(): string {
  return speaker.value;
}

/** Opens the microphone. Rejects as `getUserMedia` does: see `problemOf`. */
export async function openMicrophone(): Promise<LocalAudioTrack> {
  // Without a secure context the browser has no mediaDevices at all.
  if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
  return createLocalAudioTrack(captureOptions());
}

/** What a person can do something about, from what `getUserMedia` rejected with. */
export function problemOf(error: unknown): MicrophoneProblem {
  if (!navigator.mediaDevices) return "insecure";
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  return name === "NotFoundError" || name === "OverconstrainedError" ? "missing" : "busy";
}

/** Calls back when a person chooses another device or clean-up. */
export function onChoice(choice: {
  microphone: () => void;
  gate: () => void;
  speaker: () => void;
}): void {
  const { gate, ...ofTheBrowser } = switches;
  for (const input of Object.values(switches)) input.addEventListener("change", rememberSwitches);
  for (const input of [microphone, ...Object.values(ofTheBrowser)]) {
    input.addEventListener("change", choice.microphone);
  }
  gate.addEventListener("change", choice.gate);
  speaker.addEventListener("change", choice.speaker);
  navigator.mediaDevices?.addEventListener("devicechange", () => void listDevices());
}

/** Fills both lists; names are known only once the microphone has been allowed. */
export async function listDevices(): Promise<void> {
  const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  fill(microphone, devices, "audioinput");
  fill(speaker, devices, "audiooutput");
  speaker.disabled = !canChooseSpeaker;
}

function fill(select: HTMLSelectElement, devices: MediaDeviceInfo[], kind: MediaDeviceKind): void {
  const chosen = select.value;
  const named = devices.filter(
    (device) => device.kind === kind && device.deviceId && device.deviceId !== "default",
  );
  const options = named.map((device, i) =>
    make("option", { value: device.deviceId }, device.label || `Device ${i + 1}`),
  );
  select.replaceChildren(make("option", { value: "" }, "System default"), ...options);
  select.value = named.some((device) => device.deviceId === chosen) ? chosen : "";
}
