"""Ops as artifacts: StableHLO for several platforms at once, from a host that needs none of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from kernels.errors import ExportError, brief
from kernels.integers import index
from kernels.jax_versions import InconclusiveDimensionOperation
from kernels.pickling import Fields

PLATFORMS = ("cpu", "cuda", "tpu")
KNOWN = ("cpu", "cuda", "rocm", "tpu")
Size = int | str  # a number, or the name of one that stays open


@dataclass(frozen=True)
class Artifact(Fields):
    """An exported op: `data` are its bytes, to be kept in a file; calling it needs JAX and no op.

    `artifact(x)` where the weights are baked in, `artifact(w, x)` or `artifact(w, x, b)` where they are
    arguments. It can be called under `jit`, and differentiated as often as it was exported for.
    """

    data: bytes

    @cached_property
    def exported(self) -> export.Exported:
        """What `jax.export` makes of the bytes.

        Raises:
            ExportError: the bytes are no artifact.
        """
        try:
            return export.deserialize(bytearray(self.data))
        except Exception as error:  # flatbuffers, StableHLO and JAX each have errors of their own
            raise ExportError(
                "data",
                "must be the bytes of an artifact",
                f"{len(self.data)} bytes",
                f"give op.export(...).data: {error}",
            ) from error

    @property
    def platforms(self) -> tuple[str, ...]:
        return tuple(self.exported.platforms)

    @property
    def arguments(self) -> Any:
        """The shapes and dtypes to call it with, one tree per argument; open sizes are names."""
        exported = self.exported
        leaves = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in exported.in_avals]
        return jax.tree.unflatten(exported.in_tree, leaves)[0]

    def __call__(self, *arguments: Any) -> jax.Array:
        """The op, on a device of one of the platforms.

        Raises:
            ExportError: other shapes or dtypes than it was exported for, another platform, or under `vmap`.
        """
        self._check(arguments)
        try:
            return self.exported.call(*arguments)
        except (ValueError, NotImplementedError) as error:
            raise self._refusal(arguments, str(error).splitlines()[0]) from error

    def _refusal(self, arguments: Any, why: str) -> ExportError:
        """What JAX's complaint means here."""
        if "Batching rule" in why:
            rule, value, remedy = (
                "cannot be mapped",
                why,
                'leave the batch open, ("n", ...), and give it there',
            )
            return ExportError("the artifact", rule, value, remedy)
        if "exported for platforms" in why:
            rule = f"must be called on one of its platforms {self.platforms}"
            return ExportError("the artifact", rule, jax.default_backend(), "export it for this one too")
        return ExportError(
            "the arguments of the artifact",
            "must fit its open sizes",
            [jnp.shape(leaf) for leaf in jax.tree.leaves(arguments)],
            f"give {self._wanted()}: {why.partition('. Using')[0]}",
        )

    def _wanted(self) -> str:
        return ", ".join(
            f"{leaf.dtype.name}[{','.join(map(str, leaf.shape))}]" for leaf in jax.tree.leaves(self.arguments)
        )

    def _check(self, given: Any) -> None:
        seen, wanted = jax.tree.leaves(given), jax.tree.leaves(self.arguments)
        alike = str(jax.tree.structure(given)) == str(jax.tree.structure(self.arguments))
        if not alike or not all(map(_fits, seen, wanted)):
            shapes = ", ".join(f"{jnp.result_type(a).name}{list(jnp.shape(a))}" for a in seen)
            raise ExportError(
                "the arguments of the artifact",
                "must have the shapes and dtypes that it was exported for",
                shapes or "nothing",
                f"give {self._wanted()}",
            )


def _fits(array: Any, wanted: jax.ShapeDtypeStruct) -> bool:
    """Whether the numbers among the sizes agree; open ones take any."""
    shape = jnp.shape(array)
    return (
        jnp.result_type(array) == wanted.dtype
        and len(shape) == len(wanted.shape)
        and all(n == m for n, m in zip(shape, wanted.shape, strict=True) if isinstance(m, int))
    )


class Exportable(ABC):
    """An op that can be exported: op(w, x) and op(w, x, b) are jitted functions of arrays."""

    @abstractmethod
    def __call__(self, w: Any, x: jax.Array, b: Any = None) -> jax.Array:
        """The op on an input x."""

    def export(
        self,
        w: Any,
        shape: Sequence[Size],
        *,
        b: Any = None,
        platforms: Sequence[str] = PLATFORMS,
        baked: bool = False,
        dtype: Any = None,
        constraints: Sequence[str] = (),
        derivatives: int = 1,
    ) -> Artifact:
        """The op for inputs of one shape, lowered for several platforms at once and serialised.

            op.export(w, shape)(w, x) == op(w, x)        and baked in:  op.export(w, shape, baked=True)(x)

        Args:
            w: the weights, as `init` gives them; only their shapes matter unless they are baked in.
            shape: (batch..., spatial..., C_in); a size may be a name such as "n" or "2*h", which leaves it
                open, where the op can be written down without knowing it.
            b: biases, if the artifact is to have them.
            platforms: of "cpu", "cuda", "rocm" and "tpu"; none of them has to be at hand.
            baked: whether the weights and biases are part of the artifact, or arguments of it.
            dtype: of the input; by default that of the weights.
            constraints: what may be presumed of open sizes, such as "h >= 8".
            derivatives: how often the artifact can be differentiated.

        Raises:
            ExportError: an unknown platform, or a size left open that has to be known.

        >>> import derive, kernels
        >>> x = derive.Field(derive.translations(1), channels=1)
        >>> op = kernels.lower(derive.solve(x, x, support=derive.box(1)))
        >>> artifact = op.export(jnp.array([1.0, 2.0, 3.0]), ("n", 1), baked=True)
        >>> artifact.platforms, artifact(jnp.ones((4, 1))).ravel().tolist()
        (('cpu', 'cuda', 'tpu'), [5.0, 6.0, 6.0, 3.0])

        Source: StableHLO specification, https://openxla.org/stablehlo/spec.
        """
        options = (platforms, baked, dtype, constraints, derivatives)
        return exported(self, w, (shape,), b, *options)


