"""What is left of numbers: fractions, ordinals, ranges, Roman numerals, plain digits."""

from __future__ import annotations

import re

from .number_words import cardinal, decimal, digits, ordinal, plural
from .rules import NUMBER, START, Rule, rule

_VULGAR = {
    "½": (1, 2),
    "⅓": (1, 3),
    "⅔": (2, 3),
    "¼": (1, 4),
    "¾": (3, 4),
    "⅛": (1, 8),
    "⅜": (3, 8),
}
_DENOMINATORS = {2: ("half", "halves"), 4: ("quarter", "quarters")}
_MAX_DENOMINATOR = 20
_LONGEST_CARDINAL_DIGITS = 9

_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10}
_ROMAN = r"(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})\b"
_NOT_THE_SPEAKER = r"(?!I\b(?!$|[.,;:!?)]))"
"""“Part I.”, but “the part I like”."""

_NUMBERED = (
    "[Cc]hapter|[Pp]art|[Vv]olume|[Aa]ct|[Ss]cene|[Ss]ection|[Aa]rticle|[Tt]ype|[Pp]hase|[Bb]ook"
    "|[Ll]evel|[Cc]lass|[Ss]tage|[Gg]rade|[Ee]pisode|Final Fantasy|Rocky|Super Bowl|Title|Mark"
)
_REGNAL = (
    "Henry|Louis|Elizabeth|Charles|George|Edward|William|James|Richard|Paul|Benedict|Napoleon|Philip"
    "|Frederick|Catherine|Peter|Nicholas|Alexander|Pius|Leo|Gregory|Francis|Ferdinand|Mary|Ramses"
    "|Rameses|Christian|Gustav|Ivan|Juan Carlos|Felipe|Urban|Innocent|Clement|John|Harald|Olaf"
)


def _fraction(above: int, below: int) -> str:
    one, many = _DENOMINATORS.get(below, (ordinal(below), plural(ordinal(below))))
    return f"{cardinal(above)} {one if above == 1 else many}"


def _mixed(match: re.Match[str]) -> str:
    above, below = int(match["above"]), int(match["below"])
    if not 2 <= below <= _MAX_DENOMINATOR or above >= below:
        return f"{match['whole'] or ''}{cardinal(above)} over {cardinal(below)}"
    whole = match["whole"]
    if not whole:
        return _fraction(above, below)
    part = _fraction(above, below)
    return f"{cardinal(int(whole))} and {f'a {part[4:]}' if above == 1 else part}"


def _vulgar(match: re.Match[str]) -> str:
    part = _fraction(*_VULGAR[match["sign"]])
    if not match["whole"]:
        return part
    return f"{cardinal(int(match['whole']))} and {part.replace('one ', 'a ', 1)}"


def _range(match: re.Match[str]) -> str:
    return f"{decimal(match['first'])} to {decimal(match['last'])}"


def _roman(text: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in text]
    after = [*values[1:], 0]
    return sum(-v if v < n else v for v, n in zip(values, after, strict=True))


def _plain(match: re.Match[str]) -> str:
    text = match[0]
    if text.isdigit() and len(text) > _LONGEST_CARDINAL_DIGITS:
        return digits(text)
    return decimal(text)


RULES: tuple[Rule, ...] = (
    rule(
        rf"\b(World War|(?:{_NUMBERED})(?= {_NOT_THE_SPEAKER})) ({_ROMAN})(?![.'’]?\w)",
        lambda match: f"{match[1]} {cardinal(_roman(match[2]))}",
    ),
    rule(
        rf"\b({_REGNAL}) ((?!I\b){_ROMAN})(?!\w|\.? [A-Z])",
        lambda match: f"{match[1]} the {ordinal(_roman(match[2]))}",
    ),
    rule(
        r"\b((?:King|Queen|Pope|Emperor|Tsar) \w+) (I)(?=$|[.,;:!?)]|\s[a-z])",
        lambda match: f"{match[1]} the first",
    ),
    rule(r"\b24/7\b", "twenty-four seven"),
    rule(rf"(?:(?P<whole>\b\d+)\s?)?(?P<sign>[{''.join(_VULGAR)}])", _vulgar),
    rule(
        rf"{START}(?:(?P<whole>\d+)\s)?(?P<above>\d{{1,3}})[/⁄](?P<below>\d{{1,3}})(?![\w/]|[.,]\d)",
        _mixed,
    ),
    rule(r"(?<![\w.])(\d+)(?i:st|nd|rd|th)\b", lambda match: ordinal(int(match[1]))),
    rule(rf"{START}(?P<first>{NUMBER})\s?[-–—]\s?(?P<last>{NUMBER})(?![\w/-]|[.,]\d)", _range),
    rule(rf"{START}(\d+):(\d+)\b", lambda m: f"{decimal(m[1])} to {decimal(m[2])}"),
    rule(r"(?<![\w)])[-−](?=\d)", "minus "),
    rule(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " "),
    rule(r"(?<![\d.])\.(?=\d)", " point "),
    rule(NUMBER, _plain),
)
