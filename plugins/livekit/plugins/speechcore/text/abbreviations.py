"""English abbreviations: how they are read, and whether a sentence may end with one."""

from __future__ import annotations

import re
from typing import Literal

Ending = Literal["always", "never", "before_starter", "unless_number"]
"""When the full stop of a word ends the sentence: by itself, or by what follows it."""

TITLES = {
    "capt": "captain",
    "col": "colonel",
    "dr": "doctor",
    "gen": "general",
    "gov": "governor",
    "hon": "honorable",
    "lt": "lieutenant",
    "messrs": "messieurs",
    "mr": "mister",
    "mrs": "missus",
    "ms": "miz",
    "mt": "mount",
    "prof": "professor",
    "rep": "representative",
    "rev": "reverend",
    "sen": "senator",
    "sgt": "sergeant",
}
"""Read so before a name; a sentence never ends with one."""

PHRASES = {
    "e.g": "for example",
    "i.e": "that is",
    "viz": "namely",
    "cf": "compare",
    "vs": "versus",
    "approx": "approximately",
    "incl": "including",
    "excl": "excluding",
    "esp": "especially",
    "tel": "telephone",
}
"""Always lead on to something."""

CLOSERS = {
    "etc": "et cetera",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
    "co": "company",
    "jr": "junior",
    "sr": "senior",
    "dept": "department",
    "est": "established",
    "min": "minutes",
    "max": "maximum",
    "hr": "hour",
    "hrs": "hours",
    "ave": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "ln": "lane",
    "apt": "apartment",
    "ext": "extension",
}
"""May end a sentence; the next word tells."""

BEFORE_NUMBERS = {
    "no": "number",
    "nos": "numbers",
    "fig": "figure",
    "figs": "figures",
    "vol": "volume",
    "ch": "chapter",
    "sec": "section",
    "art": "article",
    "p": "page",
    "pp": "pages",
    "ca": "about",
    "jan": "January",
    "feb": "February",
    "mar": "March",
    "apr": "April",
    "jun": "June",
    "jul": "July",
    "aug": "August",
    "sep": "September",
    "sept": "September",
    "oct": "October",
    "nov": "November",
    "dec": "December",
}
"""Abbreviations only where a number follows: "no. 5", but "the answer is no."."""


STARTERS = (
    "A|After|All|Also|An|And|Any|Are|As|At|Because|Before|But|By|Can|Could|Did|Do|Does|For|From|Have"
    "|He|Her|Here|His|How|However|I|If|In|Is|It|Its|Just|Let|Maybe|My|No|Not|Now|On|Once|One|Or|Our"
    "|Please|Shall|She|Should|So|Some|Than|That|The|Their|Then|There|These|They|This|Those|To|Until"
    "|Was|We|Well|Were|What|When|Where|Which|While|Who|Why|Will|With|Would|Yes|You|Your"
)
"""After an abbreviation they begin a sentence: “the U.S. It is”, but “the U.S. Army”."""

_STARTER = re.compile(rf"(?:{STARTERS})\b")


def begins_sentence(text: str) -> bool:
    """Whether what follows an abbreviation is a sentence of its own."""
    return not text or _STARTER.match(text) is not None


def sentence_ending(word: str) -> Ending:
    """`word` as it stands before its full stop, without it: "Dr", "p.m", "home"."""
    lower = word.lower()
    if lower in TITLES or lower in PHRASES or lower == "st":
        return "never"
    if len(word) == 1 and word.isalpha() and word.isupper() and word != "I":
        return "never"  # an initial
    if lower in BEFORE_NUMBERS:
        return "unless_number"
    if lower in CLOSERS or _is_dotted(word):
        return "before_starter"
    return "always"


def _is_dotted(word: str) -> bool:
    letters = word.split(".")
    return len(letters) > 1 and all(len(letter) == 1 and letter.isalpha() for letter in letters)
