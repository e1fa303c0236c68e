"""Layers after one another: each must read what the one before returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import derive
from kernels.errors import FieldError
from kernels.layers.core.fields import require_same


def flat(layers: Sequence[Any]) -> list[Any]:
    """Layers as people give them: one after another, or in one list."""
    found = list(layers[0]) if len(layers) == 1 and isinstance(layers[0], list | tuple) else list(layers)
    if not found:
        raise FieldError(
            "layers", "must hold at least one layer", "none", "give Sequential(layer, layer, ...)"
        )
    return found


def linked(layers: Sequence[Any], wrap: Callable[..., Any]) -> list[Any]:
    """The layers, plain functions made activations of the field that they are given, all checked.

    `wrap(field, fn)`: an activation layer, which refuses functions that do not commute with the group.
    """
    typed = [i for i, layer in enumerate(layers) if has_fields(layer)]
    if not typed:
        rule = "must hold a layer with fields"
        raise FieldError("layers", rule, [_title(f) for f in layers], "begin with Conv, Linear or Activation")
    found = list(layers)
    field = layers[typed[0]].into
    for i, layer in enumerate(layers):
        if not has_fields(layer):
            found[i] = _wrapped(i, layer, field, wrap)
        elif i:
            remedy = getattr(getattr(layer, "spec", None), "before", "")
            require_same(_place(i - 1, found[i - 1]), field, _place(i, layer), layer.into, remedy)
        field = found[i].out
    return found


def has_fields(layer: Any) -> bool:
    """Whether something says which field it reads and which it returns."""
    return isinstance(getattr(layer, "into", None), derive.Field) and isinstance(
        getattr(layer, "out", None), derive.Field
    )


def _wrapped(i: int, fn: Any, field: derive.Field, wrap: Callable[..., Any]) -> Any:
    try:
        return wrap(field, fn)
    except FieldError as error:
        rule = (
            f"has no fields, and is no function that commutes with the group: {error.argument} {error.rule}"
        )
        raise FieldError(_place(i, fn), rule, error.value, error.remedy) from error


def _place(i: int, layer: Any) -> str:
    return f"layers[{i}] ({_title(layer)})"


def _title(layer: Any) -> str:
    return getattr(layer, "__name__", None) or type(layer).__name__


def common_group(layers: Sequence[Any]) -> derive.SpaceGroup:
    """The group of the layer that keeps the fewest translations."""
    groups = [layer.group for layer in layers if layer.group.dim]
    return max(groups, key=lambda group: tuple(group.period)) if groups else layers[-1].group


def require_state(state: Any) -> Any:
    """Refuse to normalise batches without running statistics."""
    if state is None:
        remedy = "make the model with equinox.nn.make_with_state, and call model(x, state)"
        raise FieldError("state", "is needed by BatchNorm", None, remedy)
    return state


def require_layers(held: bool, model: Any) -> None:
    """Refuse to restrict what holds no layer."""
    if not held:
        remedy = "give a layer, a Sequential, or a model that holds layers"
        raise FieldError("model", "must hold a layer of this module", _title(model), remedy)
