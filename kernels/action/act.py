"""Moving an array of a field by an element of its group."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from jax.export import is_symbolic_dim

from kernels.action.moves import move
from kernels.action.reasons import reason_of
from kernels.action.sites import Obstacle, SiteMap, Sites, axis_name, carry, is_carried, sizes_near
from kernels.errors import KernelError, ShapeError


def act(field: Any, g: Any, x: Any) -> jax.Array:
    """An array moved by an element of the group: (g x)(p) = rho(g) x(g^-1 p).

    On a periodic grid g moves sites as it moves space. A grid that ends, or all of Z read as an array, ends:
    there the point group moves sites about the middle of the array, where this is in the group.

    Args:
        field: a `derive.Field`, or a `derive.Representation` for arrays without a lattice.
        g: a generator's name or a word ("r^2*m", "t_u^3*r"), the number of an element of the point group, a
            tuple of shifts in sites, parameters of a Lie group {"x01": 0.3}, what `random_element` returned,
            or a tuple of such elements, their product. Only parameters may be traced.
        x: (batch..., spatial..., channels), of any dtype.

    Returns:
        An array of the shape and dtype of x.

    Raises:
        KernelError: g does not carry these sites onto themselves; the message has the sizes that it does.
        DeriveError: g is no element of the group.

    >>> import derive
    >>> G = derive.wallpaper("p4m")
    >>> x = derive.Field(G, fibre=derive.sign(G.point))
    >>> act(x, "m", jnp.arange(4.0).reshape(2, 2, 1))[..., 0].tolist()
    [[-2.0, -3.0], [-0.0, -1.0]]
    >>> V = derive.defining(derive.special_orthogonal(2))
    >>> act(V, {"x01": jnp.pi / 2}, jnp.array([1.0, 0.0])).round(3).tolist()
    [0.0, 1.0]
    """
    check_field("field", field)
    x = jnp.asarray(x)
    grid = grid_of("x", field, x.shape)
    action = field.action(g, x.shape[-1])
    sites = own_map(field, action, grid) if grid else None
    return move(sites, len(grid), action.blocks, x)


def check_field(argument: str, field: Any) -> None:
    """A field or a representation, or an error."""
    if not callable(getattr(field, "action", None)):
        remedy = "give a derive.Field or a derive.Representation"
        raise KernelError(argument, "must be a field or a representation", type(field).__name__, remedy)


def rank_of(field: Any) -> int:
    """The number of spatial axes of a field; 0 for a representation."""
    lattice = getattr(field, "lattice", None)
    return 0 if lattice is None else lattice.dim


def grid_of(argument: str, field: Any, shape: Sequence[int]) -> tuple[int, ...]:
    """The sizes of the spatial axes in the shape of an array of a field."""
    rank = rank_of(field)
    if len(shape) < rank + 1:
        axes = ", ".join(["batch...", *(axis_name(i, rank) for i in range(rank)), "channels"])
        raise ShapeError(
            argument, f"must have the axes ({axes})", tuple(shape), "add the ones that are missing"
        )
    return tuple(shape[len(shape) - 1 - rank : -1])


def own_map(field: Any, action: Any, grid: tuple[int, ...]) -> SiteMap:
    """How an element moves the sites of an array of a field, or the error that it cannot."""
    own = own_sites(field, grid)
    found = _carried(own, action.motion.matrix, action.motion.shift, action.translation, field.group.period)
    if is_carried(found):
        return found[0]
    reason, remedy = why_not(field, action, own, found)
    raise ShapeError("x", f"must be carried onto itself by {str(action.element)!r}", reason, remedy)


@lru_cache(maxsize=1024)
def _carried(own: Sites, matrix: Any, shift: Any, translation: Any, period: Any) -> tuple[Any, ...]:
    return carry(matrix, shift, translation, period, [(own, own)])


def own_sites(field: Any, grid: tuple[int, ...]) -> Sites:
    """Where the entries of an array of a field stand: from site 0 on."""
    lattice = field.lattice
    if any(map(is_symbolic_dim, grid)):
        raise ShapeError("x", "must have sizes that are numbers to be moved", grid, "trace it with numbers")
    for i, (n, given) in enumerate(zip(grid, lattice.grid, strict=True)):
        if given is not None and given.is_number and n != int(given):
            name = axis_name(i, len(grid))
            raise ShapeError("x", f"must have {given} sites along {name}", n, "give arrays of this field")
    wraps = tuple(kind == "periodic" for kind in lattice.boundary)
    for i, (n, step, s) in enumerate(zip(grid, field.group.period, lattice.spacing, strict=True)):
        if wraps[i] and step and n * s % step:
            rule = f"must have a multiple of {step / s} sites along {axis_name(i, len(grid))}"
            raise ShapeError("x", rule, n, "give whole periods")
    zero = (Fraction(0),) * len(grid)
    return Sites(tuple(lattice.spacing), tuple(lattice.offset), zero, tuple(grid), wraps)


def why_not(field: Any, action: Any, own: Sites, found: tuple[Obstacle, ...]) -> tuple[str, str]:
    """Why an element does not carry an array of sites onto itself, and what would help."""
    matrix = action.motion.matrix
    return reason_of(found, matrix, own.sizes, field.group, lambda: near_sizes(field, action, own))


def near_sizes(field: Any, action: Any, own: Sites) -> tuple[str, ...]:
    """Sizes near those of an array that an element carries onto itself."""
    fixed = any(n is not None and n.is_number for n in field.lattice.grid)
    if fixed and not any(field.group.period):
        return ()

    def obstacles(sizes: tuple[int, ...]) -> tuple[Obstacle, ...]:
        other = own.resized(sizes)
        args = (action.motion.matrix, action.motion.shift, action.translation, field.group.period)
        found = _carried(other, *args)
        return () if is_carried(found) else found

    return sizes_near(action.motion.matrix, own.sizes, obstacles, (1,) * len(own.sizes))
