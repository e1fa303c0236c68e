"""One of every public object, made anew on request: what is copied, pickled and sent to other processes.

Run as a program it reads pickles made elsewhere and says which of them differ from what is made here.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sympy

import derive as dv
from derive.lattice.problem import make_problem

T, P4M, S3, SO3 = dv.translations(2), dv.wallpaper("p4m"), dv.symmetric(3), dv.special_orthogonal(3)
LINE = dv.translations(1)


def _plain() -> Any:
    return dv.solve(dv.Field(T, channels="C"), dv.Field(T, channels="D"), support=dv.box(1))


def _numbers() -> Any:
    return dv.solve(dv.Field(LINE, 2), dv.Field(LINE, 1), support=dv.box(1))


def _ring() -> Any:
    x = dv.Field(LINE, 1, grid="N", boundary="periodic")
    return dv.solve(x, dv.Field(LINE, 2, grid="N", boundary="periodic"))


def _space() -> Any:
    vector = dv.Field(P4M, fibre=dv.defining(P4M.point), name="f")
    return dv.solve(dv.Field(P4M, channels=1), vector, support=dv.box(1))


def _maps() -> Any:
    V = dv.permutation(S3)
    return dv.solve(V * V, V)


def _lie() -> Any:
    V = dv.defining(SO3)
    return dv.solve(V * V, V)


def _irreps() -> Any:
    V = dv.irreps(dv.cyclic(5))[1]
    return dv.solve(V, V)


def _irrational() -> Any:
    G = dv.wallpaper("p6")
    return dv.solve(dv.Field(G, channels=2), dv.Field(G, fibre=dv.irreps(G.point)[2]), support=dv.hexagon(1))


SOLUTIONS: dict[str, Callable[[], Any]] = {
    "translations": _plain,
    "numbers": _numbers,
    "ring": _ring,
    "space group": _space,
    "maps": _maps,
    "Lie maps": _lie,
    "irreducible maps": _irreps,
    "irrational matrices": _irrational,
}
SUBJECTS: dict[str, Callable[[], Any]] = {
    "adjoints": lambda: dv.adjoints(2, channels=("B", "D")),
    "strided adjoints": lambda: dv.adjoints(1, strides=2, padding="CIRCULAR"),
    "commutation": dv.commutation,
    "commutation of functions": lambda: dv.commutation(2, lattice=False),
    "correlation": lambda: dv.commutation(flip=False),
    "composition": lambda: dv.composition(1, strides=(2, 1)),
}
THINGS: dict[str, Callable[[], Any]] = {
    "translations": lambda: T,
    "space group": lambda: P4M,
    "glide": lambda: dv.wallpaper("pg"),
    "symmetric": lambda: dv.symmetric(4),
    "dihedral": lambda: dv.dihedral(5),
    "Lie group": lambda: dv.lorentz(full=True),
    "matrix group": lambda: dv.matrix_group({"r": [[0, -1], [1, 0]]}),
    "permutations": lambda: dv.permutation_group({"c": [1, 2, 0, 3], "s": [1, 0, 2, 3]}),
    "product group": lambda: dv.cyclic(2) * dv.cyclic(3),
    "subgroup": lambda: dv.symmetric(4).subgroup(["c^2"]),
    "wreath product": lambda: dv.wreath(dv.cyclic(2), 3),
    "words": lambda: dv.Group("D3", ("a", "b"), ("a^3", "b^2", "(a*b)^2")),
    "elements": lambda: dv.dihedral(4).elements,
    "representation": lambda: dv.permutation(S3) + 2 * dv.sign(S3),
    "copies by name": lambda: "C" * dv.permutation(S3),
    "powers": lambda: dv.sym(dv.permutation(S3), 2) * dv.alt(dv.permutation(S3), 2),
    "Lie powers": lambda: dv.sym(dv.defining(SO3), 2),
    "cosets": lambda: dv.quotient(S3, S3.subgroup(["s"])),
    "outer": lambda: dv.outer(dv.permutation(S3), dv.sign(S3)),
    "irreducible": lambda: dv.irreps(dv.cyclic(5))[1],
    "field": lambda: dv.Field(P4M, fibre=dv.regular(P4M.point), name="f"),
    "field on a grid": lambda: dv.Field(T, channels="C", grid=("H", 8), boundary=("periodic", "zero")),
    "problem": lambda: make_problem(dv.Field(T, "C"), dv.Field(T, 2), dv.box("r")),
    "box": lambda: dv.box(("r", None)),
    "window": lambda: dv.window(4, dilation=2),
    "ball": lambda: dv.ball("3/2"),
    "hexagon": lambda: dv.hexagon(2),
    "error": lambda: dv.SizeError("channels", "must be positive", 0, "give 1"),
    "basis": lambda: _numbers().basis,
    "basis element": lambda: _numbers().basis[2],
    "basis of a space group": lambda: _space().basis,
    "basis element of a space group": lambda: _space().basis[0],
    "basis of maps": lambda: _maps().basis,
    "basis of Lie maps": lambda: _lie().basis,
    "basis element of maps": lambda: _maps().basis[1],
    "basis element of Lie maps": lambda: _lie().basis[0],
    "exact basis element": lambda: _irreps().basis[1],
    "tying": lambda: _numbers().tying,
    "tying of a space group": lambda: _space().tying,
    "plain answer": lambda: _numbers().plain(),
    "plain answer of a space group": lambda: _space().plain(),
    "plain maps": lambda: _maps().plain(),
    "projection": lambda: _numbers().project(np.arange(6).reshape(1, 2, 3)),
    "projection of fractions": lambda: _maps().project(np.arange(27).reshape(3, 9) * sympy.Rational(1, 2)),
    "step": lambda: _plain().derivation[3],
    "kernel composed": lambda: dv.compose_kernels(["a", "b"], ["c", "d"]),
    "matrix of a convolution": lambda: dv.conv_matrix(["w1", "w2"], 3),
}
ERRORS = [kind for kind in vars(dv).values() if isinstance(kind, type) and issubclass(kind, dv.DeriveError)]
MAKERS: dict[str, Callable[[], Any]] = {
    **{f"solution: {name}": make for name, make in SOLUTIONS.items()},
    **{f"certificate: {name}": lambda make=make: make().certificate for name, make in SOLUTIONS.items()},
    **{f"derivation: {n}": lambda make=m: make().derivation for n, m in (SOLUTIONS | SUBJECTS).items()},
    **SUBJECTS,
    **THINGS,
    **{f"error: {k.__name__}": lambda kind=k: kind("a", "must be b", (0, "c"), "give d") for k in ERRORS},
}


def same(a: Any, b: Any) -> bool:
    """Whether two objects are equal, arrays and errors by what they hold."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dv.DeriveError):
        return str(a) == str(b) and vars(a) == vars(b)
    if isinstance(a, np.ndarray):
        return bool((a == b).all()) and a.distance == b.distance  # type: ignore[attr-defined]
    return bool(a == b)


def printed(made: Any) -> str:
    """The repr, and what is derived as it is printed."""
    derivation = made if isinstance(made, dv.Derivation) else getattr(made, "derivation", "")
    return f"{made!r}\n{derivation}"


def read_elsewhere(path: str) -> dict[str, str]:
    """Every complaint about the pickles in a file, by name."""
    complaints = {}
    for name, (data, text) in pickle.loads(Path(path).read_bytes()).items():
        try:
            problem = _complaint(pickle.loads(data), MAKERS[name](), text)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if problem:
            complaints[name] = problem
    return complaints


def _complaint(came: Any, here: Any, text: str) -> str:
    if not same(came, here):
        return "not equal"
    if not isinstance(came, np.ndarray | Exception) and {here: True}.get(came) is not True:
        return "not found in a dict"
    if printed(came) != text:
        return f"prints {printed(came)}"
    if isinstance(came, dv.Derivation) or hasattr(came, "derivation"):
        getattr(came, "derivation", came).check()
    certificate = came if isinstance(came, dv.Certificate) else getattr(came, "certificate", None)
    return "" if certificate is None or certificate.holds else str(certificate)


if __name__ == "__main__":
    print(json.dumps(read_elsewhere(sys.argv[1])))
