// One call: a LiveKit room from joining to leaving.

import {
  ConnectionError,
  ConnectionErrorReason,
  DisconnectReason,
  ParticipantKind,
  RemoteAudioTrack,
  Room,
  RoomEvent,
  Track,
  type LocalAudioTrack,
  type Participant,
  type RemoteParticipant,
} from "livekit-client";
import type { Join } from "./api.js";
import type { CallEvent } from "./call_state.js";
import { captureOptions, speakerId } from "./devices.js";
import { reasonToWait } from "./notice.js";
import type { Reader, Text } from "./outbox.js";
import { listen, type StreamListener } from "./streams.js";
import type { TextWay } from "./texts.js";

export interface CallListener extends StreamListener {
  onEvent(event: CallEvent): void;
  /** `Call.agentState` may have changed. */
  onAgentState(): void;
  /** Tracks, mute or the possibility of playing sound have changed. */
  onMedia(): void;
}

export class Call implements TextWay {
  readonly room = new Room({ disconnectOnPageLeave: true });
  #listener: CallListener;
  #join: Join;

  constructor(join: Join, listener: CallListener) {
    this.#join = join;
    this.#listener = listener;
    listen(this.room, listener);
    this.#watchRoom();
    this.#watchMedia();
  }

  /** Joins, with the microphone's track or by text only. Failures are reported as events. */
  async start(microphone: LocalAudioTrack | null): Promise<void> {
    const { server_url: url, participant_token: token } = this.#join;
    try {
      // A server on this machine is reached directly: nobody outside need be asked for an address.
      const options = isLoopback(url) ? { rtcConfig: { iceServers: [] } } : {};
      await this.room.connect(url, token, options);
    } catch (error) {
      microphone?.stop();
      this.#listener.onEvent({ type: "failed", cause: failureOf(error), detail: url });
      return;
    }
    // Not earlier: an attempt that fails also counts as a disconnection for the room.
    this.room.on(RoomEvent.Disconnected, (reason) => this.#listener.onEvent(endOf(reason, url)));
    this.#listener.onEvent({ type: "connected" });
    this.#tellWhy();
    if (this.agent) this.#listener.onEvent({ type: "agent-joined" });
    if (speakerId()) await this.useSpeaker(speakerId());
    if (microphone) await this.#publish(microphone);
  }

  async stop(): Promise<void> {
    await this.room.disconnect();
  }

  /** The agent of this call; avatars and the like that act on its behalf do not count. */
  get agent(): RemoteParticipant | undefined {
    return [...this.room.remoteParticipants.values()].find(isAgent);
  }

  /** What the agent does, in the one word that it publishes; "" without an agent. */
  get agentState(): string {
    return this.agent?.attributes["lk.agent.state"] ?? "";
  }

  get agentTrack(): RemoteAudioTrack | null {
    const publications = [...(this.agent?.audioTrackPublications.values() ?? [])];
    const track = publications.find((publication) => publication.track)?.track;
    return track instanceof RemoteAudioTrack ? track : null;
  }

  get microphoneTrack(): LocalAudioTrack | null {
    const publication = this.room.localParticipant.getTrackPublication(Track.Source.Microphone);
    return publication?.audioTrack ? (publication.audioTrack as LocalAudioTrack) : null;
  }

  get isMuted(): boolean {
    return this.microphoneTrack?.isMuted ?? true;
  }

  /** Mutes or unmutes; opens the microphone if this call has none. Rejects as `getUserMedia`. */
  async setMuted(muted: boolean): Promise<void> {
    await this.room.localParticipant.setMicrophoneEnabled(!muted, captureOptions());
    this.#listener.onMedia();
  }

  /** Opens the microphone again with the device and clean-up chosen on the page. */
  async useMicrophone(): Promise<void> {
    await this.microphoneTrack?.restartTrack(captureOptions());
    this.#listener.onMedia();
  }

  async useSpeaker(deviceId: string): Promise<void> {
    await this.room.switchActiveDevice("audiooutput", deviceId || "default");
  }

  /** Who would read a text now. */
  get reader(): Reader {
    if (this.room.state !== "connected" || !this.agent) return "nobody";
    return this.agent.attributes["parley.receipts"] ? "receipts" : "silent";
  }

  async sendText({ id, text }: Text): Promise<void> {
    const attributes = { "parley.id": id };
    await this.room.localParticipant.sendText(text, { topic: "lk.chat", attributes });
  }

  async #publish(microphone: LocalAudioTrack): Promise<void> {
    if (this.room.state !== "connected") return microphone.stop();
    await this.room.localParticipant.publishTrack(microphone, { source: Track.Source.Microphone });
    this.#listener.onMedia();
  }

