"""A call without a room with the profile `realtime`: OpenAI's plugin, our assistants, fake servers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.voice.io import AudioInput
from livekit.agents.voice.transcription import TranscriptSynchronizer

from agent.announcer import Announcer
from agent.apology import Apologies
from agent.config import Settings
from agent.continuity.unfinished import UnfinishedTurn
from agent.dispatch import CallOptions
from agent.engines import Loaded, Pipeline, build, import_plugins
from agent.profiles import choose
from agent.read_ahead import ReadAhead
from agent.realtime.assistant import Successor
from agent.realtime.deadline import AnswerDeadline
from agent.realtime.recorder import RealtimeRecorder, recorder_of
from agent.realtime.take_over import Parts, TakeOver
from agent.realtime.tap import keep
from agent.realtime.turn_audio import TurnAudio
from agent.tools import CallActions, Toolbox
from agent.tools.faq import Faq
from agent.turn_record import TurnRecord
from agent.turn_taking import TurnTaking, Words, endpointing
from agent.turns.watchdog import Limits
from agent.turns.words import WordsJudge
from agent.watch import Watch, tolerance
from tests.fakes.audio import BED_DBFS, noise
from tests.fakes.audio_io import Loudspeaker, Subtitles
from tests.fakes.eventually import eventually
from tests.fakes.hearing import LoudnessVAD, SettledTurnDetector
from tests.fakes.providers.coded_speech import read, say
from tests.fakes.providers.openai import FakeOpenAI
from tests.hosted.hosts import settings_for
from tests.session.conversation import APOLOGIES, no_voice

RATE_HZ = 24_000
UNHEARD = "Say that again, please."
NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
_FRAME_S = 0.02
_STEP = round(_FRAME_S * RATE_HZ) * 2


class CodedMicrophone(AudioInput):
    """Coded speech over a noise bed, in real time; what it gives is kept on its way, as in a room."""

    def __init__(self, audio: TurnAudio) -> None:
        super().__init__(label="microphone")
        self._audio = audio
        self._speech = bytearray()
        self._bed = noise(1.0, BED_DBFS, RATE_HZ)
        self._loop = asyncio.get_running_loop()
        self._next_s = self._loop.time()
        self._count = 0

    @property
    def is_speaking(self) -> bool:
        return bool(self._speech)

    def say(self, text: str) -> None:
        self._speech += say(text, RATE_HZ)

    async def __anext__(self) -> rtc.AudioFrame:
        self._next_s += _FRAME_S
        await asyncio.sleep(self._next_s - self._loop.time())
        start = _STEP * (self._count % (len(self._bed) // _STEP))
        self._count += 1
        pcm = bytes(self._speech[:_STEP]).ljust(_STEP, b"\0")
        del self._speech[:_STEP]
        mixed = np.frombuffer(pcm, "<i2") + np.frombuffer(self._bed[start : start + _STEP], "<i2")
        frame = rtc.AudioFrame(mixed.astype("<i2").tobytes(), RATE_HZ, 1, _STEP // 2)
        return keep(frame, self._audio)


@dataclass(kw_only=True)
class RealtimeCall:
    """What a test does and sees."""

    provider: FakeOpenAI
    session: AgentSession[None]
    microphone: CodedMicrophone
    loudspeaker: Loudspeaker
    take_over: TakeOver
    records: list[TurnRecord] = field(default_factory=list)

    async def ask(self, text: str) -> None:
        """Says it to its end."""
        self.microphone.say(text)
        await eventually(lambda: not self.microphone.is_speaking)

    async def record(self, number: int) -> TurnRecord:
        """Waits until so many turns are over; returns the last of them."""
        await eventually(lambda: len(self.records) >= number, deadline_s=15)
        return self.records[number - 1]

    async def until_agent_speaks(self) -> None:
        await eventually(lambda: self.loudspeaker.is_playing)

    async def until_cascade(self) -> None:
        await eventually(lambda: self.take_over.is_done)

    def said(self) -> list[str]:
        """The words that came out of the loudspeaker."""
        sound = b"".join(bytes(frame.data) for _, frame in self.loudspeaker.sink.frames)
        return read(sound, RATE_HZ)

    def history(self, role: str) -> list[str]:
        messages = self.session.current_agent.chat_ctx.messages()
        return [message.text_content or "" for message in messages if message.role == role]


@contextlib.asynccontextmanager
async def realtime_call(
    provider: FakeOpenAI,
    *,
    greeting: str | None = None,
    deadline: AnswerDeadline | None = None,
    **values: object,
) -> AsyncIterator[RealtimeCall]:
    """A session that has begun. The cascade behind it is OpenAI's of the same fake server."""
    engines = {f"agent_{stage}": "openai" for stage in ("stt", "llm", "tts")}
    settings = settings_for(provider, agent_profile="realtime", **engines, **values)
    choice = choose(settings)
    import_plugins(choice)
    pipeline = build(settings, choice, CallOptions(), Loaded())
    loudspeaker = Loudspeaker()
    records: list[TurnRecord] = []
    turn_taking = _turn_taking(settings, loudspeaker, pipeline)
    recorder = recorder_of(choice, call="room", publish=records.append)
    assert isinstance(recorder, RealtimeRecorder)
    session = AgentSession[None](
        stt=pipeline.stt,
        llm=pipeline.llm,
        tts=pipeline.tts,
        vad=turn_taking.vad,
        turn_handling=turn_taking.options(),
        conn_options=tolerance(Limits().scaled(0)),
        aec_warmup_duration=None,
    )
    announcer = Announcer(session)
    actions = CallActions(announce=announcer.announce, hang_up=lambda: None)
    toolbox = Toolbox(actions, Faq([]), now=lambda: NOON, time_zone="Etc/UTC")
    assert pipeline.realtime is not None
    parts = Parts(
        model=pipeline.realtime,
        choice=choice,
        instructions="Be brief.",
        toolbox=toolbox,
        turn_taking=turn_taking,
        recorder=recorder,
        turn=UnfinishedTurn(),
        unheard=UNHEARD,
        begin=lambda: None,
    )
    take_over = TakeOver(parts, deadline)
    watch = Watch(
        Limits().scaled(0), Apologies(APOLOGIES, no_voice), recorder, loudspeaker, end=lambda: None
    )
    successor = Successor(
        audio=take_over.audio,
        instructions="Be brief.",
        toolbox=toolbox,
        recorder=recorder,
        turn_taking=turn_taking,
        read_ahead=ReadAhead([], lambda work: None),
        watch=watch,
        turn=UnfinishedTurn(),
    )
    call = RealtimeCall(
        provider=provider,
        session=session,
        microphone=CodedMicrophone(take_over.audio),
        loudspeaker=loudspeaker,
        take_over=take_over,
        records=records,
    )
    synchroniser = TranscriptSynchronizer(
        next_in_chain_audio=loudspeaker, next_in_chain_text=Subtitles()
    )
    session.input.audio = call.microphone
    session.output.audio = synchroniser.audio_output
    session.output.transcription = synchroniser.text_output
    take_over.attach(session, successor)
    recorder.attach(session)
    turn_taking.attach(session)
    try:
        await session.start(take_over.assistant, record=False)
        await take_over.begin()
        if greeting:
            session.say(greeting)
        yield call
    finally:
        take_over.close()
        toolbox.close()
        announcer.close()
        watch.close()
        await session.aclose()
        recorder.close()
        turn_taking.close()
        await synchroniser.aclose()
        await loudspeaker.aclose()
        await pipeline.aclose()


def _turn_taking(settings: Settings, loudspeaker: Loudspeaker, pipeline: Pipeline) -> TurnTaking:
    return TurnTaking(
        endpointing(settings),
        Words.of("en", WordsJudge.load()),
        loudspeaker,
        has_partials=bool(pipeline.stt.capabilities.interim_results),
        voice=LoudnessVAD(),
        end_of_turn=SettledTurnDetector(),
    )
