"""What is no element, no array of the field, or leaves the array: one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn

P4M, P4G, P6M = dv.wallpaper("p4m"), dv.wallpaper("p4g"), dv.wallpaper("p6m")
X = dv.Field(P4M, fibre=dv.regular(P4M.point))
COARSE = dv.Field(dv.wallpaper("p4m", period=2), spacing=2)
TWO = dv.Field(dv.wallpaper("p4m", period=2))
TORUS = dv.Field(P4M, grid=(4, 4), boundary="periodic")
STRIPES = dv.Field(dv.translations(2, period=(1, 0)), grid=(4, 4), boundary="periodic")
SO3 = dv.special_orthogonal(3)
V = dv.defining(SO3)
ENDS = "leaves an array that ends there; use a field with boundary='periodic'"


def zeros(*shape: int) -> jax.Array:
    return jnp.zeros(shape)


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "a quarter turn of 7 x 8": (
        lambda: kn.act(X, "r", zeros(7, 8, 8)),
        "x must be carried onto itself by 'r', got 7 x 8 sites, which become 8 x 7; use 7 x 7 or 8 x 8",
    ),
    "a shift of a window": (
        lambda: kn.act(X, "t_u", zeros(7, 7, 8)),
        f"x must be carried onto itself by 't_u', got a shift along u, which {ENDS}",
    ),
    "a shift after a turn": (
        lambda: kn.act(X, "t_u^2*r", zeros(7, 7, 8)),
        f"x must be carried onto itself by 't_u^2*r', got a shift along u, which {ENDS}",
    ),
    "a glide": (
        lambda: kn.act(dv.Field(P4G), "m", zeros(7, 7, 1)),
        f"x must be carried onto itself by 'm', got a glide along v, which {ENDS}",
    ),
    "a centre between sites": (
        lambda: kn.act(TWO, "r", zeros(8, 8, 1)),
        "x must be carried onto itself by 'r', got 8 x 8 sites, about whose middle p4m has no such motion; "
        "use 7 x 7 or 9 x 9",
    ),
    "a sixth of a turn": (
        lambda: kn.act(dv.Field(P6M), "r", zeros(7, 7, 1)),
        "x must be carried onto itself by 'r', got an array that ends along u and v, which becomes one of "
        "another shape; use a field with boundary='periodic'",
    ),
    "an unknown letter": (
        lambda: kn.act(X, "r*q", zeros(7, 7, 8)),
        "g may only use the generators t_u, t_v, r, m, got q; name one of them",
    ),
    "no word": (
        lambda: kn.act(X, "r^", zeros(7, 7, 8)),
        "g must be words in the generators, such as 'a^4' or 'a*b*a^-1', got 'r^'; write products with *",
    ),
    "a number too large": (
        lambda: kn.act(X, 8, zeros(7, 7, 8)),
        "g must number one of the 8 elements of D4, got 8; give 0 to 7, or a word",
    ),
    "half a number": (lambda: kn.act(V, 0.5, zeros(3)), "g must be an element of the group, got 0.5; give a"),
    "a truth value": (lambda: kn.act(V, True, zeros(3)), "g must be an element of the group, got True; give"),
    "half a period": (
        lambda: kn.act(TWO, (1, 0), zeros(8, 8, 1)),
        "g must shift by whole periods, 2 sites along u, got 1; use a multiple of 2",
    ),
    "too few shifts": (
        lambda: kn.act(TORUS, (1,), zeros(4, 4, 1)),
        "g must give a shift for every axis, 2, got (1,); for example (1, 0)",
    ),
    "an axis without translations": (
        lambda: kn.act(STRIPES, (0, 1), zeros(4, 4, 1)),
        "g cannot shift along v: translations(2, period=(1, 0)) has no translation there, got 1; shift by 0",
    ),
    "shifts without a lattice": (
        lambda: kn.act(V, (1, 0), zeros(3)),
        "g cannot shift: there is no lattice, got (1, 0); give a word in the generators",
    ),
    "parameters of a finite group": (
        lambda: kn.act(X, {"r": 0.5}, zeros(7, 7, 8)),
        "g cannot have parameters: D4 is no Lie group, got {'r': 0.5}; give a word such as 'r^2*m'",
    ),
    "an algebra generator without one": (
        lambda: kn.act(V, "x01", zeros(3)),
        "g must give 'x01' a parameter, since it generates the Lie algebra, got 'x01'; use {'x01': 0.3}",
    ),
    "an unknown parameter": (
        lambda: kn.act(V, {"y": 1.0}, zeros(3)),
        "generator must be one of x01, x02, x12, got 'y'; name one of them",
    ),
    "text as a parameter": (
        lambda: kn.act(V, {"x01": "1"}, zeros(3)),
        "g must give 'x01' a real parameter, got '1'; use {'x01': 0.3}",
    ),
    "half a power": (
        lambda: kn.act(dv.defining(dv.orthogonal(2)), {"m": 0.5}, zeros(2)),
        "g must give 'm' a whole power, since it is an element of the group, got 0.5; use {'m': 1}",
    ),
    "an element of another group": (
        lambda: kn.act(V, X.action("r").element, zeros(3)),
        "g must be an element of the field's group, got D4 and SO(3); read it from that group",
    ),
    "too few channels": (
        lambda: kn.act(X, "r", zeros(7, 7, 4)),
        "channels must be those of regular, 8, got 4; give 8",
    ),
    "channels by name that do not divide": (
        lambda: kn.act(dv.Field(P4M, fibre="C" * dv.regular(P4M.point)), "r", zeros(7, 7, 9)),
        "channels must be those of C regular, 8*C, got 9; give a multiple of 8",
    ),
    "no batch of sites": (
        lambda: kn.act(X, "r", zeros(7, 8)),
        "x must have the axes (batch..., u, v, channels), got (7, 8); add the ones that are missing",
    ),
    "a number": (lambda: kn.act(V, {"x01": 1.0}, 3.0), "x must have the axes (batch..., channels), got ()"),
    "another grid": (
        lambda: kn.act(TORUS, "r", zeros(5, 4, 1)),
        "x must have 4 sites along u, got 5; give arrays of this field",
    ),
    "half a period of sites": (
        lambda: kn.act(dv.Field(TWO.group, grid=("n", "n"), boundary="periodic"), "r", zeros(5, 5, 1)),
        "x must have a multiple of 2 sites along u, got 5; give whole periods",
    ),
    "a group": (
        lambda: kn.act(P4M, "r", zeros(5, 5, 1)),
        "field must be a field or a representation, got SpaceGroup; give a derive.Field or a",
    ),
    "whole numbers turned": (
        lambda: kn.act(V, {"x01": 1.0}, jnp.arange(3)),
        "x must be of real numbers, since the fibre's matrices are not whole, got int64; convert",
    ),
    "a random element of no group": (
        lambda: kn.random_element(3, jax.random.key(0)),
        "group must be a group of derive, got int; use wallpaper('p4m'), symmetric(5), ...",
    ),
    "a random element without a key": (
        lambda: kn.random_element(P4M, 0),
        "key must be one key of jax.random, got 0; use jax.random.key(0)",
    ),
    "several keys": (
        lambda: kn.random_element(P4M, jax.random.split(jax.random.key(0))),
        "key must be one key of jax.random, got",
    ),
    "a traced key": (
        lambda: jax.jit(lambda key: kn.random_element(P4M, key))(jax.random.key(0)),
        "key must not be traced: elements are not arrays, got",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_one_clear_line(name: str) -> None:
    wrong, said = CASES[name]
    with pytest.raises((kn.KernelError, dv.DeriveError)) as caught:
        wrong()
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["p4m", "p4g", "pmg", "cmm"])
@pytest.mark.parametrize("period", [None, 2, 3, 4])
def test_the_sizes_that_are_named_do(name: str, period: int | None) -> None:
    """Every size that an error suggests is carried; where it names none, none up to twelve sites away is."""
    G = dv.wallpaper(name, period=2 * period if period and name != "p4m" else period)
    x = dv.Field(G)
    for g in G.point.generators:
        for grid in ((5, 5), (6, 6), (5, 8)):
            try:
                kn.act(x, g, np.zeros((*grid, 1)))
            except kn.KernelError as error:
                named = [part for part in error.remedy.removeprefix("use ").split(" or ") if " x " in part]
                for sizes in named:
                    kn.act(x, g, np.zeros((*map(int, sizes.split(" x ")), 1)))
                if not named:
                    for n in range(1, 18):
                        with pytest.raises(kn.KernelError):
                            kn.act(x, g, np.zeros((n, n, 1)))
