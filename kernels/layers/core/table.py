"""The layers of both frameworks: which function makes each, and what a class takes from it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import derive
from kernels.errors import FieldError
from kernels.layers.core.linear import conv, conv_transpose, linear
from kernels.layers.core.norms import batch_norm, layer_norm
from kernels.layers.core.pointwise import activation, dropout, gate, group_pool, norm_activation
from kernels.layers.core.pooling import avg_pool, blur_pool, max_pool
from kernels.layers.core.spec import Spec
from kernels.layers.core.upsampling import upsample

MAKERS: dict[str, Callable[..., Spec]] = {
    "Activation": activation,
    "AvgPool": avg_pool,
    "BatchNorm": batch_norm,
    "BlurPool": blur_pool,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Dropout": dropout,
    "Gate": gate,
    "GroupPool": group_pool,
    "LayerNorm": layer_norm,
    "Linear": linear,
    "MaxPool": max_pool,
    "NormActivation": norm_activation,
    "Upsample": upsample,
}


def made(name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Spec:
    """What a layer of this name does with these arguments; a spec stands for itself."""
    return args[0] if len(args) == 1 and isinstance(args[0], Spec) else MAKERS[name](*args, **options)


def require_key(name: str, spec: Spec, key: Any, say: str) -> None:
    """Refuse to draw weights without a key."""
    if spec.drawn and key is None:
        raise FieldError(
            say.split("=")[0], f"is needed by {name}, whose weights are drawn", None, f"give {say}"
        )


def described(cls: type, more: dict[str, Any]) -> type:
    """The class with the help and the arguments of the function that makes it, and more arguments by name."""
    maker, build = MAKERS[cls.__name__], cls.__init__  # type: ignore[misc]

    def __init__(self: Any, *args: Any, **options: Any) -> None:
        build(self, *args, **options)

    own = inspect.signature(maker).parameters.values()
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    first = first.replace(kind=next(iter(own)).kind)
    added = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=v) for n, v in more.items()]
    __init__.__signature__ = inspect.Signature([first, *own, *added])  # type: ignore[attr-defined]
    cls.__init__ = __init__  # type: ignore[misc]
    text = inspect.getdoc(maker) or ""
    cls.__doc__ = re.sub(r"\n>>>.*?(?=\n\n|\Z)", "", text, flags=re.DOTALL).strip()
    return cls


def read_subgroup(point: derive.Group, subgroup: Any) -> derive.Group:
    """A subgroup as people give it: one that the point group made, or words in its generators."""
    if isinstance(subgroup, derive.Group):
        if subgroup.embedding is None or subgroup.embedding[0] != point:
            rule = f"must be a subgroup of {point.name}"
            raise FieldError("subgroup", rule, subgroup.name, "use G.point.subgroup(['r^2'])")
        return subgroup
    return point.subgroup([subgroup] if isinstance(subgroup, str) else subgroup)
