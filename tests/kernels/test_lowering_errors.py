"""What a lowering refuses, and what it says to do instead."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import derive as dv
import kernels as kn

G = dv.translations(2)


def statement(c=2, d=3, support=None, group=G, **lattice):
    x, y = dv.Field(group, channels=c, **lattice), dv.Field(group, channels=d, **lattice)
    return dv.solve(x, y, support=support or dv.box(1))


def fixed():
    return kn.lower(statement(grid=(4, 5), boundary="periodic"))


def polyphase():
    return statement(group=dv.translations(2, 2))


def upsampled():
    H = dv.translations(1, 2)
    return dv.solve(dv.Field(H, channels=1, spacing=2), dv.Field(H, channels=1), dv.box(1))


def character(field: bool):
    """A complex character of Z_4, of which lower knows none."""
    P = dv.point_group("C4")
    chi = dv.Representation(P, {"r": [[sympy.I]]})
    if not field:
        return dv.solve(dv.regular(P), chi)
    H = dv.space_group(P)
    return dv.solve(dv.Field(H, channels=1), dv.Field(H, fibre=chi), dv.box(1))


REAL = "use the real irreducible representations, irreps(G)"
LOWER = {
    "a complex character": (
        lambda: kn.lower(character(False)),
        dv.RepresentationError,
        f"x, y must have real equivariant maps to be lowered, got regular -> V; {REAL}",
    ),
    "a complex character at every site": (
        lambda: kn.lower(character(True)),
        kn.DtypeError,
        "x, y must have real equivariant maps to be lowered, got ",
    ),
    "unknown size": (
        lambda: kn.lower(statement("C"), sizes={"C": 2, "Q": 4}),
        dv.SizeError,
        "sizes must name symbols of the solution, ['C'], got ['Q']; leave them out",
    ),
    "missing size": (
        lambda: kn.lower(statement("C")),
        dv.SymbolicError,
        "sizes must give a number for every symbol, got ['C']; give sizes={'C': 8}",
    ),
    "channels disagree with a number": (
        lambda: kn.lower(statement(), channels=(4, 3)),
        dv.SizeError,
        "channels must agree with the fields, 2 to 3, got (4, 3); omit it",
    ),
    "channels disagree with sizes": (
        lambda: kn.lower(statement("C", "D"), channels=(4, 3), sizes={"C": 2}),
        dv.SizeError,
        "channels must agree with the fields, C to D, got (4, 3); omit it",
    ),
    "one number for two symbols that are one": (
        lambda: kn.lower(statement("C", "C"), channels=(4, 3)),
        dv.SizeError,
        "channels must agree with the fields, C to C, got (4, 3); omit it",
    ),
    "no support": (
        lambda: kn.lower(dv.solve(dv.Field(G, channels=1), dv.Field(G, channels=1))),
        dv.InfiniteError,
        "support must leave finitely many weights to list them, got None; give a support such as box(1)",
    ),
    "unknown padding": (
        lambda: kn.lower(statement(), padding="MIRROR"),
        kn.PaddingError,
        "padding must be a known name, got 'MIRROR'; give one of ('SAME', 'SAME_LOWER', 'VALID', 'CAUSAL', "
        "'CIRCULAR', 'REFLECT', 'REPLICATE') or pairs",
    ),
    "padding pairs of another rank": (
        lambda: kn.lower(statement(), padding=[(1, 1)]),
        kn.PaddingError,
        "padding must be a name, an integer, or 2 of names, integers and (low, high) pairs, got [(1, 1)]; "
        "write [(low, high), ...]",
    ),
    "padding that ops do not have": (
        lambda: kn.lower(statement(), padding=("SAME", "REPLICATE")),
        kn.PaddingError,
        "padding of a lowered op must be one of ('SAME', 'VALID', 'CIRCULAR', 'REFLECT') or pairs, got "
        "REPLICATE; use one of these",
    ),
    "VALID where weights repeat with a period": (
        lambda: kn.lower(polyphase(), padding="VALID"),
        kn.PaddingError,
        "padding must be SAME or CIRCULAR along u, where weights repeat with a period, got VALID; leave it "
        "out, or use one of the two",
    ),
    "REFLECT on an upsampled axis": (
        lambda: kn.lower(upsampled(), padding="REFLECT"),
        kn.PaddingError,
        "padding cannot be REFLECT on the upsampled axis u, got REFLECT; use SAME",
    ),
    "unknown implementation": (
        lambda: kn.lower(statement(), implementation="fastest"),
        kn.ImplementationError,
        "implementation must be a known name, got 'fastest'; give one of ",
    ),
}

CALL = {
    "wrong channels": (
        lambda: kn.lower(statement())(jnp.zeros((9, 2, 3)), jnp.zeros((4, 4, 5))),
        kn.ShapeError,
        "x must have 2 channels (the channels solved for), got 5; match the last axis to the kernel",
    ),
    "too few axes": (
        lambda: kn.lower(statement())(jnp.zeros((9, 2, 3)), jnp.zeros((4, 2))),
        kn.ShapeError,
        "x must have axes (batch..., 2 spatial, channels), got (4, 2); add the missing axes",
    ),
    "wrong size on a fixed grid": (
        lambda: fixed()(jnp.zeros((9, 2, 3)), jnp.zeros((4, 6, 2))),
        kn.ShapeError,
        "x must have 5 sites along v, got 6; resize it, or solve again",
    ),
    "a circle that no period divides": (
        lambda: kn.lower(polyphase(), padding="CIRCULAR")(jnp.zeros((36, 2, 3)), jnp.zeros((4, 5, 2))),
        kn.ShapeError,
        "x must have a multiple of 2 sites along v, got 5; use 4",
    ),
    "too few weights": (
        lambda: fixed()(jnp.zeros((8, 2, 3)), jnp.zeros((4, 5, 2))),
        kn.ShapeError,
        "w must have the shape (9, 2, 3), got (8, 2, 3); use op.init(key)",
    ),
    "weights with the axes exchanged": (
        lambda: fixed()(jnp.zeros((9, 3, 2)), jnp.zeros((4, 5, 2))),
        kn.ShapeError,
        "w must have the shape (9, 2, 3), got (9, 3, 2); use op.init(key)",
    ),
    "too many biases": (
        lambda: fixed()(jnp.zeros((9, 2, 3)), jnp.zeros((4, 5, 2)), jnp.zeros((2, 3))),
        kn.ShapeError,
        "b must have the shape (1, 3), got (2, 3); use op.init_bias()",
    ),
    "integers": (
        lambda: fixed()(jnp.zeros((9, 2, 3)), np.zeros((4, 5, 2), int)),
        kn.DtypeError,
        "x must be a real floating-point array, got int64; convert it first, x.astype(jnp.float32)",
    ),
    "mixed dtypes": (
        lambda: fixed()(jnp.zeros((9, 2, 3), jnp.float32), jnp.zeros((4, 5, 2), jnp.float64)),
        kn.DtypeError,
        "x and w must have one dtype, got float64 and float32; cast with x.astype",
    ),
    "dense without a grid": (
        lambda: kn.lower(statement()).dense(jnp.zeros((9, 2, 3))),
        kn.ShapeError,
        "grid must give 2 sizes, one per axis of the input, got None; say grid=(8, 8)",
    ),
    "dense on another grid": (
        lambda: fixed().dense(jnp.zeros((9, 2, 3)), (4, 4)),
        kn.ShapeError,
        "x must have 5 sites along v, got 4; resize it, or solve again",
    ),
    "dense in an unknown order": (
        lambda: fixed().dense(jnp.zeros((9, 2, 3)), order="rows"),
        kn.ShapeError,
        "order must be channels_last or channels_first, got 'rows'; choose one of them",
    ),
    "dense with too few weights": (
        lambda: fixed().dense(jnp.zeros((8, 2, 3))),
        kn.ShapeError,
        "w must have the shape (9, 2, 3), got (8, 2, 3); use op.init(key)",
    ),
}


@pytest.mark.parametrize("name", [*LOWER, *CALL])
def test_says_what_to_do(name: str) -> None:
    call, kind, message = {**LOWER, **CALL}[name]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_real_irreps_are_what_the_remedy_says() -> None:
    P = dv.point_group("C4")
    with pytest.raises(kn.DtypeError) as caught:
        kn.lower(character(True))
    assert str(caught.value).endswith(REAL)
    assert "\n" not in str(caught.value)
    H = dv.space_group(P)
    first, second, pair = dv.irreps(P)
    y = dv.Field(H, fibre=first + second + pair)
    assert kn.lower(dv.solve(dv.Field(H, channels=1), y, dv.box(1))).dim == 3 + 2 + 4


def test_sizes_and_channels_may_agree() -> None:
    op = kn.lower(statement("C", "D"), channels=(4, 3), sizes={"C": 4, "D": 3})
    assert (op.channels_in, op.channels_out) == (4, 3)


@pytest.mark.parametrize("padding", ["same", "circular", "reflect", "valid"])
def test_padding_names_in_any_case(padding: str) -> None:
    assert kn.lower(statement(), padding=padding) == kn.lower(statement(), padding=padding.upper())


@pytest.mark.parametrize("padding", [2, ((2, 2), (2, 2)), [[2, 2], [2, 2]], np.array([[2, 2], [2, 2]])])
def test_padding_widths_in_any_form(padding) -> None:
    op = kn.lower(statement(), padding=padding)
    assert [axis.border for axis in op.axes] == [(2, 2), (2, 2)]
    assert op(jnp.zeros((9, 2, 3)), jnp.zeros((4, 5, 2))).shape == (6, 7, 3)
