"""Words into questions: known counts, code that asks the same, and errors that name the place."""

from __future__ import annotations

import random
from contextlib import suppress
from fractions import Fraction
from typing import Any

import pytest
import sympy

import derive as dv
from cli.question import Asked, ask
from cli.words.catalogue import FAMILIES, known_words
from cli.words.representation import representation
from cli.words.said import call
from cli.words.scanner import WordError, nearest
from cli.words.sizes import kernel, lattice
from cli.words.symmetry import symmetry
from tests.cli.questions import KNOWN

every_question = pytest.mark.parametrize(
    ("asked", "dim"), KNOWN, ids=lambda v: v.line() if isinstance(v, Asked) else ""
)


@every_question
def test_known_counts(asked: Asked, dim: Any) -> None:
    found = ask(asked).solution.dim
    if dim == "oo":
        assert found is sympy.oo
    else:
        assert sympy.expand(sympy.sympify(str(found)) - sympy.sympify(dim)) == 0


@every_question
def test_the_code_asks_the_same(asked: Asked, dim: Any) -> None:
    question = ask(asked)
    names: dict[str, Any] = {"dv": dv}
    exec("\n".join(question.code), names)
    assert names["solution"].problem == question.solution.problem
    assert (names["x"], names["y"]) == (question.x, question.y)


def test_every_example_of_the_list_is_read() -> None:
    words = list(known_words())
    assert len(words) > 45
    for word in words:
        assert symmetry(word).group.value is not None


ORDERS = {"S5": 120, "A4": 12, "Z12": 12, "D_5": 10, "B3": 48}
DIMENSIONS = {"SO(3)": 3, "O(2)": 2, "SL(2)": 2, "GL(2)": 2, "Sp(4)": 4}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.example)
def test_every_family_is_of_its_number(family: Any) -> None:
    group = symmetry(family.example).group.value
    if family.example in ORDERS:
        assert group.order == ORDERS[family.example]
    else:
        assert group.dim == DIMENSIONS[family.example]


ERRORS = (
    # option, words, column, what the message says
    ("symmetry", "p4n", 1, "no symmetry is called 'p4n'; the nearest names are p4, p4m, p4g"),
    ("symmetry", "lorenz", 1, "the nearest names are Lorentz"),
    ("symmetry", "qqqqqq", 1, "'derive list' shows all of them"),
    ("symmetry", "", 1, "is empty"),
    ("symmetry", "S5 x", 5, "expected the name of a symmetry, found the end"),
    ("symmetry", "S5 x p4m", 6, "p4m moves a lattice"),
    ("symmetry", "p4m, 3", 4, "cannot read ','"),
    ("symmetry", "p4m in 3-D", 1, "p4m lives in the plane; leave '3-D' out"),
    ("symmetry", "O in 2-D", 1, "no point group O acts in 2-D; O acts in 3-D"),
    ("symmetry", "O in space", 6, "expected a number of axes, found 'space'"),
    ("symmetry", "S5 on 8x8", 1, "S5 moves no lattice"),
    ("symmetry", "S5 in 2-D", 1, "S5 acts on no lattice"),
    ("symmetry", "Sp(3)", 1, "Sp(3) must act on an even number of dimensions; write Sp(4)"),
    ("symmetry", "S99999999999", 1, "too large"),
    ("symmetry", "S0", 1, "must be a positive integer"),
    ("symmetry", "p4m on periodic 8y8", 18, "cannot read 'y8'"),
    ("symmetry", "p4m on 8x8", 1, "translations leave a grid without a border"),
    ("symmetry", "translations by (1, 0, 2)", 1, "one period per axis, got 3 for 2 axes"),
    ("symmetry", "p4m by x", 8, "expected a period"),
    ("into", "3 trivail", 3, "no representation is called 'trivail'; the nearest names are trivial"),
    ("into", "P", 1, "D4 has trivial, V, sign, regular, quotient <words>, irreps[k]"),
    ("into", "irreps[9]", 1, "D4 has irreps[0] to irreps[4]"),
    ("into", "irreps", 7, "expected '['"),
    ("into", "quotient q", 1, "word may only use the generators r, m"),
    ("into", "quotient", 9, "write generators of D4: r, m"),
    ("into", "2 (V", 5, "expected ')', found the end"),
    ("into", "V^", 3, "expected a power, found the end"),
    ("into", "V^65", 3, "too large"),
    ("into", "0 V", 1, "must be 1 or more"),
    ("into", "V V", 3, "cannot read 'V'"),
    ("into", "sym(V)", 6, "expected ','"),
    ("into", "outer(V, V)", 1, "is no product"),
    ("into", "  ", 3, "is empty"),
    ("kernel", "hexgon 2", 1, "cannot read 'hexgon'; the nearest names are hexagon"),
    ("kernel", "3x3x3", 1, "one size per axis, got 3 for 2 axes"),
    ("kernel", "0", 1, "must be 1 or more"),
    ("kernel", "", 1, "is empty"),
    ("kernel", "ball 1/0", 8, "divided by 0"),
    ("kernel", "hexagon r", 9, "expected a radius"),
    ("stride", "0", 1, "must be 1 or more"),
    ("stride", "2x2x2", 1, "one step per axis, got 3 for 2 axes"),
    ("dilation", "2", 1, "needs a kernel"),
    ("lattice", "8x8", 1, "translations leave a grid without a border"),
    ("lattice", "periodic", 9, "expected a size, found the end"),
    ("lattice", "perodic 8", 1, "the nearest names are periodic"),
    ("lattice", "periodic hxw", 10, "cannot read 'hxw'"),
    ("lattice", "hexagonal", 1, "p4m is stored on the square lattice"),
    ("sizes", ("Q=3",), 1, "'Q' is no name in this question"),
    ("sizes", ("C3",), 3, "expected '='"),
)


