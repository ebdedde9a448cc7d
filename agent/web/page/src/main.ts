// Wires the page: what a person does goes to the call, what the call reports goes on the page.

import { setLogLevel, type LocalAudioTrack, type Room } from "livekit-client";
import { ApiError, fetchConfig, fetchToken, presetOf, type Preset } from "./api.js";
import { Call, type CallListener } from "./call.js";
import { canEnd, canSend, canStart, describe, step, type CallEvent, type CallState } from "./call_state.js";
import { drawAgent, drawMute, drawState } from "./call_view.js";
import {
  isGateWanted,
  listDevices,
  onChoice,
  openMicrophone,
  problemOf,
  recallSwitches,
  speakerId,
} from "./devices.js";
import { byId, show } from "./dom.js";
import { animate, Meter } from "./meter.js";
import { ENDED, type NoticeLevel } from "./notice.js";
import { NoticeView } from "./notice_view.js";
import { Sound } from "./sound/sound.js";
import { SoundView } from "./sound/view.js";
import { audioStats, type AudioStats } from "./stats.js";
import { Texts } from "./texts.js";
import type { Who } from "./transcript.js";
import { TranscriptView } from "./transcript_view.js";
import type { TurnRecord } from "./turn_record.js";
import { WaterfallView } from "./waterfall_view.js";

declare global {
  interface Window {
    /** For tests and for the console. */
    parley: {
      readonly room: Room | null;
      readonly turns: readonly TurnRecord[];
      stats(): Promise<AudioStats>;
    };
  }
}

const AGENT_DEADLINE_MS = 5_000;

