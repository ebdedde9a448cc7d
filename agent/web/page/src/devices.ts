// Choice of microphone and speaker, and opening the microphone.

import { createLocalAudioTrack, type AudioCaptureOptions, type LocalAudioTrack } from "livekit-client";
import type { MicrophoneProblem } from "./call_state.js";
import { byId, make } from "./dom.js";

export const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

const microphone = byId<HTMLSelectElement>("microphone");
const speaker = byId<HTMLSelectElement>("speaker");
const cleanUp = {
  echoCancellation: byId<HTMLInputElement>("echo"),
  noiseSuppression: byId<HTMLInputElement>("noise"),
  autoGainControl: byId<HTMLInputElement>("gain"),
};

/** How to open the microphone as chosen on the page. */
export function captureOptions(): AudioCaptureOptions {
  return {
    ...(microphone.value ? { deviceId: { exact: microphone.value } } : {}),
    echoCancellation: cleanUp.echoCancellation.checked,
    noiseSuppression: cleanUp.noiseSuppression.checked,
    autoGainControl: cleanUp.autoGainControl.checked,
  };
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
export function onChoice(choice: { microphone: () => void; speaker: () => void }): void {
  for (const input of [microphone, ...Object.values(cleanUp)]) {
    input.addEventListener("change", choice.microphone);
  }
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
