"""Whether a map commutes with its group, generator by generator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kernels.action.act import check_field, grid_of, own_sites, rank_of, why_not
from kernels.action.moves import move
from kernels.action.reasons import foremost_kind
from kernels.action.sites import Sites, carry, is_carried
from kernels.checking.bilinear import DenseOp
from kernels.checking.report import Comparison, Report, Uncarried, conclude, distance, limit_of
from kernels.checking.several import Map, Several, motions, read_arrays
from kernels.checking.subject import require_callable
from kernels.errors import KernelError, ShapeError, SymmetryWarning
from kernels.lattice import symmetry
from kernels.lattice.fibred import FibredOp
from kernels.lattice.op import LatticeOp

PARAMETER = 0.5  # of the generators of a Lie algebra


def check_equivariance(
    op: Any,
    w: Any = None,
    x: Any = None,
    transforms: Sequence[tuple[Map, Map]] | Mapping[str, tuple[Map, Map]] | None = None,
    *,
    into: Any = None,
    out: Any = None,
    tolerance: float | None = None,
) -> Report:
    """A map commutes with its group: op(w, g x) == g op(w, x) for every generator g.

    On arrays that end, the point group acts about their middle and shifts are not carried. The generators
    that these arrays do not carry onto themselves are listed in the report with the reason and the remedy.

    Args:
        op: a lowered op ``op(w, x)``, any function ``f(x, w)``, or with `into` any callable ``model(x)``.
        w: its weights; with `into`, the input.
        x: an input, (batch..., spatial..., channels); of an op of several arrays all of them in one tuple, as
            `check_adjoints` says.
        transforms: pairs (how g acts on inputs, how g acts on outputs), named by a mapping or numbered; by
            default every generator of the group that a lowered op was solved for.
        into: the field of the model's input, or a representation where there is no lattice.
        out: the field or representation of its output, such as ``dv.trivial(G.point)`` where nothing moves.
            The sizes of the output are read off it; its middle is taken to be that of the input.
        tolerance: of the largest difference, relative to the largest entry; by default a stated one per dtype
            (float32: 1e-5).

    Returns:
        A report with one error per generator. Of a Lie algebra a lowered op of one array is held to the
        infinitesimal action, all else to that of exp(X / 2); an op of several arrays to a random element too.

    Raises:
        CheckError: op does not commute with one of them. KernelError: there is none to check.

    >>> import derive
    >>> G = derive.wallpaper("p4m")
    >>> x = derive.Field(G)
    >>> report = check_equivariance(lambda a: a**2, jnp.arange(16.0).reshape(4, 4, 1), into=x, out=x)
    >>> [c.name for c in report.comparisons], [u.name for u in report.uncarried]
    (['r', 'm'], ['t_u', 't_v'])
    """
    require_callable(op)
    if into is None and out is None:
        return _of_op(op, w, x, transforms, tolerance)
    if into is None or out is None:
        rule = "must both be given, the fields of the input and of the output"
        raise KernelError("into, out", rule, "into alone" if out is None else "out alone", "give both")
    if transforms is not None or (w is not None and x is not None):
        remedy = "give check_equivariance(model, x, into=..., out=...)"
        raise KernelError("into, out", "are for a model of x alone", "w or transforms as well", remedy)
    return _of_model(op, jnp.asarray(w if x is None else x), into, out, tolerance)


def _of_op(op: Any, w: Any, x: Any, transforms: Any, tolerance: float | None) -> Report:
    if x is None:
        raise KernelError(
            "x", "must be given after the weights", None, "or give into= and out= for a model of x"
        )
    w = jax.tree.map(jnp.asarray, w)
    if isinstance(op, Several):
        return _of_several(op, w, read_arrays(op, x), transforms, tolerance)
    x = jnp.asarray(x)
    apply = (lambda x: op(w, x)) if isinstance(op, DenseOp) else (lambda x: op(x, w))
    with jax.default_matmul_precision("highest"), warnings.catch_warnings():
        warnings.simplefilter("ignore", SymmetryWarning)  # the report says it
        y = apply(x)
        return _compared(apply, x, y, _cases(op, x, transforms), tolerance)


def _of_several(op: Several, w: Any, xs: tuple[Any, ...], transforms: Any, tolerance: float | None) -> Report:
    cases = _named(dict(motions(op, PARAMETER)) if transforms is None else transforms)
    with jax.default_matmul_precision("highest"):
        limit, y = limit_of(tolerance, xs[0]), op(w, *xs)
        errors = {name: distance(op(w, *on_all(xs)), on_y(y)) for name, (on_all, on_y) in cases.items()}
    found = [Comparison(name, error, limit) for name, error in errors.items()]
    return conclude("check_equivariance", xs[0], found)


class Case(NamedTuple):
    """A generator: how it acts on input and output, or why these arrays are not carried by it.

    Where both are given, `pair` moves each array about its own middle: what that errs by is said.
    """

    pair: tuple[Map, Map] | None
    uncarried: Uncarried | None = None


Cases = Mapping[str, Case]


def _cases(op: Any, x: jax.Array, transforms: Any) -> Cases:
    """How every generator acts, or why these arrays do not carry it."""
    if transforms is None and isinstance(op, LatticeOp | FibredOp) and op.into is not None:
        return {name: _on_lattice(op, x, name) for name in op.into.group.generators}
    given = getattr(op, "symmetries", {}) if transforms is None else transforms
    return {name: Case(pair) for name, pair in _named(given).items()}


def _named(given: Any) -> Mapping[str, tuple[Map, Map]]:
    """Pairs with the names of a mapping, or numbered."""
    if not given:
        remedy = "give (on input, on output) pairs"
        raise KernelError("transforms", "must name at least one symmetry", given or None, remedy)
    if isinstance(given, Mapping):
        return given
    return {f"symmetry {i}": pair for i, pair in enumerate(given)}


def _on_lattice(op: LatticeOp | FibredOp, x: jax.Array, name: str) -> Case:
    plan = op.plan if isinstance(op, LatticeOp) else op.lattice.plan
    grid, fields = x.shape[x.ndim - 1 - plan.rank : -1], (plan, op.into, op.out)
    action = op.into.action(name, op.channels_in)
    moved = op.out.action(action.element, op.channels_out)
    maps = symmetry.maps(*fields, action, grid)
    uncarried = None
    if not symmetry.are_maps(maps):
        uncarried = Uncarried(name, foremost_kind(maps), *symmetry.why_not(*fields, action, grid, maps))
        maps = symmetry.apart(*fields, action, grid)
        if maps is None:
            return Case(None, uncarried)
    ranks = [0 if f.lattice is None else f.lattice.dim for f in (op.into, op.out)]
    return Case((_by(maps[0], ranks[0], action), _by(maps[1], ranks[1], moved)), uncarried)


def _by(sites: Any, rank: int, action: Any) -> Map:
    return lambda a: move(sites, rank, action.blocks, a)


def _compared(apply: Map, x: jax.Array, y: Any, cases: Cases, tolerance: float | None) -> Report:
    """The errors of all generators that are carried; at least one must be."""
    limit, found, skipped = limit_of(tolerance, x), [], []
    for name, case in cases.items():
        error = None
        if case.pair is not None:
            on_x, on_y = case.pair
            error = distance(apply(on_x(x)), on_y(y))
        if case.uncarried is not None:
            skipped.append(_with_error(case.uncarried, error))
        elif error is not None:
            found.append(Comparison(name, error, limit))
    if not found:
        raise _none_carried(skipped)
    return conclude("check_equivariance", x, found, skipped)


def _with_error(uncarried: Uncarried, error: float | None) -> Uncarried:
    if error is None:
        return uncarried
    return replace(uncarried, reason=f"{uncarried.reason}, off by {error:.2g} about the middle of each")


def _none_carried(skipped: Sequence[Uncarried]) -> KernelError:
    """One line: generators that share a reason together, those of the point group first."""
    rule = "must be carried onto itself by a generator of the group at least"
    if not skipped:
        return KernelError("x", rule, "a group without generators", "use another group")
    first = min(skipped, key=lambda u: u.kind in ("shift", "glide"))
    others = [u.name for u in skipped if u.reason != first.reason]
    names = ", ".join(u.name for u in skipped if u.reason == first.reason)
    more = f" (and {', '.join(others)} neither)" if others else ""
    return KernelError("x", rule, f"{names}: {first.reason}{more}", first.remedy)


# ---- any callable ------------------------------------------------------------------------------------------


def _of_model(
    model: Callable[[Any], Any], x: jax.Array, into: Any, out: Any, tolerance: float | None
) -> Report:
    check_field("into", into)
    check_field("out", out)
    space = into.group if rank_of(into) or not rank_of(out) else out.group
    lattices = [f.group for f in (into, out) if rank_of(f)]
    if into.group.point != out.group.point or any(group != space for group in lattices):
        raise KernelError(
            "out", f"must be a field of the group of into, {into.group}", out.group, "use one group"
        )
    own = _own("x", into, x.shape)
    with jax.default_matmul_precision("highest"), warnings.catch_warnings():
        warnings.simplefilter("ignore", SymmetryWarning)  # errors are what is reported here
        y = model(x)
        if not hasattr(y, "shape"):
            remedy = "return the array of the field out"
            raise ShapeError("the model", "must return one array", type(y).__name__, remedy)
        other = _own("the model's output", out, y.shape)
        if own is not None and other is not None:
            other = _centred(other, own)
        sides = _Side(into, own, x.shape[-1]), _Side(out, other, y.shape[-1])
        names = space.generators if lattices else space.point.generators
        return _compared(model, x, y, {name: _of_sides(name, space, *sides) for name in names}, tolerance)


class _Side(NamedTuple):
    """The input or the output of a model: its field, the sites of its array, and its channels."""

    field: Any
    sites: Sites | None
    channels: int


def _own(argument: str, field: Any, shape: tuple[int, ...]) -> Sites | None:
    """Where the entries of an array stand, and whether it has the channels of its field."""
    grid = grid_of(argument, field, shape)
    many = getattr(field, "fibre", field).dim
    if isinstance(many, int) and many != shape[-1]:
        rule = f"must have {many} channel{'' if many == 1 else 's'}, as {field} has"
        raise ShapeError(argument, rule, shape[-1], "check the field")
    return own_sites(field, grid) if grid else None


def _of_sides(name: str, space: Any, x: _Side, y: _Side) -> Case:
    """How a generator acts on the arrays of a model, by one motion of space where both have sites."""
    g: Any = {name: PARAMETER} if name in space.point.algebra else name
    first = x if x.sites is not None or y.sites is None else y
    read = first.field.action(g, first.channels)
    actions = [s.field.action(read.element, s.channels) for s in (x, y)]
    arrays = [s.sites for s in (x, y) if s.sites is not None]
    found: Any = ()
    if arrays:
        motion = read.motion
        found = carry(motion.matrix, motion.shift, read.translation, space.period, [(s, s) for s in arrays])
        if not is_carried(found):
            reasons = why_not(first.field, read, arrays[0], found)
            return Case(None, Uncarried(name, foremost_kind(found), *reasons))
    maps = iter(found)
    sites = [next(maps) if s.sites is not None else None for s in (x, y)]
    on_x, on_y = (
        _by(m, rank_of(s.field), action) for m, s, action in zip(sites, (x, y), actions, strict=True)
    )
    return Case((on_x, on_y))


def _centred(other: Sites, own: Sites) -> Sites:
    """An output about the middle of the input along every axis where it ends."""
    axes = zip(own.centre, other.offset, other.spacing, other.sizes, other.wraps, other.first, strict=True)
    first = tuple(f if ring else (c - o) / s - Fraction(n - 1, 2) for c, o, s, n, ring, f in axes)
    return replace(other, first=first)