def exported(
    op: Any,
    w: Any,
    shapes: Sequence[Sequence[Size]],
    b: Any,
    platforms: Sequence[str],
    baked: bool,
    dtype: Any,
    constraints: Sequence[str],
    derivatives: int,
) -> Artifact:
    """op(w, x, ..., b) for inputs of these shapes, one or more; see `Exportable.export`."""
    _check_platforms(platforms)
    _check_derivatives(derivatives)
    held = (w,) if b is None else (w, b)
    held = jax.tree.map(jnp.asarray, held)
    read = _shapes(shapes, constraints)
    inputs = [jax.ShapeDtypeStruct(shape, dtype or jax.tree.leaves(held)[0].dtype) for shape in read]
    if baked:
        function, given = jax.jit(lambda *x: op(held[0], *x, *held[1:])), tuple(inputs)
    else:
        typed = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), held)
        function, given = jax.jit(op.__call__), (typed[0], *inputs, *typed[1:])
    return Artifact(_serialised(function, given, platforms, derivatives, [n for s in read for n in s]))


def exported_as(function: Any, given: Sequence[Any], platforms: Sequence[str], derivatives: int) -> Artifact:
    """A jitted function of arrays of known shapes as an artifact."""
    _check_platforms(platforms)
    _check_derivatives(derivatives)
    return Artifact(_serialised(function, tuple(given), platforms, derivatives, ()))


def _check_platforms(platforms: Sequence[str]) -> None:
    unknown = [name for name in platforms if name not in KNOWN]
    if isinstance(platforms, str) or unknown or not platforms:
        raise ExportError(
            "platforms", f"must be some of {KNOWN}", brief(platforms), 'say platforms=("cpu", "cuda")'
        )


def _check_derivatives(derivatives: object) -> None:
    times = index(derivatives)
    if times is None or times < 0:
        raise ExportError("derivatives", "must be a number of times", brief(derivatives), "give 0, 1, 2, ...")


def _shapes(shapes: Sequence[Sequence[Size]], constraints: Sequence[str]) -> list[tuple[Any, ...]]:
    """The shapes with their names as symbols of one scope."""
    for shape in shapes:
        _check_shape(shape)
    flat = iter(_sizes([n for shape in shapes for n in shape], constraints))
    return [tuple(islice(flat, len(shape))) for shape in shapes]


def _check_shape(shape: Any) -> None:
    known = isinstance(shape, list | tuple) and all(isinstance(n, str | int | np.integer) for n in shape)
    if not known or any(not isinstance(n, str) and n < 0 for n in shape):
        raise _not_sizes(shape)


def _sizes(shape: Sequence[Size], constraints: Sequence[str]) -> tuple[Any, ...]:
    if not any(isinstance(n, str) for n in shape):
        return tuple(map(int, shape))
    text = ", ".join(map(str, shape))
    try:
        return tuple(export.symbolic_shape(f"({text},)", constraints=tuple(constraints)))
    except ValueError as error:
        raise _not_sizes(tuple(shape), f": {error}") from error


def _not_sizes(shape: Any, why: str = "") -> ExportError:
    return ExportError(
        "shape",
        "must be numbers and names of sizes",
        brief(shape),
        f'say ("n", "h", "w", 3), or numbers{why}',
    )


def _serialised(
    function: Any, given: Any, platforms: Sequence[str], derivatives: int, shape: Sequence[Any]
) -> bytes:
    try:
        made = export.export(function, platforms=tuple(platforms))(*given)
        return bytes(made.serialize(vjp_order=derivatives))
    except InconclusiveDimensionOperation as error:
        raise _open(shape, str(error).splitlines()[0]) from error
    except (TypeError, NotImplementedError) as error:
        if all(isinstance(size, int) for size in shape):
            raise
        raise _open(shape, str(error).splitlines()[0]) from error


def _open(shape: Sequence[Any], why: str) -> ExportError:
    return ExportError(
        "shape",
        "must give numbers for the sizes that this op depends on",
        f"({', '.join(map(str, shape))})",
        f"give those, or constraints on the names: {why}",
    )
