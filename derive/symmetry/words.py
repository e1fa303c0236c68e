"""Words in named generators: reading them, printing them, evaluating them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from numbers import Integral
from typing import TypeVar

from derive.errors import GroupError, brief

Word = tuple[tuple[str, int], ...]
T = TypeVar("T")

_TOKEN = re.compile(r"\s*(?:(\d+)|([A-Za-z_]\w*)|(\*\*|[-^*()=]))")


def parse_word(text: str | Word, generators: Iterable[str], argument: str = "relations") -> Word:
    """Read a word such as ``"a^4"``, ``"a*b^-1"`` or ``"(a*b)^2"``; ``"a*b = b*a"`` means ``a*b*(b*a)^-1``.

    >>> parse_word("(a*b)^2", ("a", "b"))
    (('a', 1), ('b', 1), ('a', 1), ('b', 1))
    >>> parse_word("a*b = b*a", ("a", "b"))
    (('a', 1), ('b', 1), ('a', -1), ('b', -1))
    """
    names = tuple(generators)
    word = _Parser(text, argument).parse() if isinstance(text, str) else _letters(text, argument)
    for g, _ in word:
        if g not in names:
            raise GroupError(
                argument, f"may only use the generators {', '.join(names)}", g, "name one of them"
            )
    return reduce_word(word)


def _letters(value: object, argument: str) -> Word:
    """A word that was given as pairs (generator, exponent)."""
    pairs = tuple(value) if isinstance(value, list | tuple) else (value,)
    for pair in pairs:
        if not (
            isinstance(pair, list | tuple)
            and len(pair) == 2
            and isinstance(pair[0], str)
            and isinstance(pair[1], Integral)
        ):
            remedy = "write 'a*b^-1', or pairs (('a', 1), ('b', -1))"
            raise GroupError(argument, "must be words in the generators", brief(value), remedy)
    return tuple((g, int(e)) for g, e in pairs)


def reduce_word(word: Iterable[tuple[str, int]]) -> Word:
    """Merge neighbours: ``a^2 * a^-2`` is the empty word."""
    out: list[tuple[str, int]] = []
    for g, e in word:
        if out and out[-1][0] == g:
            e += out.pop()[1]
        if e:
            out.append((g, e))
    return tuple(out)


def invert_word(word: Word) -> Word:
    """The inverse word: letters reversed, exponents negated."""
    return tuple((g, -e) for g, e in reversed(word))


def substitute(word: Word, words: dict[str, Word]) -> Word:
    """The word with each letter replaced by a word."""
    letters: list[tuple[str, int]] = []
    for g, e in word:
        letters += (words[g] if e > 0 else invert_word(words[g])) * abs(e)
    return reduce_word(letters)


def format_word(word: Word) -> str:
    """Print a word; the empty one is ``1``.

    >>> format_word((("a", 1), ("b", -2)))
    'a*b^-2'
    """
    return "*".join(g if e == 1 else f"{g}^{e}" for g, e in word) or "1"


def evaluate_word(
    word: Word, images: dict[str, T], one: T, multiply: Callable[[T, T], T], invert: Callable[[T], T]
) -> T:
    """The product of the images of the letters, ``a*b`` meaning first b, then a, as for matrices."""
    value = one
    for g, e in word:
        value = multiply(value, power(images[g] if e > 0 else invert(images[g]), abs(e), one, multiply))
    return value


def power(base: T, exponent: int, one: T, multiply: Callable[[T, T], T]) -> T:
    """``base^exponent`` by repeated squaring, so that ``a^1000000`` is twenty products."""
    value = one
    while exponent:
        if exponent & 1:
            value = base if value is one else multiply(value, base)
        exponent >>= 1
        if exponent:
            base = multiply(base, base)
    return value


class _Parser:
    """Recursive descent over ``word = term (* term)*``, ``term = name or (word), then ^integer``."""

    def __init__(self, text: str, argument: str) -> None:
        self.text, self.argument, self.position = text, argument, 0
        self.tokens = self._tokens()

    def _fail(self) -> GroupError:
        return GroupError(
            self.argument,
            "must be words in the generators, such as 'a^4' or 'a*b*a^-1'",
            repr(self.text),
            "write products with *, powers with ^",
        )

    def _tokens(self) -> list[str]:
        tokens, at, text = [], 0, self.text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._fail()
            tokens.append(match.group(match.lastindex or 0).replace("**", "^"))
            at = match.end()
        return tokens

    def _peek(self) -> str | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def _next(self) -> str:
        token = self._peek()
        if token is None:
            raise self._fail()
        self.position += 1
        return token

    def parse(self) -> Word:
        word = self._word()
        if self._peek() == "=":
            self._next()
            word = word + invert_word(self._word())
        if self._peek() is not None:
            raise self._fail()
        return word

    def _word(self) -> Word:
        word = self._term()
        while self._peek() == "*":
            self._next()
            word = word + self._term()
        return word

    def _term(self) -> Word:
        token = self._next()
        if token == "(":
            base = self._word()
            if self._next() != ")":
                raise self._fail()
        elif token == "1":
            base = ()
        elif token[0].isalpha() or token[0] == "_":
            base = ((token, 1),)
        else:
            raise self._fail()
        return self._powered(base)

    def _powered(self, base: Word) -> Word:
        if self._peek() != "^":
            return base
        self._next()
        token = self._next()
        bracket = token == "("
        token = self._next() if bracket else token
        negative = token == "-"
        digits = self._next() if negative else token
        if not digits.isdigit() or (bracket and self._next() != ")"):
            raise self._fail()
        exponent = int(digits)
        if len(base) == 1:
            return ((base[0][0], (-1 if negative else 1) * base[0][1] * exponent),)
        return (invert_word(base) if negative else base) * exponent
