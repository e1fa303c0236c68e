"""The audit of a model: which layer loses which symmetry, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.action.act import own_map
from kernels.auditing.axes import BATCH, SITE, Atom, Axes, Book, atoms, is_field, named
from kernels.auditing.bench import Bench
from kernels.auditing.judge import Judge, fits
from kernels.auditing.modules import frameworks, has_fields, is_equinox
from kernels.auditing.motions import (
    Element,
    closure,
    dim_of,
    elements_of,
    fibre_of,
    format_word,
    generators_of,
    lattice_of,
    point_of,
    same_group,
)
from kernels.auditing.program import Program, trace
from kernels.auditing.report import Audit, AuditedLayer, few
from kernels.auditing.units import names_of, units_of, whole
from kernels.auditing.verdicts import Judged
from kernels.errors import KernelError, ShapeError

SAMPLES = 4
DEAD = (
    "the output is the same for all samples and at all sites, which shows little: give another x or weights"
)
ENOUGH = 8  # sites of an output at which a shift is seen beyond doubt


def audit(model: Callable[[Any], Any], x: Any, into: Any, out: Any = None) -> Audit:
    """Which layer of a model loses which symmetry: layer(g a) against g layer(a), for every layer by itself.

    The model is traced once at x. A layer is a call of an Equinox or Flax NNX module without modules inside,
    of a lowered op, or a line of code outside of them. Its recorded inputs are moved by every generator
    (where one is lost: by every element) and its outputs compared; on open borders about the centre of every
    array, and shifts away from the border; on periodic ones a single motion of space must move all arrays.
    Layers with attributes `into` and `out` are judged by these fields. Channels of others are scalars, or
    permuted with signs where comparing them shows it; functions that keep channels keep their field.

    Args:
        model: any callable of one array: a module, or a function (models that it closes over are found).
        x: an input (batch..., sites..., channels), or channels first; a few samples are enough. Channels that
            are the same everywhere show nothing: random numbers take their place, in layers too.
        into: the field that x holds, or a representation for x without sites.
        out: that of the output: a field, or a representation such as ``dv.trivial(G.point)`` for an output
            that must not change; by default what the output is found to carry.

    Returns:
        The layers, the first that loses something, and the subgroup that is kept; ``print`` shows a table.
        Errors are relative to the largest entry; up to a stated one (float32: 1e-4) they are rounding.

    Raises:
        KernelError: the model is not callable, returns several arrays, or an output of which no field is
            known; ShapeError: x or the output does not fit its field.

    >>> import derive as dv
    >>> from kernels.convolution.api import conv
    >>> from kernels.pool import max_pool
    >>> def model(x):
    ...     y = conv(x, jnp.array([[0.0, 1, 0], [1, 3, 1], [0, 1, 0]]).reshape(3, 3, 1, 1))
    ...     return max_pool(y, (2, 2), strides=2, padding="VALID")
    >>> x = jax.random.normal(jax.random.key(0), (1, 9, 9, 1))
    >>> found = audit(model, x, into=dv.Field(dv.point_group("C4", dim=2), grid=(9, 9)))
    >>> found.kept, found.first.cause
    ((), 'pooling phase: 9 sites, stride 2, samples not about the centre')

    Source: T. Cohen and M. Welling, "Group equivariant convolutional networks", arXiv:1602.07576, on which
    subgroup a pooling with a stride keeps; the search by layers is this library's own.
    """
    if not callable(model):
        raise KernelError("model", "must be callable", type(model).__name__, "give a module or a function")
    _check_fields(into, out)
    program = _program(model, jnp.asarray(x), into)
    _check_output(program, into, out)
    more = len(elements_of(into)) > len(generators_of(into))
    judge, judged, all_of_it = _judge(program, into, out, generators_of(into), stop=more)
    if more and any(j.lost for j in (*judged, all_of_it)):
        judge, judged, all_of_it = _judge(program, into, out, elements_of(into))
    return _report(judge, judged, all_of_it, into, np.shape(x))


def _judge(
    program: Program, into: Any, out: Any, elements: Sequence[Element], stop: bool = False
) -> tuple[Judge, list[Judged], Judged]:
    bench = Bench(program, _wrap(into))
    for a in atoms(program.axes[program.x]):
        if a.kind == "channel":
            bench.book.declared[a.key] = fibre_of(into)
    judge = Judge(bench, into, out, elements)
    if not judge.carried:
        why = _uncarried(judge, into)
        shown = next(iter(why.values()), f"the group {_title(into)}, which has none")
        raise KernelError("into", "must have a generator that moves x", shown, "give another x or group")
    judged = judge.run(units_of(program, dim_of(into)), stop)
    return judge, judged, judge.whole(whole(program))


def _wrap(into: Any) -> tuple[bool, ...]:
    lattice = lattice_of(into)
    return () if lattice is None else tuple(kind == "periodic" for kind in lattice.boundary)


# ---- what was given -----------------------------------------------------------------------------------


def _check_fields(into: Any, out: Any) -> None:
    for name, value in (("into", into), ("out", out)):
        if value is None and name == "out":
            continue
        if not hasattr(fibre_of(value), "blocks"):
            remedy = "use derive.Field(...) or a representation"
            raise KernelError(name, "must be a field", type(value).__name__, remedy)
    if out is not None and not same_group(into, out):
        both = f"{point_of(into)} and {point_of(out)}"
        raise KernelError("into, out", "must be fields of one group", both, "build both on the same group")


def _read(data: jax.Array, into: Any, channels_first: bool) -> tuple[jax.Array, Axes, Book]:
    """The input, and what its axes mean; of an array that could be either the order is as asked for."""
    book, dim, lattice = Book(), dim_of(into), lattice_of(into)
    if data.ndim < dim + 1:
        wanted = f"{dim} axes of sites and one of channels" if dim else "an axis of channels"
        raise ShapeError("x", f"must have {wanted}", data.shape, "add the axis that is missing")
    given = () if lattice is None else lattice.grid
    grid = [int(n) if n is not None and n.is_Integer else None for n in given]
    last, first = data.ndim - 1, data.ndim - 1 - dim
    orders = [(last, range(first, last)), (first, range(first + 1, last + 1))]
    for channels, sites in orders[::-1] if channels_first else orders:
        shape = [data.shape[i] for i in sites]
        if fits(into, data.shape[channels]) and all(g in (None, n) for g, n in zip(grid, shape, strict=True)):
            break
    else:
        sizes = " x ".join("any" if n is None else str(n) for n in grid)
        many = into.channels if hasattr(into, "channels") else into.dim
        rule = f"must hold {many} channel{'' if many == 1 else 's'}"
        rule += f" on {sizes} sites" if dim else ""
        raise ShapeError("x", rule, data.shape, "give x as (batch..., sites..., channels)")
    if 0 in data.shape:
        raise ShapeError("x", "must hold a sample", data.shape, "give at least one, and one site or more")
    axes: list[tuple[Atom, ...]] = [(Atom(BATCH, n),) for n in data.shape]
    for k, i in enumerate(sites):
        axes[i] = (Atom(SITE, data.shape[i], k),)
    axes[channels] = (book.new(data.shape[channels]),)
    return _generic(data, list(sites)), tuple(axes), book


def _generic(data: jax.Array, sites: list[int]) -> jax.Array:
    """The data; where it is the same at all sites, random numbers of its size, since it shows nothing."""
    if not jnp.issubdtype(data.dtype, jnp.inexact):
        return data
    spread = float(jnp.max(jnp.std(data.astype(jnp.float32), axis=tuple(sites)))) if sites else 1.0
    if spread > 1e-6 and bool(jnp.isfinite(data).all()):
        return data
    return jnp.asarray(np.random.default_rng(0).standard_normal(data.shape), data.dtype)


def _program(model: Callable[..., Any], x: jax.Array, into: Any) -> Program:
    """The model traced at a few samples, or at all of them where it needs as many as it was given."""
    first = is_equinox(model) and not has_fields(model) and x.ndim == dim_of(into) + 1
    batched = x.ndim > dim_of(into) + 1
    few, every = (_read(part, into, first) for part in (x[:SAMPLES] if batched else x, x))
    tries = [(model, few), *([(model, every)] if batched and len(x) > SAMPLES else [])]
    tries += [(jax.vmap(model), few)] if batched and isinstance(model, frameworks()) else []
    errors: list[Exception] = []
    for function, (data, axes, book) in tries:
        try:
            return trace(function, data, axes, book)
        except KernelError:
            raise
        except Exception as error:
            errors.append(error)
    text = str(errors[0]).strip().splitlines()
    shown = f"{type(errors[0]).__name__}: {text[0] if text else ''}"[:200]
    remedy = "call model(x) once, and model.eval() first where it keeps statistics"
    raise KernelError("model", f"must take x of shape {x.shape}", shown, remedy) from errors[0]


def _check_output(program: Program, into: Any, out: Any) -> None:
    """The output must hold a field: one that is known, or the one that was named."""
    axes, shape, dim = program.axes[program.y], np.shape(program.values[program.y]), dim_of(into)
    if not is_field(axes, dim):
        if out is None:
            rule = "must return a field: what the axes of its output mean was lost on the way"
            raise KernelError("model", rule, shape, "give out=, a field with its sites, or a representation")
        if len(shape) < dim_of(out) + 1:
            raise ShapeError("out", f"must fit an output of shape {shape}", out, "name the output's field")
        program.axes[program.y] = named(shape, dim_of(out), program.book)
    flat = atoms(program.axes[program.y])
    sites = sum(a.kind == SITE for a in flat)
    width = int(np.prod([a.size for a in flat if a.kind == "channel"], initial=1))
    if out is None:
        return
    if sites != dim_of(out):
        rule = f"must fit the model's output, which has {sites or 'no'} axes of sites"
        raise ShapeError("out", rule, out, "use a representation for an output without sites")
    if not fits(out, width):
        raise ShapeError("out", f"must have the output's {width} channels", out, f"build a fibre of {width}")


# ---- what was found -----------------------------------------------------------------------------------


def _report(judge: Judge, judged: list[Judged], model: Judged, into: Any, shape: tuple[int, ...]) -> Audit:
    bench, units = judge.bench, judged
    layers = []
    names = names_of([j.unit for j in units], bench.program)
    for name, j in zip(names, units, strict=True):
        layers.append(
            AuditedLayer(
                name,
                _kept(judge, j, into),
                _lost(judge, j, into),
                {g: j.verdicts[g].error for g in _generators(judge, into) if g in j.verdicts},
                "; ".join(c.name for c in j.causes),
                "; ".join(c.remedy for c in j.causes),
            )
        )
    generators = tuple(_generators(judge, into))
    return Audit(
        group=_title(into),
        shape=shape,
        generators=generators,
        layers=tuple(layers),
        kept=_whole(judge, units, model, into),
        tolerance=max(bench.tolerance(j.unit) for j in units),
        uncarried=_uncarried(judge, into),
        notes=tuple(_notes(layers, units, model, bench, generators)),
    )


def _notes(
    layers: Sequence[AuditedLayer],
    units: Sequence[Judged],
    model: Judged,
    bench: Bench,
    generators: Sequence[str],
) -> list[str]:
    """Layers that keep all and yet mix samples; elements that only the model as a whole loses."""
    names = [
        layer.name
        for layer, j in zip(layers, units, strict=True)
        if not layer.lost and bench.sums_samples(j.unit)
    ]
    rest = "uses the statistics of the batch, so that a sample's output depends on the other samples"
    notes = [f"{', '.join(names)} {rest}: switch to inference"] if names else []
    notes += [DEAD] if bench.is_dead(model.unit) else []
    notes += [_doubt(layer.name, j, bench) for layer, j in zip(layers, units, strict=True) if j.doubts]
    blamed = {name for j in units for name in j.lost}
    alone = [name for name in model.lost if name not in blamed and not name.startswith("t_")]
    saved = [name for name in model.verdicts if model.verdicts[name].kept and name in blamed]
    saved = [name for name in saved if not name.startswith("t_")]
    if saved:
        shown = few([n for n in saved if n in generators] or saved)
        notes.append(f"the model as a whole keeps {shown} all the same")
    if alone:
        notes.append(f"every layer keeps {alone[0]} and the model loses it: they keep it about other centres")
    return notes


def _doubt(name: str, judged: Judged, bench: Bench) -> str:
    """What too few sites leave open, and how many would tell."""
    sites = min((bench.layout(o).sites for o in judged.unit.outs if bench.layout(o).sites), default=())
    least = max(
        -(-n * ENOUGH // max(m, 1)) for n, m in zip(bench.layout(bench.program.x).sites, sites, strict=True)
    )
    shown, open_ = " x ".join(map(str, sites)), ", ".join(judged.doubts)
    what = f"{name}: {shown} sites are too few to tell whether it keeps {open_}"
    return f"{what}: audit at {least} sites of x or more"


def _title(into: Any) -> str:
    """The name of the group; of a point group without translations its own."""
    group = getattr(into, "group", None)
    return str(group) if any(getattr(group, "period", ())) else str(point_of(into))


def _generators(judge: Judge, into: Any) -> list[str]:
    """The group's own generators, translations first."""
    translations = getattr(getattr(into, "group", None), "translations", {})
    return [*translations, *(e.name for e in generators_of(into))]