@pytest.mark.parametrize(("option", "words", "column", "said"), ERRORS)
def test_errors_name_the_place(option: str, words: Any, column: int, said: str) -> None:
    with pytest.raises(WordError) as caught:
        ask(Asked(**{"symmetry": "p4m", option: words}))
    error = caught.value
    assert said in str(error)
    assert f"column {column}:" in str(error)
    assert "\n" not in str(error)
    text, mark = error.caret.splitlines()
    assert mark.index("^") - 4 == column - 1
    assert text.strip() in error.text


@pytest.mark.parametrize(
    "given",
    [
        {"symmetry": "p4m", "kernel": "5x3"},
        {"symmetry": "p4m", "kernel": "hexagon 1"},
        {"symmetry": "p4m", "lattice": "periodic 8x6"},
        {"symmetry": "D4 on 8x6"},
        {"symmetry": "p4m by 3", "stride": "2", "kernel": "3"},
        {"symmetry": "translations", "into": "E trivial"},
    ],
    ids=str,
)
def test_what_a_lattice_cannot_carry_is_refused_in_one_line(given: dict[str, str]) -> None:
    with pytest.raises(dv.DeriveError) as caught:
        ask(Asked(**given))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["kernel", "lattice", "stride", "dilation", "upsample", "border"])
def test_a_group_without_lattice_takes_no_lattice_options(option: str) -> None:
    with pytest.raises(WordError, match=f"--{option} .* needs a lattice, and S5 moves none; leave it out"):
        ask(Asked("S5", **{option: "2"}))


def test_steps_are_those_of_the_fields() -> None:
    strided = ask(Asked("translations in 1-D", kernel="3", stride="2", lattice="periodic 12"))
    transposed = ask(Asked("translations in 1-D", kernel="3", upsample="2", lattice="periodic 12"))
    for question, spacing, sites in ((strided, (1, 2), (12, 6)), (transposed, (2, 1), (12, 24))):
        sides = question.x.lattice, question.y.lattice
        assert tuple(side.spacing[0] for side in sides) == spacing
        assert tuple(side.grid[0] for side in sides) == sites
    assert (strided.solution.bias_dim, transposed.solution.bias_dim) == (1, 2)


def test_an_even_kernel_under_a_stride_moves_the_centre_and_keeps_the_glides() -> None:
    group = ask(Asked("p4g", kernel="2", stride="2")).x.group
    assert (group.period, group.centre, dict(group.glide)) == ((4, 4), (Fraction(1, 2),) * 2, {"m": (2, 2)})
    assert group.point == dv.wallpaper("p4g").point


def test_a_stride_must_divide_a_lattice() -> None:
    with pytest.raises(WordError, match="9 sites cannot be divided by the stride 2; use 8 or 10"):
        ask(Asked("p4m", lattice="periodic 9x9", stride="2"))
    with pytest.raises(WordError, match="H must be a number where steps differ"):
        ask(Asked("translations", lattice="periodic HxW", stride="2"))


def test_nearest_names() -> None:
    assert nearest("Trivail", ["trivial", "sign"]) == "trivial"
    assert nearest("zzz", ["trivial", "sign"]) == ""


def mangled(word: str, seed: int) -> str:
    """A word with a few characters changed, lost or doubled."""
    dice = random.Random(seed)
    letters = list(word)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(letters) + 1)
        letters[at : at + dice.randint(0, 2)] = dice.choice(
            ["", " ", "(", ")", "^", "x", "2", "+", "é", "[", ",", "=", "V"]
        )
    return "".join(letters)


@pytest.mark.parametrize("seed", range(300))
def test_whatever_is_typed_is_read_or_refused(seed: int) -> None:
    """Nothing but the errors of the words and of the library, and no number runs away."""
    group = call("point_group", "D4", dim=2)
    readers: tuple[tuple[Any, str], ...] = (
        (symmetry, "translations in 2-D by (1, 0)"),
        (symmetry, "S3 x SO(3) x dihedral 5"),
        (symmetry, "D4 on periodic 8x8"),
        (lambda text: representation(text, group, "--in"), "2 trivial + (V * sign)^2 + irreps[3]"),
        (lambda text: representation(text, group, "--in"), "quotient(r^2, m) + sym(V, 2) + dual(V)"),
        (lambda text: kernel(text, 2, None), "hexagon 2"),
        (lambda text: kernel(text, 2, None), "radius r x 3/2"),
        (lattice, "hexagonal periodic 12 x window W"),
    )
    read, word = readers[seed % len(readers)]
    text = mangled(word, seed)
    with suppress(WordError, dv.DeriveError):
        read(text)
