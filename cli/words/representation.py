"""Words for what a symmetry does to channels: "3 trivial", "2 trivial + sign", "V^2", "quotient r^2"."""

from __future__ import annotations

import re
from collections.abc import Callable

from cli.words.said import Said, add, call, copies, multiply, power
from cli.words.scanner import Scanner, suggestion
from derive.errors import DeriveError
from derive.symmetry.group import Group

NAMED = {
    "trivial": "trivial",
    "scalar": "trivial",
    "scalars": "trivial",
    "sign": "sign",
    "pseudoscalar": "sign",
    "det": "determinant",
    "determinant": "determinant",
    "V": "defining",
    "defining": "defining",
    "vector": "defining",
    "vectors": "defining",
    "P": "permutation",
    "permutation": "permutation",
    "points": "permutation",
    "regular": "regular",
}
HIGHEST = 64  # power of a representation
EXAMPLES = "write '3 trivial', '16 regular', 'V^2', '2 trivial + sign', 'irreps[3]' or 'quotient r^2'"
WORD = r"[^\W\d]\w*'?"
TIMES = r"[*⊗×]|x(?!\w)"


def representation(text: str, group: Said, option: str) -> Said:
    """Read a representation of a group; its code uses the code of the group.

    >>> from cli.words.said import call
    >>> representation("2 trivial + sign", call("cyclic", 4), "--in").code
    '2 * dv.trivial(dv.cyclic(4)) + dv.sign(dv.cyclic(4))'
    """
    reader = _Reader(Scanner(option, text), group)
    if reader.s.done:
        raise reader.s.fail("is empty", EXAMPLES)
    found = reader.sum()
    reader.s.finish(EXAMPLES)
    return found


def plain_channels(text: str) -> int | str | None:
    """The number or name of channels, where all of them are trivial: 3, C, 3 trivial, C trivial."""
    found = re.fullmatch(
        r"\s*(?:(\d{1,7})|(?!V|P)([^\W\d]\w*?))?\s*(trivial|scalars?)?\s*", text, re.IGNORECASE
    )
    if not found or not any(found.groups()):
        return None
    number, name, word = found.groups()
    if name and (_is_known(name) or (len(name) > 1 and not word)):
        return None
    return name or int(number or 1)