def _kept(judge: Judge, judged: Judged, into: Any) -> tuple[str, ...]:
    """Generators of the subgroup that a layer keeps."""
    kept = [n for n, v in judged.verdicts.items() if v.kept]
    shifts = [next((e.name for e in axis if e.name in kept), None) for axis in judge.shifts]
    return (*(s for s in shifts if s), *_spanning(judge, kept, into))


def _spanning(judge: Judge, kept: Sequence[str], into: Any) -> list[str]:
    """A few of the elements kept, the group's generators first, that make the others."""
    own = [e.name for e in generators_of(into) if e.name in kept]
    if len(own) == len(generators_of(into)) or len(judge.elements) == len(generators_of(into)):
        return own
    names = {e.name: e for e in judge.elements}
    chosen = [names[n] for n in own]
    reached = closure(into, [e.word for e in chosen])
    table = point_of(into).elements
    for e in judge.elements:
        if e.name in kept and table.index(e.word) not in reached:
            chosen.append(e)
            reached = closure(into, [c.word for c in chosen])
    return [format_word(c.word) for c in chosen]


def _lost(judge: Judge, judged: Judged, into: Any) -> tuple[str, ...]:
    """The group's generators that a layer loses; where it has lost those before, other elements."""
    shifts = []
    for axis in judge.shifts:
        alive = [e.name for e in axis if e.name in judged.lost]
        shifts += alive[:1]
    own = [e.name for e in generators_of(into) if e.name in judged.lost]
    return (*shifts, *(own or [n for n in judged.lost if not n.startswith("t_")][:1]))


