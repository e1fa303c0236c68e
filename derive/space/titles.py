"""What differential operators are called: grad, div, curl, grad div, Laplacian, and their like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sympy
from sympy import ImmutableMatrix, Matrix

from derive.notation import Named
from derive.space.answer import Kernel

WORDS = {  # by the kinds of input and output, scalars, vectors and traceless tensors, and the kernel
    ("s", "s", "1"): "",
    ("s", "v", "d"): "grad",
    ("s", "v", "J d"): "J grad",
    ("v", "s", "d^T"): "div",
    ("v", "s", "(J d)^T"): "rot",
    ("v", "v", "I"): "",
    ("v", "v", "J"): "J",
    ("v", "v", "[d]_x"): "curl",
    ("s", "t", "S(d d^T)"): "traceless Hessian",
    ("t", "s", "d^T M d"): "div div",
    ("v", "t", "S(d v^T)"): "traceless strain",
    ("t", "v", "M d"): "div",
    ("t", "v", "d x M d"): "curl div",
}
# Harmonic kernels whose sum with |d|^2 I or |d|^2 J is a product of two operators.
PRODUCTS = {
    "S(d d^T)": ("d d^T", "d d^T", "grad div"),
    "S(d (J d)^T)": ("d (J d)^T", "d (J d)^T", "grad rot"),
}


class Title(NamedTuple):
    """A kernel as an operator: |d|^(2 half) times a matrix, its name and its form, where it has them."""

    matrix: ImmutableMatrix
    half: int
    name: str | None
    form: Named | None


def title(kernel: Kernel, kinds: tuple[Any, Any], half: int, letters: Sequence[Any]) -> Title:
    """What ``|d|^(2 half) K(d)`` is called."""
    if kernel.name is None:
        return Title(kernel.matrix, half, None, None)
    text, tex = map(str, kernel.name.parts)
    if kinds == ("v", "v") and text in PRODUCTS:
        d = Matrix(letters)
        other = Matrix([-d[1], d[0]]) if "J" in text else d
        text, tex, word = PRODUCTS[text]
        whole = ImmutableMatrix((d * other.T).applyfunc(sympy.expand))
        return Title(whole, half, _word(word, half), _form(text, tex, half))
    known = WORDS.get((*kinds, text))
    return Title(kernel.matrix, half, None if known is None else _word(known, half), _form(text, tex, half))


def _word(word: str, half: int) -> str:
    laplacian = "" if not half else "Laplacian" if half == 1 else f"Laplacian^{half}"
    return " ".join(filter(None, (word, laplacian))) or "identity"


def _form(text: str, tex: str, half: int) -> Named:
    if not half:
        return Named(text, tex)
    power, alone = 2 * half, text == "1"
    shown = (f"|d|^{power}", rf"|d|^{{{power}}}")
    return Named(*shown) if alone else Named(f"{shown[0]} {text}", f"{shown[1]} {tex}")
