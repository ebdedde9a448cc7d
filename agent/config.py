"""Settings from the environment and a `.env` file, read once, all problems reported together."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.dispatch import CALLER_CHOICES, FASTEST, SLOWEST
from agent.sound.plan import parse_noise
from agent.turns.patience import parse_patience
from agent.web.settings import check_auth_url, check_origin, check_password

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
LogFormat = Literal["json", "text"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Turns = Literal["hazard", "classic", "vad"]
Vad = Literal["silero", "ten_vad", "webrtc_vad"]
ServiceTier = Literal["auto", "default", "priority"]
Switch = Literal["off", "on"]
RealtimeTurns = Literal["own", "server_vad", "semantic_vad"]


class ConfigError(Exception):
    """The settings cannot be used; `problems` holds a sentence each, with the remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _existing_file(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise ValueError(f"there is no file {path}; give the path of one, or unset the variable")
    return path


def _existing_folder(path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise ValueError(f"there is no folder {path}; give the path of one, or unset the variable")
    return path


def _time_zone(name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone; write one like Europe/Paris") from None
    return name


def _livekit_url(url: str | None) -> str | None:
    schemes = ("ws://", "wss://", "http://", "https://")
    if url is not None and not url.startswith(schemes):
        raise ValueError("must begin with ws:// or wss://, for example ws://127.0.0.1:7880")
    return url


def _web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return url


def _collector_url(url: str | None) -> str | None:
    return url if url is None else _web_address(url)


def _redis_url(url: SecretStr | None) -> SecretStr | None:
    schemes = ("redis://", "rediss://", "unix://")
    if url is not None and not url.get_secret_value().startswith(schemes):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return url


def _patience(text: str) -> str:
    parse_patience(text)
    return text


def _noise(text: str) -> str:
    parse_noise(text)
    return text


def _speed(speed: float) -> float:
    if not SLOWEST <= speed <= FASTEST:
        raise ValueError(f"must be {SLOWEST} to {FASTEST}, where 1 is the voice's own pace")
    return speed


def _two_or_more(text: str) -> str:
    if len(_parts(text, "|")) < 2:
        raise ValueError("write two phrases or more with | between them: no two in a row are alike")
    return text


def _origins(text: str) -> str:
    for origin in _parts(text, ","):
        check_origin(origin)
    return text


def _choices(text: str) -> str:
    if unknown := [name for name in _parts(text, ",") if name not in CALLER_CHOICES]:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(CALLER_CHOICES)}")
    return text


def _parts(text: str, separator: str) -> tuple[str, ...]:
    return tuple(stripped for part in text.split(separator) if (stripped := part.strip()))


class Settings(BaseSettings):
    """Everything an operator can set. Field docstrings are the texts of `.env.example`."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    livekit_url: Annotated[str | None, AfterValidator(_livekit_url)] = None
    """Address of the LiveKit server. `make demo` finds or starts one when unset."""
    livekit_api_key: str | None = None
    """Key of that server."""
    livekit_api_secret: SecretStr | None = None
    """Secret of that key; 32 characters or more."""

    agent_profile: str = "auto"
    """Preset of the three engines: auto, embedded, local, hosted, hybrid or simulated; or realtime, one model in their place. `parley doctor` says what auto chose."""
    agent_stt: str | None = None
    """Speech recognition engine in place of the profile's, `name` or `name:model`."""
    agent_llm: str | None = None
    """Language model engine in place of the profile's."""
    agent_tts: str | None = None
    """Speech synthesis engine in place of the profile's; of a server of one's own `openai_speech:http://host:port/v1?model=name`, for example."""
    agent_realtime: str = "openai"
    """Model of the profile realtime, which hears and speaks by itself, `openai`, `openai:model`, or `moshi:ws://host:port`. When it fails, the engines take over that the settings give without it."""
    agent_realtime_turns: RealtimeTurns = "own"
    """What ends a caller's turn there: own (as AGENT_TURNS says, with the recogniser that stands by), or the model's own server_vad or semantic_vad."""
    agent_realtime_transcript: Switch = "on"
    """Whether that recogniser writes down what the caller says to a model that does not tell it (Moshi): for the transcript, and for the engines that take over."""
    agent_modelserver: str | None = None
    """Address of a model server that runs already, `unix:/path` or `tcp://host:port`; the worker starts its own when unset."""
    agent_modelserver_token: SecretStr | None = None
    """Token of that server; needed when it is reached over the network."""
    agent_speech_server_key: SecretStr | None = None
    """API key of the speech server that AGENT_TTS=openai_speech:http://… names; most of one's own need none."""
    kyutai_api_key: SecretStr | None = None
    """Key of one's own moshi-server, for the engines kyutai:ws://host:port; `public_token`, as its configurations have it, when unset."""
    deepgram_api_key: SecretStr | None = None
    """Key of Deepgram, for the engine deepgram. `parley doctor --online` tries the keys."""
    deepgram_base_url: Annotated[str, AfterValidator(_web_address)] = "https://api.deepgram.com"
    """Address of its API; of one's own installation or a proxy, which may need no key."""
    openai_api_key: SecretStr | None = None
    """Key of OpenAI, for the engines openai."""
    openai_base_url: Annotated[str, AfterValidator(_web_address)] = "https://api.openai.com/v1"
    """Address of its API, or of any server with the same interface, which may need no key. Its speech is taken for raw sound of 24 kHz, unless it is a sound file or its Content-Type tells another rate."""
    openai_service_tier: ServiceTier = "auto"
    """Of its language models: auto is what the account has set; priority answers quicker and costs more."""
    eleven_api_key: SecretStr | None = None
    """Key of ElevenLabs, for the engine elevenlabs."""
    eleven_base_url: Annotated[str, AfterValidator(_web_address)] = "https://api.elevenlabs.io/v1"
    """Address of its API, or of a proxy, which may need no key."""
    agent_llm_context: Annotated[int, Field(ge=512, le=1_000_000)] = 4096
    """Tokens that llama.cpp keeps of each call, instructions and tools included; the oldest turns go first."""
    agent_llm_slots: Annotated[int, Field(ge=1, le=256)] = 4
    """Calls whose conversation llama.cpp keeps evaluated, with memory for AGENT_LLM_CONTEXT tokens each; of more calls at once, conversations are read anew."""
    agent_llm_server_key: SecretStr | None = None
    """API key of the llama.cpp server that AGENT_LLM=llama_cpp:http://… names; most of one's own need none."""
    agent_llm_draft: str | None = None
    """A smaller model of llama.cpp with the same vocabulary that guesses the tokens of AGENT_LLM's, `qwen2.5-0.5b-instruct` or a path: quicker where most guesses are right."""
    agent_turn_budget_s: Seconds = 1.5
    """Seconds from the end of a turn to the answer's first sound; when two of eight answers are later, the call takes the next engine of a list, or shorter first clauses, until they are in time again. 0 for never."""
    agent_hedge_s: Seconds | None = None
    """Seconds of silence after which the next language model of AGENT_LLM is asked as well, 0 for both at once; the quicker one speaks. Unset: only when one has failed."""
    agent_voice_hedge_s: Seconds | None = None
    """Seconds of silence after which the next voice of AGENT_TTS (espeak-ng behind a single one) is asked for a reply's first words as well; the quicker one speaks the reply. Unset: only when one has failed. Not while answers are late for AGENT_TURN_BUDGET_S."""
    agent_vad: Vad = "silero"
    """What tells speech from silence: silero, ten_vad (extra tenvad, a licence of its own) or webrtc_vad (extra webrtcvad)."""
    agent_noise: Annotated[str, AfterValidator(_noise)] = "off"
    """What cleans the caller's sound: off, on, auto (on while the caller's room is noisy), or stages with commas between out of highpass, rnnoise, gate, gain. All but off want the extra denoise; docs/sound.md has what each stage is worth."""
    agent_name: str | None = None
    """With a name the worker takes only calls dispatched to it by that name; without, every room."""

    agent_redis: Annotated[SecretStr | None, AfterValidator(_redis_url)] = None
    """Redis (extra redis) that keeps what was said in a call for ten minutes at most, so that the worker of another machine goes on where one died; like redis://host:6379. Without, it is in the cache folder, for this machine's workers."""
    agent_resume_phrase: str = "I am back, sorry for the interruption."
    """Said when a call goes on after a fault, in the callers' language."""
    agent_resume_heard_phrase: str = "The last I heard was: {words}. Please go on from there."
    """Said next to a caller who was speaking; {words} are the last that were heard of it."""
    agent_restart_phrase: str = "Sorry, the line broke. Please tell me again what you need."
    """Said after a fault when what was said before is lost."""

    agent_cache_dir: Path = Path("~/.cache/parley")
    """Folder of what is downloaded once: the LiveKit server and the models."""
    agent_instructions: Annotated[Path | None, AfterValidator(_existing_file)] = None
    """Markdown file with the assistant's instructions, in place of agent/prompts/assistant.md."""
    agent_greeting: str | None = None
    """What the assistant says first; `none` for nothing. The profile decides when unset."""
    agent_voice: str | None = None
    """Voice of the speech synthesis, in the engine's own names (espeak: en-us, en-gb, …)."""
    agent_speed: Annotated[float, AfterValidator(_speed)] = 1.0
    """How fast it speaks, 0.5 to 2 times the voice's own pace; kyutai, llmvox and Moshi have one pace, OpenAI's realtime models stop at 1.5."""
    agent_language: str = "en"
    """Language people speak, as a two-letter code; auto where the recogniser finds it out (faster_whisper with a model of many languages, deepgram, openai): voices speak their own then."""
    agent_hot_words: str = ""
    """Names and words of your own that faster_whisper is to listen for, with commas between."""
    agent_time_zone: Annotated[str | None, AfterValidator(_time_zone)] = None
    """Time zone of “what time is it”, like Europe/Paris; the machine's own when unset."""
    agent_skills: Annotated[Path | None, AfterValidator(_existing_file)] = None
    """YAML file of skills for the responder, added to the built-in ones."""
    agent_faq_dir: Annotated[Path | None, AfterValidator(_existing_folder)] = None
    """Folder of Markdown files that the assistant answers questions from."""

    agent_turns: Turns = "hazard"
    """What ends a caller's turn: hazard (words, voice and silence), classic (VAD and words silent for 0.5 s) or vad."""
    agent_patience: Annotated[str, AfterValidator(_patience)] = "normal"
    """eager, normal or patient; or the share of pauses in which the agent may cut in, like `5%`."""
    agent_pause_score_weight: Annotated[float, Field(ge=0, le=2)] = 0.5
    """How much a recogniser's own score of a pause counts beside words and voice, where it has one (kyutai); 0 for nothing."""
    agent_turn_llm: Switch = "off"
    """on: a language model of llama_cpp that reads along is one more, small witness for AGENT_TURNS=hazard. Off: what it is worth has not been measured with trained weights (docs/turn-taking.md)."""

    agent_silence_prompt_s: Seconds = 30
    """Seconds of silence until the caller is asked if they are there; 0 for never, as is unset in the simulated profile."""
    agent_silence_prompt: str = "Are you still there?"
    """How they are asked, in the callers' language."""
    agent_silence_end_s: Seconds = 30
    """Further seconds of silence until the call ends; 0 for never, as is unset in the simulated profile."""
    agent_silence_goodbye: str = "I will hang up now. Goodbye!"
    """Said before a call ends for silence, in the callers' language."""
    agent_filler_s: Seconds = 1.2
    """Seconds a tool may run in silence until the caller hears that it takes a moment; 0 for never."""
    agent_fillers: Annotated[str, AfterValidator(_two_or_more)] = "Let me look. | One moment."
    """What they hear then: two phrases or more with | between them, which take turns."""
    agent_watchdog: Seconds = 1.0
    """How patient the watchdog is that ends what is stuck, as a factor; 0 for no watchdog."""
    agent_apology_unheard: str = "Sorry, I did not catch that. Could you say it again?"
    """Said when speech brought no words, in the callers' language, as the next three."""
    agent_apology_trouble: str = (
        "Sorry, I have trouble answering right now. Could you say that again?"
    )
    """Said when there is no answer."""
    agent_apology_call_again: str = (
        "Sorry, it still does not work. Please try once more, or call again in a few minutes."
    )
    """Said the second time in a row."""
    agent_apology_goodbye: str = (
        "I am sorry, I cannot help you right now. Please call again. Goodbye!"
    )
    """Said the third time, before the call ends."""

    agent_host: str = "127.0.0.1"
    """Interface for health and metrics; 0.0.0.0 in a container."""
    agent_health_port: Port = 8081
    """Port of the worker's health check; 0 picks a free one."""
    agent_metrics_port: Port = 9090
    """Port of the worker's Prometheus metrics; 0 switches them off."""
    agent_web_host: str = "127.0.0.1"
    """Interface of the page and its token endpoint; anyone who reaches it can call the agent."""
    agent_web_port: Port = 8080
    """Port of the page."""
    agent_web_hosts: str = ""
    """Names under which browsers reach the page through a proxy that ends TLS, with commas between; without, this machine's own."""
    agent_web_password: Annotated[SecretStr | None, AfterValidator(check_password)] = None
    """Password of the token endpoint, 16 or more letters and digits: people open the page as https://…/#password=…, programs send it as `Authorization: Bearer …`. Unset, anyone who reaches the page can call."""
    agent_web_auth_url: Annotated[str | None, AfterValidator(check_auth_url)] = None
    """In place of a password: an address that is asked for each call whether the caller may have it, as nginx's auth_request and Traefik's ForwardAuth do, with their Authorization and Cookie; 2xx says yes, 401 and 403 say no."""
    agent_web_origins: Annotated[str, AfterValidator(_origins)] = ""
    """Other sites whose pages may ask the token endpoint, like https://shop.example.com, with commas between; without, none."""
    agent_web_calls_per_minute: Annotated[int, Field(ge=0, le=10_000)] = 20
    """Calls that one address may begin in a minute; 0 for any number."""
    agent_web_proxies: Annotated[int, Field(ge=0, le=10)] = 0
    """Number of one's own proxies in front of the page, each of which adds to X-Forwarded-For: by that callers are told apart, and by their connections without."""
    agent_web_rooms: str = ""
    """Rooms that callers may ask for by name, with commas between and * for any characters; without, each gets a new one whose name nobody can guess."""
    agent_web_choices: Annotated[str, AfterValidator(_choices)] = ""
    """What callers may set for their call: profile, instructions, voice, language, speed, greeting, simulated, with commas between; without, nothing."""
    agent_max_sessions: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Calls that the worker has at once, at most; 0 for as many as its processors carry (in `dev` any number)."""
    agent_drain_s: Seconds = 3600
    """Seconds that calls may take to end by themselves after the worker is told to stop; then they end with a goodbye."""
    agent_drain_goodbye: str = "I have to end this call now. Please call again. Goodbye!"
    """Which is this, in the callers' language."""
    agent_idle_processes: Annotated[int, Field(ge=0, le=64)] = 1
    """Warm processes kept ready, so that a caller does not wait for engines to load."""
    agent_log_level: LogLevel = "INFO"
    """How much the worker logs: DEBUG, INFO, WARNING or ERROR."""
    agent_log_format: LogFormat | None = None
    """Of the worker's log: json, an object a line, or text; unset, json for `parley start` and text for `parley dev`."""
    otel_exporter_otlp_endpoint: Annotated[str | None, AfterValidator(_collector_url)] = None
    """Address of an OpenTelemetry collector (OTLP over HTTP, like http://127.0.0.1:4318) that gets a trace of each call, without what is said in it."""

    @property
    def api_secret(self) -> str:
        """`livekit_api_secret` in plain text, empty when unset; never to be shown."""
        return plain(self.livekit_api_secret)

    @property
    def modelserver_token(self) -> str:
        """`agent_modelserver_token` in plain text, empty when unset; never to be shown."""
        return plain(self.agent_modelserver_token)

    @property
    def speech_server_key(self) -> str:
        """`agent_speech_server_key` in plain text, empty when unset; never to be shown."""
        return plain(self.agent_speech_server_key)

    @property
    def fillers(self) -> tuple[str, ...]:
        """The phrases of `agent_fillers`."""
        return _parts(self.agent_fillers, "|")

    @property
    def web_hosts(self) -> tuple[str, ...]:
        """The names of `agent_web_hosts`."""
        return _parts(self.agent_web_hosts, ",")

    @property
    def web_password(self) -> str:
        """`agent_web_password` in plain text, empty when unset; not to be logged."""
        return plain(self.agent_web_password)

    @property
    def web_origins(self) -> tuple[str, ...]:
        """The sites of `agent_web_origins`."""
        return _parts(self.agent_web_origins, ",")

    @property
    def web_rooms(self) -> tuple[str, ...]:
        """The patterns of `agent_web_rooms`."""
        return _parts(self.agent_web_rooms, ",")

    @property
    def web_choices(self) -> tuple[str, ...]:
        """The names of `agent_web_choices`."""
        return _parts(self.agent_web_choices, ",")

    @property
    def faq_dir(self) -> Path:
        """`agent_faq_dir`, or the documents that come with Parley."""
        return self.agent_faq_dir or Path(__file__).parent / "faq"

    @property
    def cache_dir(self) -> Path:
        """`agent_cache_dir` with `~` resolved."""
        return self.agent_cache_dir.expanduser()


def plain(secret: SecretStr | None) -> str:
    """A secret in plain text, empty when unset; never to be shown."""
    return secret.get_secret_value() if secret else ""


def load_settings(env_file: Path | None = Path(".env")) -> Settings:
    """Settings from `env_file` and, above it, the environment. Raises ConfigError."""
    try:
        return Settings(_env_file=env_file)
    except UnicodeDecodeError:
        raise ConfigError([f"{env_file} is not UTF-8 text; save it as UTF-8."]) from None
    except ValidationError as e:
        raise ConfigError([_sentence(error["loc"], error["msg"]) for error in e.errors()]) from None


def unknown_variables(
    environ: Mapping[str, str], env_file: Path | None = Path(".env")
) -> list[str]:
    """A sentence for each AGENT_* variable that means nothing to Parley, with the nearest name."""
    known = [name.upper() for name in Settings.model_fields]
    from_file = dotenv_values(env_file) if env_file is not None and env_file.is_file() else {}
    sentences = []
    for name in sorted({*environ, *from_file}):
        if name.startswith("AGENT_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see .env.example for the names."
            sentences.append(f"{name} is not a setting of Parley and is ignored; {hint}")
    return sentences


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    name = str(location[0]).upper() if location else "settings"
    return f"{name}: {message.removeprefix('Value error, ')}"
