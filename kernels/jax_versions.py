"""What JAX offers under other names in other versions, or to itself only: asked for here and nowhere else.

No name below is promised by JAX. Where one is missing a warning says what is then missing here; nothing is
computed another way without being told.

    name                                        | used for                      | where it is missing
    --------------------------------------------|-------------------------------|-----------------------------
    jax.errors.InconclusiveDimensionOperation   | a message of `export`         | its name in 0.10.0 is tried
    manual_axis_type of a type                  | gradients inside `shard_map`  | its name in 0.10.0, `vma`
    jax._src.dispatch                           | who is told the devices       | a convolution on several
      .prim_requires_devices_during_lowering    |                               | gathers: right, slow
    jax._src.custom_partitioning                | a program of several devices  | it is compiled anew in a
      ._sharding_callbacks                      | that the compile cache finds  | process: right, slow start
    jax._src.checkify.error_checks,             | `checkify` float checks       | they pass convolutions over
      .nan_error_check                          |                               |
    jax.experimental.jet.jet_rules, .deflinear, | `jet`                         | it raises an error
      ._bilinear_taylor_rule                    |                               |

What JAX names in public, though not to every user, is asked for where it is used, and its absence is an error
at import: `jax.core.ShapedArray`, `jax.core.Tracer` and `jax.core.max_dim`, `jax.extend.core`,
`jax.interpreters` and `jax.interpreters.batching`, `jax.make_user_context`,
`jax.experimental.custom_partitioning`, `jax.experimental.xla_metadata`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, MutableMapping, MutableSet
from functools import partial
from typing import Any

import jax

try:
    from jax.errors import InconclusiveDimensionOperation
except ImportError:  # JAX 0.10.0
    from jax.extend.core import InconclusiveDimensionOperation

__all__ = ["InconclusiveDimensionOperation", "known_to_tools", "told_devices", "under_one_name", "varying"]


def _missing(name: str, consequence: str) -> None:
    """JAX has no such name any more: say what follows."""
    warnings.warn(f"JAX {jax.__version__} has no {name}: {consequence}", RuntimeWarning, stacklevel=2)


def _nobody(*_: Any, **__: Any) -> None:
    """Whom to tell where JAX has nobody."""


try:  # the primitives whose lowering is told the device assignment; XLA partitions others by itself
    from jax._src.dispatch import prim_requires_devices_during_lowering as told_devices
except ImportError:
    told_devices: MutableSet[Any] = set()  # type: ignore[no-redef]
    _missing("list of primitives to tell devices", "convolutions on several devices gather whole images")

try:  # what XLA's partitioner asks, by the text in the call
    from jax._src.custom_partitioning import _sharding_callbacks as _callbacks
except ImportError:
    _callbacks: MutableMapping[bytes, Any] = {}  # type: ignore[no-redef]
    _missing("table of sharding callbacks", "the compile cache never hits on several devices")

try:
    from jax._src.checkify import error_checks as _error_checks
    from jax._src.checkify import nan_error_check as _nan_error_check
except ImportError:
    _error_checks: MutableMapping[Any, Any] = {}  # type: ignore[no-redef]
    _nan_error_check: Callable[..., Any] = _nobody  # type: ignore[no-redef]
    _missing("table of error checks", "checkify passes convolutions over; use kernels.only_lax()")

try:
    from jax.experimental.jet import _bilinear_taylor_rule, jet_rules
    from jax.experimental.jet import deflinear as _deflinear
except ImportError:
    jet_rules: MutableMapping[Any, Any] = {}  # type: ignore[no-redef]
    _bilinear_taylor_rule, _deflinear = _nobody, _nobody
    _missing("rules of jet", "jet cannot go through convolutions; use kernels.only_lax()")


def varying(aval: Any) -> frozenset[Any]:
    """The mesh axes over which a value varies inside `jax.shard_map`."""
    kind = getattr(aval, "manual_axis_type", None)
    return frozenset(getattr(aval, "vma", ()) if kind is None else kind.varying)


def known_to_tools(primitive: Any, operands: int) -> None:
    """Tell `checkify` and `jet` about a primitive that is linear in each of one or two operands."""
    _error_checks[primitive] = partial(_nan_error_check, primitive)
    if operands == 1:
        _deflinear(primitive)
    else:
        jet_rules[primitive] = partial(_bilinear_taylor_rule, primitive)


def under_one_name(ctx: Any, results: Any, name: str) -> None:
    """Let a call to the partitioner carry this name, not the address of what answers for it.

    The name has to say everything that the answer depends on but the mesh, which is added. Calls of one name
    share one answer, which lives as long as any of their programs.
    """
    (result,) = results
    given = dict(result.owner.attributes).get("backend_config")
    mine = None if given is None else _callbacks.get(given.value.encode())
    if given is None or mine is None:
        _missing("such call to the partitioner as in 0.10", "the compile cache never hits on several devices")
        return
    name = f"{name} {mine.mesh.shape_tuple}"
    ctx.module_context.add_keepalive(_callbacks.setdefault(name.encode(), mine))
    result.owner.attributes["backend_config"] = type(given).get(name, context=given.context)