def _whole(judge: Judge, units: list[Judged], model: Judged, into: Any) -> tuple[str, ...]:
    """What the model keeps: tested at once, but shifts on open axes, which have no room, layer by layer."""
    kept = [n for n, v in model.verdicts.items() if v.kept]
    shifts = []
    for axis in judge.shifts:
        k = axis[0].axis or 0
        open_ = {name for j in units for name in j.doubts}
        kept_by_all = [e for e in axis if all(j.verdicts[e.name].kept for j in units if e.name in j.verdicts)]
        inner = [e.name for e in kept_by_all if e.name not in open_]
        names = [e.name for e in axis if e.name in (kept if judge.bench.wrap[k] else inner)]
        shifts += names[:1]
    return (*shifts, *_spanning(judge, kept, into))


def _uncarried(judge: Judge, into: Any) -> dict[str, str]:
    """The generators that the sites of x do not carry to themselves, and why."""
    tested = {axis[0].name for axis in judge.shifts}
    translations = getattr(getattr(into, "group", None), "translations", {})
    few = f"{' x '.join(map(str, judge.sites))} sites are too few to see a shift inside of the border"
    reasons = {name: few for name in translations if name not in tested}
    points = [e.name for e in generators_of(into) if e.name not in judge.carried]
    return reasons | {name: _refusal(into, name, judge) for name in points}


def _refusal(into: Any, name: str, judge: Judge) -> str:
    x = judge.bench.program.x
    try:
        own_map(into, into.action(name, judge.bench.layout(x).width), judge.sites)
    except KernelError as error:
        return str(error)
    return f"no motion of {' x '.join(map(str, judge.sites))} sites by it was found"
