"""What a caller's words mean while the agent speaks: a sign of listening, or something to stop for?

`mm hmm`, `oh wow`, `that makes sense` are patterns rather than a list: sounds of any length, words of
assent or praise, the usual phrases around them, in any combination. English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from agent.turns.words import lexicon
from agent.turns.words.hums import ASSENT
from agent.turns.words.tokens import utterance

Heard = Literal["none", "backchannel", "content", "unclear"]
"""What the words say that were heard over the agent so far."""

_SOUND = (
    r"m+|h+m+|m+h+m+|u+h+|u+m+|hu[hm]|e+r+m?|e+h|a+h+|o+h+|a+ha+|a ha|o+o+h*|a+w+|wh?oa+h*|wo+w+|phew|"
    r"(?:ha|he|hee|ho)+h?|lol|laughter|laughs|laughing|gosh|geez|jeez|yikes|ouch|oops|huh|hum"
)
_YES = (
    r"yes|ye+a+h*|yah|yep|yup|okay|okey dokey|kay|right|sure|fine|alright(?: then)?|all right(?: then)?|correct|exactly|absolutely|"
    r"definitely|certainly|totally|precisely|indeed|agreed|understood|of course|for sure|sure thing|naturally|"
    rf"i (?:think|guess|suppose|believe|hope) so|please do|go ahead|{ASSENT}"
)
_PRAISE = (
    r"good|great|nice|cool|lovely|wonderful|perfect|awesome|amazing|excellent|brilliant|fantastic|super|interesting|"
    r"funny|crazy|wild|incredible|unbelievable|marvell?ous|kind|neat|sweet|terrific|superb|splendid|beautiful|impressive|"
    r"fascinating|hilarious|weird|strange|sad|awful|terrible|horrible|true|fair|clear|helpful|useful|better|bad|wow|"
    r"news|shocking|surprising|\w{4,}(?:ous|tic)|\w{5,}[ai]ble"
)
_DEGREE = r"(?:(?:so|very|really|pretty|quite|too|just|such|a|an|absolutely|totally|also|all|real|simply) )*"
_PHRASE = (
    rf"(?:that|this|it)(?:'s| is| was| sounds| seems)? {_DEGREE}(?:{_PRAISE}|right|correct|fine|it|okay|sense|so)|"
    rf"(?:that |it |this )?(?:makes?|making) {_DEGREE}(?:\w+ )?sense|sounds? {_DEGREE}(?:like a plan|{_PRAISE})|"
    rf"how {_DEGREE}(?:{_PRAISE})|what a \w+|(?:{_PRAISE}) (?:point|idea|question|one|job|stuff|for you|to know|to hear)|"
    r"i (?:see|know|know right|get it|get that|got it|got you|understand|agree|bet|hear you|remember|can imagine|"
    r"can see|guess|suppose|see what you mean|know what you mean|love it|like it|like that|love that)|"
    r"i'm (?:sure|listening|with you|following)|(?:i've )?got (?:it|you|that|ya)|gotcha|fair enough|"
    r"no (?:way|kidding|problem|worries|doubt|wonder)|oh no|(?:oh )?(?:my|good|dear) (?:god|goodness|gosh|lord|word|me)|"
    r"oh (?:god|dear|boy|man|well)|you're (?:right|kidding|welcome)|you are right|you don't say|you bet|me too|"
    r"same here|is (?:that|it) (?:so|right|true)|is it|is that so|really|seriously|honestly|go on|"
    r"carry on|keep going|tell me about it|thank you(?: (?:so|very) much)?|thanks(?: a lot| so much)?|cheers|good to know"
)
_UNIT = re.compile(
    rf"(?:(?:oh|ah|well|so|and|yes|no) )?{_DEGREE}(?:{_SOUND}|{_YES}|{_PRAISE}|{_PHRASE})"
)
_LONGEST_UNIT = 7
_ANSWER = re.compile(rf"\b(?:{_YES}|no|sounds? {_DEGREE}(?:{_PRAISE}))\b")
_BEGINNING = re.compile(
    r"(?:oh |ah |well |so |and |um |uh )*(?:i|i'm|i've|it|it's|that|that's|this|you|you're|is|is that|is it|did|how|"
    r"of|got|makes|sounds|all|me|my|for|so|well|and|then|the|a|an|very|oh my|thank|what a|same|to|in|he|she|we|they|"
    r"i can|i know what|i see what|that makes|that sounds|you are|like)(?: (?:so|very|really|just|a))?"
)
"""Words that what was said so far may still become a backchannel with."""
_INTERRUPTS = frozenset(
    "no nope wait stop hold hang but actually sorry excuse pardon enough listen hey however cancel repeat quiet silence "
    "hello bye goodbye help please question what why where when who which again back slower louder faster next skip "
    "never not don't can could would one shush pause operator agent human more less continue start".split()
)
"""Reason to stop as soon as they are heard, outside of the phrases above."""
_OPENS_A_TURN = (
    lexicon.MODALS
    | lexicon.NEGATED
    | (lexicon.WH_WORDS - {"what", "how"})
    | frozenset(
        "do does are just let let's give tell take put make show read call send cancel change add remove play turn book "
        "find explain try look speak my your i'd i'll we're we've there's because if when".split()
    )
)
"""First words that no backchannel begins with and no noise is taken for."""
_MOST_WORDS = 12
"""Whoever says more, says something."""
_NOTATION = re.compile(r"[\[(*<][^\])*>]*[\])*>]|♪")
"""What recognisers write for noise: `[coughing]`, `(music)`."""
_LAUGHTER = re.compile(r"laugh|chuckl|giggl", re.IGNORECASE)


def overlap_words(text: str, agent_said: str = "") -> Heard:
    """`text`: what the caller said so far over the agent; `agent_said`: what was heard of the agent.

    `unclear` is a beginning, or one word that may be noise: decide when more words come. An assent
    right after the agent's question answers it, and is content.
    """
    heard = utterance(_NOTATION.sub(" ", text)).tokens
    tokens = [word for word, before in zip(heard, ("", *heard), strict=False) if word != before]
    if not tokens:
        return "backchannel" if _LAUGHTER.search(text) else "none"
    if len(tokens) > _MOST_WORDS:
        return "content"
    reached = _reached(tokens)
    if len(tokens) in reached:
        return "content" if _answers(" ".join(tokens), agent_said) else "backchannel"
    if any(_BEGINNING.fullmatch(" ".join(tokens[start:])) for start in reached):
        return "unclear"
    is_known = tokens[0] in _INTERRUPTS or tokens[0] in _OPENS_A_TURN
    return "content" if is_known or len(tokens) > 1 else "unclear"


def _reached(tokens: Sequence[str]) -> set[int]:
    """How many words, from the first on, backchannels in a row can take."""
    reached = {0}
    for start in range(len(tokens)):
        if start in reached:
            ends = range(start + 1, min(start + _LONGEST_UNIT, len(tokens)) + 1)
            reached |= {end for end in ends if _UNIT.fullmatch(" ".join(tokens[start:end]))}
    return reached


def _answers(said: str, agent_said: str) -> bool:
    return agent_said.rstrip(" \"'”’)").endswith("?") and bool(_ANSWER.search(said))
