"""Reading what was typed, place by place, and saying where it cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

SHOWN = 60  # characters of what was typed that an error repeats
DIGITS = 7  # of a number: nothing larger is a size


class WordError(ValueError):
    """What was typed after an option breaks a rule, at a place.

    >>> print(WordError("--symmetry", "p4n", 0, "is no symmetry: 'p4n'", "try p4m"))
    --symmetry "p4n", column 1: is no symmetry: 'p4n'; try p4m
    """

    def __init__(self, option: str, text: str, at: int, rule: str, remedy: str) -> None:
        self.option, self.text, self.at, self.rule, self.remedy = option, text, at, rule, remedy
        shown = text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
        super().__init__(f'{option} "{shown}", column {at + 1}: {rule}; {remedy}')

    @property
    def caret(self) -> str:
        """What was typed, with a mark under the place."""
        start = max(0, self.at - SHOWN // 2)
        return f"    {self.text[start : start + SHOWN]}\n    {' ' * (self.at - start)}^"


@dataclass
class Scanner:
    """A text and the place up to which it has been read; blanks between words mean nothing."""

    option: str
    text: str
    at: int = 0

    def __post_init__(self) -> None:
        self._skip()

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    @property
    def done(self) -> bool:
        return self.at == len(self.text)

    def peek(self, pattern: str) -> re.Match[str] | None:
        """What comes next, if it looks like this; capitals and small letters are one."""
        return re.compile(pattern, re.IGNORECASE).match(self.text, self.at)

    def take(self, pattern: str) -> re.Match[str] | None:
        """The same, and go on behind it."""
        found = self.peek(pattern)
        if found:
            self.at = found.end()
            self._skip()
        return found

    def word(self, word: str) -> bool:
        """Whether this whole word comes next; it is read."""
        return self.take(rf"(?:{word})(?!\w)") is not None

    def expect(self, pattern: str, what: str, remedy: str) -> re.Match[str]:
        found = self.take(pattern)
        if not found:
            raise self.fail(f"expected {what}, found {self.rest()}", remedy)
        return found

    def number(self, what: str, remedy: str) -> int:
        at = self.at
        digits = self.expect(r"\d+", what, remedy)[0]
        if len(digits) > DIGITS:
            raise self.fail(f"{what} of {len(digits)} digits is too large", remedy, at)
        return int(digits)

    def finish(self, remedy: str) -> None:
        """Nothing may follow."""
        if not self.done:
            raise self.fail(f"cannot read {self.rest()}", remedy)

    def rest(self) -> str:
        """The next word, as errors quote it."""
        found = self.peek(r"\w+|\S")
        return repr(found[0]) if found else "the end"

    def fail(self, rule: str, remedy: str, at: int | None = None) -> WordError:
        return WordError(self.option, self.text, self.at if at is None else at, rule, remedy)


def nearest(word: str, names: Iterable[str]) -> str:
    """The names most like a word, or nothing.

    >>> nearest("p4n", ["p4m", "S5", "translations"])
    'p4m'
    """
    known = {name.lower(): name for name in names}
    return ", ".join(known[name] for name in get_close_matches(word.lower(), known, n=3, cutoff=0.55))


def suggestion(word: str, names: Iterable[str], others: str) -> str:
    """What to type instead."""
    near = nearest(word, names)
    return f"the nearest names are {near}" if near else others
