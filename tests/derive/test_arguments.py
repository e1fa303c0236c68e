"""Wrong and lazy arguments of every public function: each works or says what to do, in one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import derive as dv

C4, S3 = dv.point_group("C4"), dv.symmetric(3)
P4, T1, T2 = dv.wallpaper("p4"), dv.translations(1), dv.translations(2)
V, P = dv.defining(C4), dv.permutation(S3)
FIELD = dv.Field(T2, channels=1)
SPACE = dv.Field(dv.euclidean(2))
SOLUTION = dv.solve(FIELD, FIELD, support=dv.box(1))
TURN = [[0, -1], [1, 0]]

# What people write instead: numbers that are none, other kinds of numbers, words, lists, other objects.
INPUTS: dict[str, Any] = {
    "None": None,
    "True": True,
    "0": 0,
    "-1": -1,
    "2": 2,
    "NumPy 3": np.int64(3),
    "1.0": 1.0,
    "2.5": 2.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "1j": 1j,
    "1/2": Fraction(1, 2),
    "oo": sympy.oo,
    "sqrt(2)": sympy.sqrt(2),
    "Float": sympy.Float(2),
    "symbol": sympy.Symbol("n"),
    "empty text": "",
    "n": "n",
    "a sentence": "no such thing",
    "p4m": "p4m",
    "bytes": b"r",
    "[]": [],
    "()": (),
    "{}": {},
    "[1, 2]": [1, 2],
    "[None]": [None],
    "['r']": ["r"],
    "ragged": [[1, 2], [3]],
    "matrix": TURN,
    "[matrix]": [TURN],
    "array": np.array([[1, 0], [0, 1]]),
    "floats": np.array([1.5, 2.5]),
    "mapping": {"r": 1},
    "odd mapping": {1: None},
    "generator": (i for i in (1, 2)),
    "object": object(),
    "type": int,
    "function": len,
    "space group": P4,
    "group": C4,
    "permutations": S3,
    "Lie group": dv.special_orthogonal(2),
    "representation": V,
    "field": FIELD,
    "support": dv.box(1),
    "solution": SOLUTION,
}

# Arguments that work; each is replaced by every input in turn.
GOOD: dict[str, dict[str, Any]] = {
    "Field": {
        "group": P4,
        "channels": 1,
        "fibre": None,
        "name": "x",
        "grid": (4, 4),
        "boundary": "periodic",
        "spacing": 1,
        "offset": 0,
    },
    "Group": {"name": "C2", "generators": ("a",), "relations": ("a^2",)},
    "Representation": {"group": C4, "matrices": {"r": TURN}, "name": "V"},
    "SpaceGroup": {
        "point": C4,
        "period": (Fraction(1), Fraction(1)),
        "centre": (Fraction(0), Fraction(0)),
        "glide": (),
        "action": (),
    },
    "adjoints": {
        "dim": 1,
        "kernel_size": 3,
        "strides": 1,
        "padding": "SAME",
        "dilation": 1,
        "groups": 1,
        "channels": ("C", "D"),
        "size": None,
        "transposed": False,
        "flip": False,
    },
    "alt": {"V": V, "k": 2},
    "alternating": {"n": 3},
    "ball": {"radius": 1},
    "block_matrix": {
        "taps": [sympy.MatrixSymbol("W", 2, 2)],
        "size": 3,
        "strides": 1,
        "padding": "SAME",
        "dilation": 1,
    },
    "box": {"radius": 1},
    "commutation": {"dim": 1, "lattice": True, "flip": True},
    "compose_kernels": {"first": [1, 2], "second": [3, 4], "dim": 1, "strides": 1, "dilation": (1, 1)},
    "composition": {"dim": 1, "kernel_sizes": (3, 3), "strides": (1, 1), "dilation": (1, 1)},
    "conv_matrix": {
        "kernel": ["a", "b"],
        "size": 4,
        "strides": 1,
        "padding": "SAME",
        "dilation": 1,
        "groups": 1,
        "flip": False,
    },
    "cyclic": {"n": 3},
    "decompose": {"V": V},
    "defining": {"group": C4},
    "determinant": {"V": V},
    "dihedral": {"n": 3},
    "euclidean": {"n": 2, "point": None},
    "general_linear": {"n": 2},
    "hexagon": {"radius": 1},
    "hyperoctahedral": {"n": 2},
    "irrep": {"group": dv.special_orthogonal(3), "l": 1, "parity": None},
    "irreps": {"group": C4, "max_frequency": 1},
    "latex": {"expr": sympy.Symbol("x")},
    "lorentz": {"full": False},
    "matrix_group": {"generators": {"r": TURN}, "relations": ("r^4",), "name": "G", "algebra": None},
    "orthogonal": {"n": 2},
    "outer": {"V": V, "W": V},
    "patch_matrix": {
        "x": ["a", "b", "c"],
        "kernel_size": 2,
        "out_channels": None,
        "strides": 1,
        "padding": "SAME",
        "dilation": 1,
        "groups": 1,
        "flip": False,
    },
    "permutation": {"group": S3},
    "permutation_group": {"generators": {"a": [1, 0]}, "relations": (), "name": "G"},
    "point_group": {"name": "C4", "dim": 2},
    "quotient": {"group": S3, "subgroup": S3.subgroup(["s"])},
    "receptive_field": {"kernel_sizes": [3, 3], "strides": 1, "dilation": 1},
    "regular": {"group": C4},
    "sign": {"group": C4},
    "solve": {"x": FIELD, "y": FIELD, "support": dv.box(1), "bias": True, "max_degree": None},
    "space_group": {"point": C4, "period": 1, "centre": 0, "glide": None, "name": "", "action": None},
    "special_linear": {"n": 2},
    "special_orthogonal": {"n": 2},
    "sym": {"V": V, "k": 2},
    "symmetric": {"n": 3},
    "symplectic": {"m": 1},
    "text": {"expr": sympy.Symbol("x")},
    "translations": {"dim": 2, "period": 1},
    "trivial": {"group": C4},
    "wallpaper": {"name": "p4m", "period": None},
    "window": {"size_": 3, "dilation": 1},
    "wreath": {"group": dv.cyclic(2), "n": 2},
}

ANSWERS = {
    "Adjoints",
    "Certificate",
    "Commutation",
    "Composition",
    "Decomposition",
    "DecompositionCertificate",
    "Derivation",
    "Euclidean",
    "IrreduciblePiece",
    "Solution",
    "Step",
    "Support",
    "Tying",
}
CASES = [(name, argument) for name, arguments in GOOD.items() for argument in arguments]


def raw(call: Callable[[], Any]) -> str | None:
    """What went wrong in a way that a user cannot act on, or None."""
    try:
        call()
    except dv.DeriveError as error:
        lines = str(error).splitlines()
        parts = (error.argument, error.rule, error.remedy)
        return None if len(lines) == 1 and all(parts) else f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def test_every_public_function_is_tried() -> None:
    errors = {name for name in dv.__all__ if name.endswith("Error")}
    assert set(GOOD) == set(dv.__all__) - errors - ANSWERS


# What is called on an object: arguments that work, by position.
METHODS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "Group.subgroup": (C4.subgroup, (["r^2"], "H")),
    "Group.matrix": (C4.matrix, ("r",)),
    "Group.image": (C4.image, ("r",)),
    "Group.index": (C4.index, ("r",)),
    "Group.word": (C4.word, ("r^2",)),
    "Group.__mul__": (lambda other: C4 * other, (S3,)),
    "SpaceGroup.restrict": (P4.restrict, (C4.subgroup(["r^2"]),)),
    "Representation.matrix": (V.matrix, ("r",)),
    "Representation.monomial": (V.monomial, ("r",)),
    "Representation.restrict": (V.restrict, (C4.subgroup(["r^2"]),)),
    "Field.restrict": (dv.Field(P4).restrict, (P4.restrict(C4.subgroup(["r^2"])),)),
    "Differential": (dv.solve(SPACE, SPACE).differential, (1,)),
    "a label of S_3": (lambda label: dv.irrep(S3, label), ((2, 1),)),
    "a label of a product": (lambda label: dv.irrep(S3 * C4, label), (((2, 1), 1),)),
    "Solution.project": (SOLUTION.project, (np.zeros((1, 1, 3, 3)),)),
    "Representations.project": (dv.solve(V, V).project, (np.zeros((2, 2)),)),
    "Fields.project": (dv.solve(dv.Field(P4), dv.Field(P4), dv.box(1)).project, (np.zeros((1, 1, 3, 3)),)),
    "Representations.restrict": (dv.solve(V, V).restrict, (C4.subgroup(["r^2"]),)),
    "Fields.restrict": (
        dv.solve(dv.Field(P4), dv.Field(P4), dv.box(1)).restrict,
        (P4.restrict(C4.subgroup(["r^2"])),),
    ),
}
PLACES = [(name, i) for name, (_, arguments) in METHODS.items() for i in range(len(arguments))]


@pytest.mark.parametrize(("name", "place"), PLACES, ids=[f"{name}.{i}" for name, i in PLACES])
def test_methods_too(name: str, place: int) -> None:
    method, good = METHODS[name]
    method(*good)
    found = {
        label: wrong
        for label, value in INPUTS.items()
        if (wrong := raw(lambda value=value: method(*good[:place], value, *good[place + 1 :])))
    }
    assert found == {}


@pytest.mark.parametrize("name", GOOD)
def test_the_arguments_that_are_replaced_are_good_and_all_of_them(name: str) -> None:
    function = getattr(dv, name)
    function(**GOOD[name])
    hidden = {"Group": 8, "SpaceGroup": 1}.get(name, 0)
    assert len(inspect.signature(function).parameters) == len(GOOD[name]) + hidden


@pytest.mark.parametrize(("name", "argument"), CASES, ids=[".".join(case) for case in CASES])
def test_any_input_works_or_is_refused_in_one_line(name: str, argument: str) -> None:
    function, good = getattr(dv, name), GOOD[name]
    found = {
        label: wrong
        for label, value in INPUTS.items()
        if (wrong := raw(lambda value=value: function(**{**good, argument: value})))
    }
    assert found == {}