class Page {
  #state: CallState = { phase: "ready" };
  #call: Call | null = null;
  #room: Room | null = null;
  #context: AudioContext | null = null;
  #overdue: ReturnType<typeof setTimeout> | undefined;
  #you = new Meter(byId("level-you"));
  #agent = new Meter(byId("level-agent"));
  #transcript = new TranscriptView(byId("transcript"), byId("announce"));
  #texts = new Texts(this.#transcript);
  #waterfall = new WaterfallView(byId("waterfall"));
  #notices = new NoticeView(byId("notice"));
  #gate = new SoundView();
  #sound = new Sound(isGateWanted, {
    onReport: (report) => this.#gate.draw(report),
    onTrack: () => this.#onMedia(),
    onUnprocessed: (why) => this.#warnOfSound(why),
  });

  constructor() {
    recallSwitches();
    this.#listenToButtons();
    document.addEventListener("keydown", (event) => this.#onKey(event));
    onChoice({
      microphone: () => void this.#try(() => this.#call?.useMicrophone()),
      gate: () => this.#chooseGate(),
      speaker: () => void this.#try(() => this.#call?.useSpeaker(speakerId())),
    });
    const orb = byId("orb");
    animate([this.#you, this.#agent], () =>
      orb.style.setProperty("--level", String(this.#agent.level / 100)),
    );
    drawState(this.#state);
    void listDevices();
  }

  /** The room of the call, or of the last one. */
  get room(): Room | null {
    return this.#room;
  }

  get turns(): readonly TurnRecord[] {
    return this.#waterfall.records;
  }

  /** Read anew each time: a link with another password changes the page's address, and no more. */
  get #preset(): Preset {
    return presetOf(location.search, location.hash);
  }

  stats(): Promise<AudioStats> {
    return audioStats(this.#call?.agentTrack ?? null);
  }

  /** Opens the microphone unless this is a call `byText`, gets a token and joins. */
  async #start(byText: boolean): Promise<void> {
    if (!canStart(this.#state)) return;
    this.#leave();
    this.#on({ type: "start" });
    this.#clear();
    // Made while the click is being handled: later the browser would not let it run.
    this.#context ??= new AudioContext({ latencyHint: "interactive" });
    void this.#context.resume();
    const microphone = byText ? null : await this.#microphone();
    if (microphone === undefined) return;
    try {
      const config = await fetchConfig();
      if (this.#preset.metadata && !config.agent_name) this.#warnOfMetadata();
      const join = await fetchToken(config, this.#preset);
      this.#on({ type: "connecting", url: join.server_url });
      const call: Call = new Call(join, this.#listenerFor(() => call));
      this.#call = call;
      this.#room = call.room;
      this.#texts.begin(call);
      await call.start(microphone);
    } catch (error) {
      microphone?.stop();
      if (!(error instanceof ApiError)) throw error;
      this.#on({ type: "failed", cause: error.failure, detail: error.detail });
    }
  }

  /** The microphone's track, undefined when there is none (the state then says why). */
  async #microphone(): Promise<LocalAudioTrack | undefined> {
    try {
      const track = await openMicrophone();
      void listDevices();
      return track;
    } catch (error) {
      this.#on({ type: "microphone-failed", problem: problemOf(error) });
      return undefined;
    }
  }

  /** Passes on what `call` reports for as long as it is the page's call. */
  #listenerFor(call: () => Call): CallListener {
    const isCurrent = (): boolean => this.#call === call();
    return {
      onEvent: (event) => isCurrent() && this.#on(event),
      onAgentState: () => isCurrent() && this.#drawAgent(),
      onMedia: () => isCurrent() && this.#onMedia(),
      onSegment: (segment, identity) => {
        if (!isCurrent()) return null;
        const [who, name] = speakerOf(call(), identity);
        return this.#transcript.open(segment, who, name);
      },
      onTurn: (record) => isCurrent() && this.#waterfall.add(record),
      onReceipt: (id) => isCurrent() && this.#texts.received(id),
      onNotice: (notice) => {
        if (!isCurrent()) return;
        if (notice.code !== ENDED) return this.#notices.show(notice);
        this.#on({ type: "ended", cause: "agent" });
        if (notice.message) this.#notices.show(notice);
      },
    };
  }

  #on(event: CallEvent): void {
    if (event.type === "agent-joined" || event.type === "reconnected") this.#texts.restart();
    const before = this.#state;
    this.#state = step(before, event);
    if (this.#state === before) return;
    drawState(this.#state);
    clearTimeout(this.#overdue);
    if (this.#state.phase === "waiting" && !this.#state.overdue) {
      this.#overdue = setTimeout(() => this.#on({ type: "agent-overdue" }), AGENT_DEADLINE_MS);
    }
    this.#drawAgent();
    if (!canEnd(this.#state)) {
      this.#transcript.finish();
      this.#leave();
    }
  }

  #drawAgent(): void {
    drawAgent(this.#state.phase === "live" ? (this.#call?.agentState ?? "") : "");
  }

  #onMedia(): void {
    const call = this.#call;
    if (!call || !this.#context) return;
    const microphone = call.microphoneTrack;
    drawMute(microphone ? call.isMuted : null);
    this.#sound.apply(microphone);
    this.#you.watch(microphone?.mediaStreamTrack ?? null, this.#context);
    this.#agent.watch(call.agentTrack?.mediaStreamTrack ?? null, this.#context);
    show(byId("start-sound"), canEnd(this.#state) && !call.room.canPlaybackAudio);
  }

  /** Lets go of the call; what it still reports is no longer listened to. */
  #leave(): void {
    this.#you.watch(null);
    this.#agent.watch(null);
    this.#sound.apply(null);
    show(byId("start-sound"), false);
    this.#texts.end();
    void this.#call?.stop();
    this.#call = null;
  }

  #clear(): void {
    this.#transcript.clear();
    this.#waterfall.clear();
    this.#notices.clear();
    drawMute(null);
  }

  #listenToButtons(): void {
    const onClick = (id: string, action: () => unknown): void =>
      byId(id).addEventListener("click", () => void this.#try(action));
    onClick("talk", () => this.#start(false));
    onClick("text-only", () => this.#start(true));
    onClick("end", () => this.#on({ type: "ended", cause: "you" }));
    onClick("mute", () => this.#toggleMute());
    onClick("start-sound", () => this.#startSound());
    byId("chat").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  #onKey(event: KeyboardEvent): void {
    const typing = event.target instanceof HTMLElement && event.target.closest("input, select, textarea");
    if (typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.toLowerCase() === "m" && canEnd(this.#state)) void this.#try(() => this.#toggleMute());
  }

  async #toggleMute(): Promise<void> {
    const call = this.#call;
    if (!call || !canEnd(this.#state)) return;
    try {
      await call.setMuted(!call.isMuted);
      this.#notices.dismiss("microphone");
    } catch (error) {
      const { title, advice } = describe({ phase: "no-microphone", problem: problemOf(error) });
      this.#notify("warning", "microphone", `${title}. ${advice}`);
    }
  }

  async #startSound(): Promise<void> {
    await this.#context?.resume();
    await this.#call?.room.startAudio();
  }

  #send(): void {
    const input = byId<HTMLInputElement>("chat-input");
    const text = input.value.trim();
    if (!text || !this.#call || !canSend(this.#state)) return;
    input.value = "";
    this.#texts.type(text);
  }

  #chooseGate(): void {
    this.#notices.dismiss("sound");
    this.#sound.choose(this.#call?.microphoneTrack ?? null);
  }

  #warnOfSound(why: string): void {
    this.#notify("info", "sound", `Your microphone is sent without gate and gain: ${why}.`);
  }

  #warnOfMetadata(): void {
    const message = "The address gives metadata for the agent, but AGENT_NAME is not set: it is not used.";
    this.#notify("warning", "metadata", message);
  }

  #notify(level: NoticeLevel, code: string, message: string): void {
    this.#notices.show({ level, code, message });
  }

  /** Runs what a person asked for; what goes wrong is said, not lost. */
  async #try(action: () => unknown): Promise<void> {
    try {
      await action();
    } catch (error) {
      console.error(error);
      this.#notify("error", "page", `That did not work: ${(error as Error).message}`);
    }
  }
}

function speakerOf(call: Call, identity: string): [Who, string] {
  if (identity === call.room.localParticipant.identity) return ["you", ""];
  const guest = call.room.remoteParticipants.get(identity);
  // An agent that has just left is no participant any more, but its last words are still its own.
  if (!guest || guest.isAgent) return ["agent", ""];
  return ["other", guest.name || guest.identity];
}

setLogLevel("warn");
window.parley = new Page();
