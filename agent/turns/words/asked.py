"""What the agent's last sentence asked the caller for."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache


class Asked(Enum):
    NOTHING = "nothing"
    PHONE = "phone"
    CARD = "card"
    NUMBER = "number"
    SHORT_CODE = "short_code"
    """Four to six digits: the last four, a code, a zip code."""
    NAME = "name"
    EMAIL = "email"
    SPELLING = "spelling"
    ADDRESS = "address"
    BIRTH_DATE = "birth_date"
    DATE = "date"
    YES_NO = "yes_no"
    CHOICE = "choice"
    FACT = "fact"
    """A question with what, which, how many …: a few words answer it."""
    OPEN = "open"
    """`How can I help you?`: anything may follow."""


_PATTERNS = (
    (Asked.OPEN, r"\bhelp you\b|\bdo for you\b|\btell me (more|about)\b|\bthe (problem|matter)\b|\bhow are you\b"),
    (Asked.SPELLING, r"\b(spell|spelled|spelt|spelling)\b"),
    (Asked.EMAIL, r"\be-?mail\b"),
    (Asked.SHORT_CODE, r"\blast (four|4|three|3)\b|\b(zip|post) ?code\b|\bpostcode\b|\bpin\b|\bsort code\b|\b(security|verification) code\b"),
    (Asked.CARD, r"\b(credit |debit )?card number\b|\blong number\b|\bnumber (on|of) (your|the) card\b"),
    (Asked.PHONE, r"\b(phone|mobile|cell|telephone|contact|callback)\b.*\bnumber\b|\bnumber\b.*\b(reach|call|ring|contact)\b|\b(reach|call|ring) you\b.*\bnumber\b"),
    (Asked.NUMBER, r"\b(order|account|reference|booking|customer|tracking|serial|policy|member|membership|invoice|ticket|flight|case|confirmation|licen[cs]e|insurance)( \w+)? (number|code|id)\b|\breference\b|\bdigits\b"),
    (Asked.BIRTH_DATE, r"\bdate of birth\b|\bborn\b|\bbirth ?(day|date)\b"),
    (Asked.ADDRESS, r"\baddress\b|\bwhere (do|should|shall|can|would) (you|we|i) (live|deliver|send|ship|pick)\b"),
    (Asked.NAME, r"\b(your|full|first|last|sur|family) ?name\b|\bsurname\b|\bwho am i (speaking|talking)\b|\bname (for|on) the\b"),
)  # fmt: skip
_COMPILED = tuple((asked, re.compile(pattern)) for asked, pattern in _PATTERNS)
_DATE = re.compile(r"\b(when|what (day|date|time)|which (day|date|time))\b")
_PERMISSION = re.compile(
    r"^(and |so |okay |great |thanks )*(is|are|was|were|do|does|did|have|has|had|will|would|can|could|shall|should|may|did)\b"
)
_DETAIL = re.compile(
    r"^(and |so )*(can|could|may|would) (you|i|we) (please )?(give|tell|have|get|take|read|spell|provide|confirm)\b"
)
_POSSESSION = re.compile(r"\b(do|have|did) you (have|got|know|remember)\b.*\b(your|a|the|an)\b")
_CHOICE = re.compile(r"\w or \w")
_FACT = re.compile(r"\b(what|which|who|where|how (many|much|old|long|far|big|often|large))\b")
_FUNCTION_WORDS = frozenset(
    "a an the or is it for do does you your to of be would will shall i we like prefer want".split()
)
_SENTENCE = re.compile(r"[^.?!]+[.?!]*")


@lru_cache(maxsize=16)  # each partial of a turn has the same agent's turn before it
def asked_for(agent_said: str) -> Asked:
    """From the agent's last question, or its last sentence if it asked none."""
    sentence = _last_question(agent_said.lower().strip())
    if not sentence:
        return Asked.NOTHING
    if _CHOICE.search(sentence) and "?" in sentence:
        return Asked.CHOICE
    is_yes_no = bool(_PERMISSION.search(sentence)) and not _DETAIL.search(sentence)
    for asked, pattern in _COMPILED:
        if pattern.search(sentence) and not (is_yes_no and _merely_mentions(asked, sentence)):
            return asked
    if is_yes_no:
        return Asked.YES_NO
    if _DATE.search(sentence):
        return Asked.DATE
    return Asked.FACT if _FACT.search(sentence) and "?" in sentence else _fallback(sentence)


def offered_words(agent_said: str) -> frozenset[str]:
    """Words of the agent's last question, one of which may be the whole answer to `red or white?`."""
    words = re.findall(r"[\w']+", _last_question(agent_said.lower().strip()))
    return frozenset(words) - _FUNCTION_WORDS


def _merely_mentions(asked: Asked, sentence: str) -> bool:
    """`Did you get the email?` mentions one; `do you have your order number?` asks for it."""
    if asked is Asked.OPEN:
        return "help you" in sentence and "else" in sentence
    return not _POSSESSION.search(sentence)


def _fallback(sentence: str) -> Asked:
    is_question = sentence.endswith("?")
    return (
        Asked.YES_NO
        if is_question and re.search(r"\b(right|correct|okay|else|ready|sure|more)\?$", sentence)
        else Asked.NOTHING
    )


def _last_question(text: str) -> str:
    sentences: list[str] = [sentence.strip() for sentence in _SENTENCE.findall(text)]
    questions = [sentence for sentence in sentences[-2:] if sentence.endswith("?")]
    if questions:
        return questions[-1]
    return sentences[-1] if sentences else ""
