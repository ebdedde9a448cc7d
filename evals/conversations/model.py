"""A language model as judge and as caller, where one is configured: whatever speaks OpenAI's language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import APIConnectOptions, APIError, llm

from evals.conversations.rules import Check
from evals.conversations.scenario import ConversationError, Simulated
from evals.conversations.user import Done, Move, Say

URL, MODEL, KEY = "PARLEY_EVALS_LLM_URL", "PARLEY_EVALS_LLM", "PARLEY_EVALS_LLM_KEY"
NO_MODEL = f"no model: set {URL} and {MODEL}"

_CONNECTION = APIConnectOptions(max_retry=1, retry_interval=1.0, timeout=60.0)
_VERDICT = re.compile(r"\b(PASS|FAIL)\b[\s:.,–-]*(.*)", re.DOTALL)
_DONE, _GIVE_UP = "DONE", "GIVE UP"

_JUDGE = (
    "You check the record of a phone call between a caller and a voice agent against one statement. "
    "Begin your answer with PASS if the record bears the statement out, with FAIL if it does not; "
    "then give the reason in one sentence."
)
_CALLER = (
    "You are a caller who talks to a voice agent on the phone. Your goal: {goal} {facts}"
    "Each of your answers is one short sentence as it is spoken, with nothing around it. You tell "
    f"only what you are asked for or need to say. Once you have your goal answer only {_DONE}; when it "
    f"cannot be had answer only {_GIVE_UP}."
)


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Where the model is."""

    url: str
    model: str
    key: str = field(default="none", repr=False)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> ModelSettings | None:
        """None when there is none. Raises ConversationError for one that is told by half."""
        url, model = environ.get(URL, ""), environ.get(MODEL, "")
        if bool(url) != bool(model):
            missing = MODEL if url else URL
            raise ConversationError(
                f"{missing} is not set: {URL} is the address, like http://127.0.0.1:8000/v1, and "
                f"{MODEL} the name of the model that judges."
            )
        return cls(url=url, model=model, key=environ.get(KEY) or "none") if url else None

    def open(self) -> llm.LLM[Any]:
        """To be closed by who opened it."""
        from livekit.plugins import openai

        return openai.LLM(model=self.model, base_url=self.url, api_key=self.key)


async def judge(model: llm.LLM[Any], statement: str, record: str, where: str) -> Check:
    """Asks whether the record of a call bears the statement out; a model that fails judges nothing."""
    what = f"{where}: {statement}"
    try:
        answer = await _ask(model, _JUDGE, [("user", f"Statement: {statement}\n\n{record}")])
    except APIError as e:
        why = f"the model failed: {e.message}"
        return Check(about="task", what=what, verdict="not judged", why=why)
    found = _VERDICT.search(answer)
    if found is None:
        why = f"the model gave no verdict: {answer[:80]!r}"
        return Check(about="task", what=what, verdict="not judged", why=why)
    verdict, reason = found.groups()
    is_met = verdict == "PASS"
    return Check(
        about="task", what=what, verdict="met" if is_met else "missed", why=reason.strip()[:300]
    )


class ModelUser:
    """A caller that a model plays. Both calls raise APIError."""

    def __init__(self, model: llm.LLM[Any], person: Simulated) -> None:
        self._model = model
        facts = f"You know: {'; '.join(person.facts)}. " if person.facts else ""
        self._instructions = _CALLER.format(goal=person.goal, facts=facts)
        self._talk: list[tuple[str, str]] = []

    async def begin(self) -> Move:
        return await self.heard("(The call begins. Say what you want.)")

    async def heard(self, answer: str) -> Move:
        self._talk.append(("user", answer or "(silence)"))
        text = (await _ask(self._model, self._instructions, self._talk)).strip().strip('"')
        self._talk.append(("assistant", text))
        if _GIVE_UP in text.upper():
            return Done(is_content=False, why="the caller gave up")
        if not text or _DONE in text:
            return Done(is_content=True)
        return Say(" ".join(text.split()))


async def _ask(model: llm.LLM[Any], instructions: str, talk: Sequence[tuple[str, str]]) -> str:
    """Raises APIError."""
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="system", content=instructions)
    for role, text in talk:
        chat_ctx.add_message(role="user" if role == "user" else "assistant", content=text)
    response = await model.chat(chat_ctx=chat_ctx, conn_options=_CONNECTION).collect()
    return response.text
