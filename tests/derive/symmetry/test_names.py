"""Names: those that equations use are refused, and in every derivation one name is one symbol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import sympy
from sympy import IndexedBase, Symbol

import derive as dv

LINE, PLANE, P4M = dv.translations(1), dv.translations(2), dv.wallpaper("p4m")
PG, S3, OH = dv.wallpaper("pg"), dv.symmetric(3), dv.point_group("Oh", dim=3)
V, TRIVIAL = dv.permutation(S3), dv.trivial(LINE.point)
TURN = [[0, -1], [1, 0]]

INDICES = ["i", "j", "c", "u", "v", "w", "s_u", "s_w", "du", "dv", "r_u", "r_v", "alpha", "beta", "u1", "du4"]
LETTERS = ["A", "K", "b", "x", "y", "T", "T_s", "dim", "bias_dim"]
WORDS = ["I", "E", "pi", "oo", "nan", "lambda", "None", "gcd", "floor", "Max"]
FREE = [
    "C",
    "D",
    "N",
    "H",
    "W",
    "L",
    "S",
    "Q",
    "O",
    "k",
    "r",
    "n",
    "m",
    "e",
    "x_out",
    "N_out",
    "C_0",
    "gamma",
]


def ring(n: Any) -> Any:
    x = dv.Field(LINE, 1, grid=n, boundary="periodic")
    return dv.solve(x, dv.Field(LINE, 2, grid=n, boundary="periodic"))


PLACES: dict[str, Callable[[Any], Any]] = {
    "channels": lambda n: dv.solve(dv.Field(LINE, n), dv.Field(LINE, 2), dv.box(1)),
    "copies": lambda n: dv.solve(
        dv.Field(LINE, 1), dv.Field(LINE, fibre=n * dv.trivial(LINE.point)), dv.box(1)
    ),
    "grid": ring,
    "radius": lambda n: dv.solve(dv.Field(LINE, 1), dv.Field(LINE, 2), dv.box(n)),
    "size": lambda n: dv.solve(
        dv.Field(LINE, 1), dv.Field(LINE, 2), dv.window(2 * Symbol(n, integer=True) + 1)
    ),
}


def assert_one_name_is_one_symbol(*parts: Any) -> None:
    """Every name stands for one symbol, and none for a size and a tensor or a generator at once."""
    symbols, tensors = defaultdict(set), set()
    for part in parts:
        for symbol in part.atoms(Symbol):
            symbols[symbol.name].add(symbol)
        tensors |= {base.label.name for base in part.atoms(IndexedBase)}
    assert {name: kinds for name, kinds in symbols.items() if len(kinds - labels(kinds, tensors)) > 1} == {}
    sizes = {s.name for kinds in symbols.values() for s in kinds if s.is_positive}
    assert not sizes & tensors


def labels(kinds: set[Symbol], tensors: set[str]) -> set[Symbol]:
    return {s for s in kinds if s.name in tensors and s == Symbol(s.name)}


def assert_clear(derivation: dv.Derivation) -> None:
    indices = sympy.Tuple(*(index for step in derivation for index, _ in step.where))
    domains = [domain for step in derivation for _, domain in step.where]
    assert_one_name_is_one_symbol(indices, *domains, *(s.before for s in derivation), derivation[-1].after)
    derivation.check()


@pytest.mark.parametrize("name", [*INDICES, *LETTERS, *WORDS])
@pytest.mark.parametrize("place", PLACES)
def test_a_size_cannot_have_a_name_that_means_something(place: str, name: str) -> None:
    user = "SymPy and Python" if name in WORDS else "the equations"
    with pytest.raises(dv.SizeError) as caught:
        PLACES[place](name)
    free = f"n_{name}"
    assert str(caught.value) == (
        f"{place} must be a name that is free, not one that {user} use, got {name!r}; "
        f"use another one, such as {free!r}"
    )
    PLACES[place](free)


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("place", ["channels", "grid", "radius"])
def test_other_names_stay_what_the_user_wrote(place: str, name: str) -> None:
    solution = PLACES[place](name)
    assert solution.dim.free_symbols == {Symbol(name, integer=True, positive=True)}
    assert_clear(solution.derivation)


@pytest.mark.parametrize("symbol", [Symbol("i", integer=True), Symbol("u'"), 2 * Symbol("K", positive=True)])
def test_symbols_of_the_user_are_refused_by_name_too(symbol: sympy.Expr) -> None:
    with pytest.raises(dv.SizeError, match="must be a name that is free"):
        dv.Field(LINE, channels=symbol)


@pytest.mark.parametrize("name", [*INDICES, "A", "K", "b", "T", "T_s", "dim", *WORDS])
def test_a_field_cannot_have_such_a_name_either(name: str) -> None:
    with pytest.raises(dv.GroupError, match="name must be a word that the equations do not use otherwise"):
        dv.Field(LINE, 1, name=name)


NAMED = [
    ("f", "f"),
    ("y", None),
    (None, "x"),
    ("x", "x"),
    ("y", "x"),
    ("C", "D"),
    ("r", "m"),
    ("y_out", "y_out"),
]


@pytest.mark.parametrize(("x", "y"), NAMED)
@pytest.mark.parametrize("G", [PLANE, P4M], ids=str)
def test_fields_of_one_name_and_fields_called_like_generators(G: Any, x: Any, y: Any) -> None:
    solution = dv.solve(dv.Field(G, 2, name=x), dv.Field(G, 3, name=y), dv.box(1))
    assert_clear(solution.derivation)


def test_a_field_called_like_a_size_is_refused() -> None:
    with pytest.raises(dv.RepresentationError) as caught:
        dv.solve(dv.Field(LINE, "n", name="n"), dv.Field(LINE, 1), dv.box(1))
    assert str(caught.value) == (
        "x must be a field whose name is not that of a size, got 'n'; use name='x_field'"
    )


def test_one_name_is_one_symbol_wherever_it_is_given() -> None:
    C = Symbol("C", integer=True, positive=True)
    solution = dv.solve(dv.Field(LINE, "C"), dv.Field(LINE, C), dv.box("C"))
    assert sympy.expand(solution.dim - C**2 * (2 * C + 1)) == 0
    assert_clear(solution.derivation)
    assert solution.plain({"C": 2}).dim == 20


@pytest.mark.parametrize(
    "other", [Symbol("C"), Symbol("C", integer=True), Symbol("C", integer=True, nonnegative=True)], ids=str
)
def test_two_symbols_of_one_name_are_refused(other: Symbol) -> None:
    with pytest.raises(dv.SizeError, match="sizes must have one symbol of each name") as caught:
        dv.solve(dv.Field(LINE, "C"), dv.Field(LINE, 1), dv.box(other))
    assert str(caught.value).endswith("give 'C' or one and the same Symbol everywhere")
    assert "\n" not in str(caught.value)


def matrices(name: str) -> Any:
    G = dv.space_group(dv.matrix_group({name: TURN}))
    return dv.solve(dv.Field(G, "C"), dv.Field(G, fibre=dv.defining(G.point)), dv.box(1))


@pytest.mark.parametrize("name", [*INDICES, *LETTERS, "C", "w", "pi", "rho"])
def test_generators_called_like_letters_are_printed_with_another_name(name: str) -> None:
    solution = matrices(name)
    assert solution.dim == matrices("g").dim
    assert_clear(solution.derivation)
    assert solution.problem.group.point.generators == (name,)


GENERATORS: dict[str, Callable[[], Any]] = {
    "radius r": lambda: dv.solve(dv.Field(P4M, "C"), dv.Field(P4M, "m"), dv.box("r")),
    "channels s": lambda: dv.solve(V, V),
    "inversion i": lambda: dv.solve(dv.trivial(OH), dv.defining(OH) * dv.defining(OH)),
    "bias b": lambda: dv.solve(*[dv.regular(dv.Group("D2", ("a", "b"), ("a^2", "b^2", "(a*b)^2")))] * 2),
    "product": lambda: dv.solve(
        *[dv.outer(dv.regular(dv.cyclic(2)), dv.regular(dv.matrix_group({"x": TURN})))] * 2
    ),
    "algebra": lambda: dv.solve(*[dv.defining(dv.matrix_group({}, algebra={"T": TURN}))] * 2),
    "glide": lambda: dv.solve(
        dv.Field(dv.wallpaper("pg"), "m"), dv.Field(dv.wallpaper("pg"), "g"), dv.box(1)
    ),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_called_like_sizes_or_indices(name: str) -> None:
    assert_clear(GENERATORS[name]().derivation)


def test_the_residues_of_a_ring_of_k_sites() -> None:
    assert_clear(ring("k").derivation)
    assert_clear(ring(Symbol("k", integer=True, positive=True)).derivation)


def test_letters_of_layers_leave_the_names_of_the_user_alone() -> None:
    for options in (
        {"kernel_size": "N"},
        {"channels": ("N", "r")},
        {"strides": "r", "dilation": "N", "groups": "G"},
        {"strides": "N_out", "padding": [("low", "N")]},
        {"size": "r", "strides": 2},
    ):
        found = dv.adjoints(1, **options)  # type: ignore[arg-type]
        assert_one_name_is_one_symbol(*(s.before for s in found.derivation), found.matrices)
        found.derivation.check()
    both = dv.composition(1, kernel_sizes=("k", "k"))
    assert str(both.derivation[-1].after[-1]) == "Eq(k_0, 2*k - 1)"
    both.derivation.check()


LAYERS: list[tuple[Callable[[], Any], str]] = [
    (lambda: dv.adjoints(1, strides="u"), "strides must be a name that is free"),
    (lambda: dv.adjoints(1, channels=("X", "D")), "names must be a name that is free"),
    (lambda: dv.adjoints(1, padding=[("i", "i")]), "padding must be a name that is free"),
    (lambda: dv.adjoints(1, strides=Symbol("s"), dilation="s"), "sizes must have one symbol of each name"),
    (lambda: dv.composition(1, kernel_sizes=("C", "h")), "kernel_sizes must be a name that is free"),
    (lambda: dv.composition(1, strides=(Symbol("s"), "s")), "sizes must have one symbol of each name"),
    (lambda: dv.conv_matrix(["n", "m"], "n"), "names must have one symbol of each name"),
    (lambda: dv.conv_matrix(["a", "b"], "du"), "size must be a name that is free"),
]


@pytest.mark.parametrize(("make", "message"), LAYERS)
def test_names_in_layers_that_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(dv.SizeError) as caught:
        make()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
