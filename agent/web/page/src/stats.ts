// What the browser says about the agent's sound as it was received; for tests and the curious.

import type { RemoteAudioTrack } from "livekit-client";

const FIELDS = [
  "audioLevel",
  "packetsReceived",
  "packetsLost",
  "jitter",
  "jitterBufferDelay",
  "jitterBufferTargetDelay",
  "jitterBufferEmittedCount",
  "concealedSamples",
  "totalSamplesDuration",
] as const;

export type AudioStats = Record<(typeof FIELDS)[number] | "audioReceivedEnergy", number | null>;

/** Figures of WebRTC's inbound-rtp report for `track`, null where there are none. */
export async function audioStats(track: RemoteAudioTrack | null): Promise<AudioStats> {
  const report = await track?.receiver?.getStats();
  const inbound = [...(report?.values() ?? [])].find((stat) => stat.type === "inbound-rtp") ?? {};
  const figures = FIELDS.map((name) => [name, inbound[name] ?? null] as const);
  return {
    ...(Object.fromEntries(figures) as Record<(typeof FIELDS)[number], number | null>),
    audioReceivedEnergy: inbound.totalAudioEnergy ?? null,
  };
}