class _Reader:
    """Recursive descent: a sum of products of powers of words."""

    def __init__(self, scanner: Scanner, group: Said) -> None:
        self.s, self.group = scanner, group

    def sum(self) -> Said:
        found = self.product()
        while self.s.take(r"[+⊕]"):
            found = add(found, self.product())
        return found

    def product(self) -> Said:
        at = self.s.at
        n = self._copies()
        if n is not None and (self.s.done or self.s.peek(r"[+⊕),]")):
            return self._made(at, lambda: copies(n, call("trivial", self.group)))
        found = self.power()
        while self.s.take(TIMES):
            found = multiply(found, self.power())
        return found if n is None else self._made(at, lambda: copies(n, found))

    def _copies(self) -> int | str | None:
        """A number or a name before a word: 3, C; a single capital by itself is a number of channels."""
        at = self.s.at
        if self.s.peek(r"\d"):
            n = self.s.number("a number of copies", EXAMPLES)
            if not n:
                raise self.s.fail("must be 1 or more", EXAMPLES, at)
            self.s.take(TIMES)
            return n
        found = self.s.peek(WORD)
        if not found or _is_known(found[0]) or found[0] in self._irreps():
            return None
        self.s.take(WORD)
        follows = self.s.peek(WORD)
        alone = len(found[0]) == 1 and (self.s.done or self.s.peek(r"[+⊕),]"))
        if alone or (follows and _is_known(follows[0])):
            return found[0]
        self.s.at = at
        return None

    def power(self) -> Said:
        at = self.s.at
        found = self.atom()
        while self.s.take(r"\^|\*\*"):
            here = self.s.at
            k = self.s.number("a power", "write V^2")
            if k > HIGHEST:
                raise self.s.fail(f"a power above {HIGHEST} is too large", "write V^2", here)
            base = found
            found = self._made(at, lambda base=base, k=k: power(base, k))  # type: ignore[misc]
        return found

    def atom(self) -> Said:
        at = self.s.at
        if self.s.take(r"\("):
            inner = self.sum()
            self.s.expect(r"\)", "')'", "close the parenthesis")
            return Said(inner.value, f"({inner.code})" if inner.loose or " * " in inner.code else inner.code)
        word = self.s.expect(WORD, "a representation", EXAMPLES)[0]
        lower = word.lower()
        if lower in SHAPED:
            return SHAPED[lower](self, at)
        if lower in _LOWER:
            return self._made(at, lambda: call(_LOWER[lower], self.group))
        if word in self._irreps():
            return self._irrep_at(at, self._irreps().index(word))
        known = [*NAMED, *SHAPED]
        raise self.s.fail(f"no representation is called {word!r}", suggestion(word, known, EXAMPLES), at)

    # ---- words with something behind them ---------------------------------------------------------------

    def _quotient(self, at: int) -> Said:
        """Functions on the cosets of the subgroup that words generate: quotient r^2, m."""
        closed = self.s.take(r"\(")
        words = [self._group_word()]
        while self.s.take(","):
            words.append(self._group_word())
        if closed:
            self.s.expect(r"\)", "')'", "close the parenthesis")
        group: Group = self.group.value

        def make() -> Said:
            code = f"{self.group.code}.subgroup([{', '.join(repr(w) for w in words)}])".replace("'", '"')
            return call("quotient", self.group, Said(group.subgroup(words), code))

        return self._made(at, make)

    def _group_word(self) -> str:
        """A product of powers of generators: r^2, r*m, c^-1."""
        remedy = f"write generators of {self.group.value.name}: {', '.join(self.group.value.generators)}"
        step = r"[^\W\d]\w*(?:\s*\^\s*-?\d{1,4})?"
        return self.s.expect(rf"{step}(?:\s*\*\s*{step})*", "a word in the generators", remedy)[0]

    def _irrep(self, at: int) -> Said:
        remedy = "write irreps[0] for the first"
        bracket = self.s.expect(r"[\[(]", "'['", remedy)[0]
        k = self.s.number("the number of an irrep", remedy)
        self.s.expect(r"\]" if bracket == "[" else r"\)", "the closing bracket", remedy)
        return self._irrep_at(at, k)

    def _irrep_at(self, at: int, k: int) -> Said:
        group: Group = self.group.value
        named = {"max_frequency": max(k, 1)} if group.algebra else {}

        def make() -> Said:
            found = call("irreps", self.group, **named)
            if k >= len(found.value):
                many = f"has irreps[0] to irreps[{len(found.value) - 1}]"
                raise self.s.fail(f"there is no irreps[{k}]", f"{group.name} {many}", at)
            return Said(found.value[k], f"{found.code}[{k}]")

        return self._made(at, make)

    def _irreps(self) -> tuple[str, ...]:
        """The names of the irreps, such as f1, where the group has a list of them."""
        group: Group = self.group.value
        if group.algebra or not re.search(r"(?<!\w)f\d", self.s.text):
            return ()
        try:
            return tuple(V.name for V in call("irreps", self.group).value)
        except DeriveError:
            return ()

    def _sym(self, at: int) -> Said:
        return self._shaped(at, "sym")

    def _alt(self, at: int) -> Said:
        return self._shaped(at, "alt")

    def _shaped(self, at: int, name: str) -> Said:
        """sym(V, 2), alt(V, 2)."""
        remedy = f"write {name}(V, 2)"
        self.s.expect(r"\(", "'('", remedy)
        inner = self.sum()
        self.s.expect(",", "','", remedy)
        k = self.s.number("a power", remedy)
        self.s.expect(r"\)", "')'", remedy)
        return self._made(at, lambda: call(name, inner, k))

    def _dual(self, at: int) -> Said:
        self.s.expect(r"\(", "'('", "write dual(V)")
        inner = self.sum()
        self.s.expect(r"\)", "')'", "write dual(V)")
        return Said(inner.value.dual, f"({inner.code}).dual" if inner.loose else f"{inner.code}.dual")

    def _outer(self, at: int) -> Said:
        """outer(V, P): of a product, one representation of each factor."""
        parts = self.group.parts
        remedy = f"write outer({', '.join(['V'] * max(len(parts), 2))})"
        if not parts:
            raise self.s.fail(f"{self.group.value.name} is no product", "leave 'outer' out", at)
        self.s.expect(r"\(", "'('", remedy)
        found = _Reader(self.s, parts[0]).sum()
        for part in parts[1:]:
            self.s.expect(",", f"one representation for each of {len(parts)} factors", remedy)
            found = call("outer", found, _Reader(self.s, part).sum())
        self.s.expect(r"\)", "')'", remedy)
        return found

    def _made(self, at: int, make: Callable[[], Said]) -> Said:
        """What the library makes of it, or its complaint with the place."""
        try:
            return make()
        except DeriveError as error:
            name = self.group.value.name
            remedy = f"{name} has {', '.join(words_of(self.group.value))}"
            raise self.s.fail(f"{error.argument} {error.rule}, got {error.value}", remedy, at) from error


_LOWER = {word.lower(): name for word, name in NAMED.items()}
SHAPED: dict[str, Callable[[_Reader, int], Said]] = {
    "quotient": _Reader._quotient,
    "irreps": _Reader._irrep,
    "irrep": _Reader._irrep,
    "sym": _Reader._sym,
    "alt": _Reader._alt,
    "dual": _Reader._dual,
    "outer": _Reader._outer,
}


def _is_known(word: str) -> bool:
    return word.lower() in _LOWER or word.lower() in SHAPED


def words_of(group: Group) -> tuple[str, ...]:
    """The representations that a group has a word for."""
    words = ["trivial"]
    words += ["V", "sign"] if group.given is not None else []
    words += ["P"] if group.given_by == "permutations" and group.given else []
    words += [] if group.algebra else ["regular", "quotient <words>"]
    try:
        call("irreps", group, **({"max_frequency": 1} if group.algebra else {}))
        words += ["irreps[k]"]
    except DeriveError:
        pass
    return tuple(words)
