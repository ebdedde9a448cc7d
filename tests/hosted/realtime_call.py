"""A call without a room with the profile `realtime`: OpenAI's plugin, our assistants, fake servers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.voice.io import AudioInput

from agent.announcer import Announcer
from agent.apology import Apologies
from agent.config import Settings
from agent.continuity.unfinished import UnfinishedTurn
from agent.dispatch import CallOptions
from agent.engines import Loaded, Pipeline, build, import_plugins
from agent.joining import new_session
from agent.profiles import Choice, choose
from agent.read_ahead import ReadAhead
from agent.realtime.assistant import Successor
from agent.realtime.deadline import AnswerDeadline
from agent.realtime.recorder import RealtimeRecorder, recorder_of
from agent.realtime.take_over import Parts, TakeOver
from agent.realtime.tap import keep
from agent.realtime.turn_audio import TurnAudio
from agent.turn_record import TurnRecord
from agent.turn_taking import TurnTaking, Words, endpointing
from agent.turns.words import WordsJudge
from agent.watch import Watch, tolerance
from tests.fakes.audio import BED_DBFS, noise
from tests.fakes.audio_io import Loudspeaker, Subtitles
from tests.fakes.eventually import eventually
from tests.fakes.hearing import LoudnessVAD, SettledTurnDetector
from tests.fakes.providers.coded_speech import read, say
from tests.fakes.providers.openai import FakeOpenAI
from tests.hosted.hosts import settings_for
from tests.session.conversation import APOLOGIES, NO_LIMITS, no_voice
from tests.session.wiring import close, connect, toolbox_of

RATE_HZ = 24_000
QUESTION = "what time is it now"
UNHEARD = "Say that again, please."
INSTRUCTIONS = "Be brief."
_FRAME_S = 0.02
_LOUD_DBFS = -20.0
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

    def cough(self, length_s: float = 0.2) -> None:
        """A loud sound without words."""
        self._speech += noise(length_s, _LOUD_DBFS, RATE_HZ)

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
    made = _Made(settings, deadline)
    call = RealtimeCall(
        provider=provider,
        session=made.session,
        microphone=CodedMicrophone(made.take_over.audio),
        loudspeaker=made.loudspeaker,
        take_over=made.take_over,
        records=made.records,
    )
    synchroniser = connect(call.session, call.microphone, call.loudspeaker, Subtitles())
    made.attach()
    try:
        await call.session.start(call.take_over.assistant, record=False)
        await call.take_over.begin()
        if greeting:
            call.session.say(greeting)
        yield call
    finally:
        await close(made.take_over, made.toolbox, made.announcer, made.watch)
        await close(made.session, made.recorder, made.turn_taking, synchroniser)
        await close(made.loudspeaker, made.pipeline)


class _Made:
    """What a call is made of."""

    def __init__(self, settings: Settings, deadline: AnswerDeadline | None) -> None:
        choice = choose(settings)
        import_plugins(choice)
        self.pipeline = build(settings, choice, CallOptions(), Loaded())
        self.loudspeaker = Loudspeaker()
        self.records: list[TurnRecord] = []
        self.turn_taking = _turn_taking(settings, self.loudspeaker, self.pipeline)
        self.recorder = recorder_of(choice, call="room", publish=self.records.append)
        self.session = new_session(self.pipeline, self.turn_taking, tolerance(NO_LIMITS))
        self.announcer = Announcer(self.session)
        self.toolbox = toolbox_of(self.announcer, lambda: None)
        self.watch = Watch(
            NO_LIMITS,
            Apologies(APOLOGIES, no_voice),
            self.recorder,
            self.loudspeaker,
            end=lambda: None,
        )
        self.take_over = TakeOver(self._of_take_over(settings, choice), deadline)

    def attach(self) -> None:
        successor = Successor(
            audio=self.take_over.audio,
            instructions=INSTRUCTIONS,
            toolbox=self.toolbox,
            recorder=self.recorder,
            turn_taking=self.turn_taking,
            read_ahead=ReadAhead([], lambda work: None),
            watch=self.watch,
            turn=UnfinishedTurn(),
        )
        self.take_over.attach(self.session, successor)
        self.recorder.attach(self.session, self.loudspeaker)
        self.turn_taking.attach(self.session)

    def _of_take_over(self, settings: Settings, choice: Choice) -> Parts:
        assert isinstance(self.recorder, RealtimeRecorder)
        assert self.pipeline.realtime is not None
        return Parts(
            model=self.pipeline.realtime,
            choice=choice,
            instructions=INSTRUCTIONS,
            toolbox=self.toolbox,
            turn_taking=self.turn_taking,
            recorder=self.recorder,
            turn=UnfinishedTurn(),
            transcribes=settings.agent_realtime_transcript == "on",
            unheard=UNHEARD,
            begin=lambda: None,
        )


def _turn_taking(settings: Settings, loudspeaker: Loudspeaker, pipeline: Pipeline) -> TurnTaking:
    return TurnTaking(
        endpointing(settings),
        Words.of("en", WordsJudge.load()),
        loudspeaker,
        has_partials=bool(pipeline.stt.capabilities.interim_results),
        voice=LoudnessVAD(),
        end_of_turn=SettledTurnDetector(),
    )


def chats(provider: FakeOpenAI) -> list[list[dict[str, Any]]]:
    """What the cascade's language model was sent, request by request."""
    return [asked.body["messages"] for asked in provider.asked if "chat" in asked.path]
