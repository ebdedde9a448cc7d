"""Numbers in words, as they are said in American English."""

from __future__ import annotations

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_LARGEST = 10**15
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def cardinal(number: int) -> str:
    """“one hundred five”; digit by digit from a thousand trillion on."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number >= _LARGEST:
        return digits(str(number))
    words: list[str] = []
    for scale, name in _SCALES:
        if number >= scale:
            words += [_below_thousand(number // scale), name]
            number %= scale
    if number or not words:
        words.append(_below_thousand(number))
    return " ".join(words)


def ordinal(number: int) -> str:
    """“twenty-first”."""
    words = cardinal(number)
    head, separator, last = words.rpartition("-") if "-" in words.split()[-1] else ("", "", "")
    if not last:
        head, separator, last = words.rpartition(" ")
    if last in _ORDINALS:
        return head + separator + _ORDINALS[last]
    return f"{words[:-1]}ieth" if words.endswith("y") else f"{words}th"


def digits(text: str) -> str:
    """“four one five”; whatever is not a digit is left out."""
    return " ".join(_ONES[int(character)] for character in text if character.isdecimal())


def decimal(text: str) -> str:
    """A number as written: "1,234.50", "007", "12"."""
    whole, point, fraction = text.replace(",", "").partition(".")
    if len(whole) > 1 and whole.startswith("0"):
        spoken = digits(whole)
    else:
        spoken = cardinal(int(whole or "0"))
    return f"{spoken} point {digits(fraction)}" if point and fraction else spoken


def year(number: int) -> str:
    """“nineteen oh five”, “two thousand eight”, “twenty twenty-four”."""
    century, rest = divmod(number, 100)
    if not 1100 <= number <= 2999 or number % 1000 < 10:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def plural(word: str) -> str:
    """Of a number word: “nineties”, “sixes”, “hundreds”."""
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("x", "s")) else f"{word}s"


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        tens, ones = divmod(rest, 10)
        words.append(f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens])
    elif rest or not words:
        words.append(_ONES[rest])
    return " ".join(words)
