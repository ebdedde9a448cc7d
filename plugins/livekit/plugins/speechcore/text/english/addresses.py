"""Web and mail addresses, file names, telephone numbers and codes."""

from __future__ import annotations

import re

from .number_words import digits
from .rules import Rule, rule, spelled

_ENDINGS = (
    "com|org|net|edu|gov|mil|int|info|biz|io|ai|dev|app|co|me|tv|eu|uk|us|de|fr|es|it|nl|ch|at"
    "|ca|au|in|jp|cn|br|nz|ie|xyz|cloud|live|tech|online|site|store|shop|local"
)
_SAID_ENDINGS = frozenset(
    "com org net edu gov mil info biz app co me dev cloud live tech online site store shop local".split()
)
_HOST = rf"(?:[a-z\d-]+\.)+(?:{_ENDINGS})\b"
_SYMBOLS = {
    ".": "dot",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    "+": "plus",
    "~": "tilde",
    "%": "percent",
    "=": "equals",
    ":": "colon",
    "@": "at",
}
_SAID_EXTENSIONS = frozenset("doc zip bin bat log text java swift rust".split())
_CODE_BEFORE = (
    r"(?:code|pin|passcode|password|zip|account|order|ticket|confirmation|reference|booking|id"
    r"|serial|tracking|phone|telephone|extension|case|invoice|ending in|dial)"
    r"(?:\s+(?:number|code))?(?:\s+is)?:?\s+#?"
)


def _read(text: str) -> str:
    """Each symbol and each digit in words."""
    words = re.sub(r"\d+", lambda match: f" {digits(match[0])} ", text)
    for symbol, word in _SYMBOLS.items():
        words = words.replace(symbol, f" {word} ")
    return " ".join(words.split())


def _read_host(host: str) -> str:
    name, dot, ending = host.rpartition(".")
    if dot and ending.isalpha() and ending.lower() not in _SAID_ENDINGS:
        return f"{_read(name)} dot {spelled(ending)}"
    return _read(host)


def _web(match: re.Match[str]) -> str:
    address = match[0].rstrip(".,;:!?)]}'\"")
    rest = match[0][len(address) :]
    bare = re.sub(r"^(?:https?://|ftp://)?(?:www\.)?", "", address, flags=re.IGNORECASE)
    place, slash, path = re.split(r"[?#]", bare)[0].rstrip("/").partition("/")
    host, colon, port = place.partition(":")
    spoken = _read_host(host) + (f" port {digits(port)}" if colon else "")
    return spoken + (f" slash {_read(path)}" if slash else "") + rest


def _mail(match: re.Match[str]) -> str:
    user, _, host = match[0].partition("@")
    return f"{_read(user)} at {_read_host(host)}"


def _file(match: re.Match[str]) -> str:
    extension = match[2]
    is_said = extension.lower() in _SAID_EXTENSIONS
    return f"{match[1]} dot {extension if is_said else spelled(extension)}"


def _telephone(match: re.Match[str]) -> str:
    """Digit by digit, with a pause between the groups."""
    groups = [digits(group) for group in re.findall(r"\d+", match[0])]
    return ("plus " if match[0].startswith("+") else "") + ", ".join(groups)


def _called(match: re.Match[str]) -> str:
    return match[1] + digits(match[2])


def _dotted(match: re.Match[str]) -> str:
    return re.sub(r"\.", " dot ", match[0])


RULES: tuple[Rule, ...] = (
    rule(r"\b[\w.+-]+@(?:[a-z\d-]+\.)+[a-z]{2,}\b", _mail, flags=re.IGNORECASE),
    rule(r"\b(?:https?|ftp)://[^\s<>\"“”]+", _web, flags=re.IGNORECASE),
    rule(rf"(?<![\w@.])(?:www\.)?{_HOST}(?::\d+)?(?:/[^\s<>\"“”]*)?", _web, flags=re.IGNORECASE),
    rule(r"\blocalhost:\d{2,5}(?:/[^\s<>\"“”]*)?", _web),
    rule(r"\b([A-Za-z][\w-]*)\.([a-z][a-z\d]{1,3})\b(?![.\w])", _file),
    rule(
        r"(?<![\w.,/-])(?:\+\d{1,3}[\s.-]?)?(?:\(\d{2,4}\)[\s.-]?|\d{2,4}[\s.-])"
        r"\d{2,4}[\s.-]\d{3,4}(?:[\s.-]\d{2,4})?(?![\w/]|[.,]\d)",
        _telephone,
    ),
    rule(r"(?<![\w.,/-])\+\d{7,15}\b", _telephone),
    rule(r"(?<![\w.,/-])\d{3}-\d{4}(?![\w/-])", _telephone),
    rule(
        rf"\b({_CODE_BEFORE})(\d{{3,}})\b(?![.,]\d|[:%])",
        lambda match: f"{match[1].rstrip('#')}{digits(match[2])}",
        flags=re.IGNORECASE,
    ),
    rule(r"\b((?i:call|dial|text)\s)(\d{3,})\b(?![.,]\d|[:%]|\s[a-z]+s\b|\speople)", _called),
    rule(r"(?<![\w.,])v?\d+(?:\.\d+){2,}(?![\w.]*\d)", _dotted),  # a version, an IP address
)