  #tellWhy(): void {
    this.#listener.onEvent({ type: "kept-waiting", why: reasonToWait(this.room.metadata) });
  }

  #watchRoom(): void {
    const emit = (event: CallEvent): void => this.#listener.onEvent(event);
    this.room
      .on(RoomEvent.ParticipantConnected, (p) => isAgent(p) && emit({ type: "agent-joined" }))
      .on(RoomEvent.ParticipantDisconnected, (p) => {
        if (isAgent(p) && !this.agent) emit({ type: "agent-left" });
      })
      .on(RoomEvent.RoomMetadataChanged, () => this.#tellWhy())
      .on(RoomEvent.ParticipantAttributesChanged, () => this.#listener.onAgentState())
      .on(RoomEvent.SignalReconnecting, () => emit({ type: "reconnecting" }))
      .on(RoomEvent.Reconnecting, () => emit({ type: "reconnecting" }))
      .on(RoomEvent.Reconnected, () => {
        emit({ type: "reconnected" });
        this.#tellWhy();
      });
  }

  #watchMedia(): void {
    const changed = (): void => this.#listener.onMedia();
    this.room
      .on(RoomEvent.TrackSubscribed, (track) => {
        if (track instanceof RemoteAudioTrack) play(track);
        changed();
      })
      .on(RoomEvent.TrackUnsubscribed, (track) => {
        for (const element of track.detach()) element.remove();
        changed();
      })
      .on(RoomEvent.TrackMuted, changed)
      .on(RoomEvent.TrackUnmuted, changed)
      .on(RoomEvent.LocalTrackPublished, changed)
      .on(RoomEvent.LocalTrackUnpublished, changed)
      .on(RoomEvent.AudioPlaybackStatusChanged, changed);
  }
}

/** Plays `track` with as little delay as the browser can. */
function play(track: RemoteAudioTrack): void {
  const receiver = track.receiver as (RTCRtpReceiver & { jitterBufferTarget?: number | null }) | undefined;
  if (receiver && "jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  if (receiver && "playoutDelayHint" in receiver) track.setPlayoutDelay(0);
  document.body.append(track.attach());
}

function isAgent(participant: Participant): boolean {
  const onBehalf = participant.attributes["lk.publish_on_behalf"];
  return participant.kind === ParticipantKind.AGENT && !onBehalf;
}

/** Whether the server at `url` is this machine. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

function failureOf(error: unknown): "refused-key" | "unreachable" {
  const refused =
    error instanceof ConnectionError && error.reason === ConnectionErrorReason.NotAllowed;
  return refused ? "refused-key" : "unreachable";
}

function endOf(reason: DisconnectReason | undefined, url: string): CallEvent {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return { type: "ended", cause: "you" };
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return { type: "ended", cause: "agent" };
    case DisconnectReason.PARTICIPANT_REMOVED:
      return { type: "ended", cause: "removed" };
    case DisconnectReason.DUPLICATE_IDENTITY:
      return { type: "ended", cause: "replaced" };
    case DisconnectReason.SERVER_SHUTDOWN:
      return { type: "ended", cause: "shutdown" };
    default:
      return { type: "failed", cause: "lost", detail: url };
  }
}
