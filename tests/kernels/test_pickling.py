"""Ops, reports and errors of the kernels, copied and sent to a process where strings hash otherwise."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import derive as dv
import kernels as kn

HERE = __name__
T, P4 = dv.translations(1), dv.wallpaper("p4")
V = dv.permutation(dv.symmetric(3))


def _window() -> Any:
    return kn.lower(dv.solve(dv.Field(T, 2), dv.Field(T, 3), support=dv.box(1)))


def _vectors() -> Any:
    vectors = dv.Field(P4, fibre=dv.defining(P4.point))
    return kn.lower(dv.solve(dv.Field(P4, 1), vectors, support=dv.box(1)))


MAKERS: dict[str, Callable[[], Any]] = {
    "LatticeOp": _window,
    "FibredOp": _vectors,
    "MapsOp": lambda: kn.lower(dv.solve(V, V * V)),
    "cyclic MapsOp": lambda: kn.lower(dv.solve(dv.regular(dv.cyclic(5)), dv.regular(dv.cyclic(5)))),
    "Report": lambda: kn.Report("adjoints", "float32", (kn.Comparison("x", 0.5, 1.0),)),
    "Policy": kn.Policy,
    "Explanation": lambda: kn.explain((1, 8, 2), (3, 2, 2)),
}
ERRORS = [k for k in vars(kn).values() if isinstance(k, type) and issubclass(k, kn.KernelError)]
WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda a: pickle.loads(pickle.dumps(a)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
every_object = pytest.mark.parametrize("name", MAKERS)


@cache
def made(name: str) -> Any:
    """The object after it was hashed, printed and used."""
    subject = MAKERS[name]()
    hash(subject), repr(subject)
    if hasattr(subject, "init"):
        applied(subject)
    return subject


def applied(op: Any) -> list[Any]:
    """The op on ones, its weights being ones too."""
    w = jax.tree.map(lambda a: np.ones(a.shape, np.float32), op.init(jax.random.key(0)))
    shape = {"LatticeOp": (6, 2), "FibredOp": (4, 4, 1)}.get(type(op).__name__)
    x = np.ones((1, *(shape or (op.channels_in,))), dtype=np.float32)
    values: list[Any] = np.asarray(op(w, x)).tolist()
    return values


@every_object
@pytest.mark.parametrize("way", WAYS)
def test_copies_are_equal(name: str, way: str) -> None:
    back = WAYS[way](made(name))
    assert back == made(name)
    assert repr(back) == repr(made(name))
    assert {made(name): 1}[back] == 1


@every_object
def test_nothing_cached_travels(name: str) -> None:
    def extra(value: Any) -> list[str]:
        if isinstance(value, tuple | list):
            return [key for part in value for key in extra(part)]
        if not is_dataclass(value):
            return []
        names = {f.name for f in fields(value)}
        return [*vars(value).keys() - names, *(k for part in vars(value).values() for k in extra(part))]

    assert extra(pickle.loads(pickle.dumps(made(name)))) == []


def test_another_process_computes_the_same(tmp_path: Path) -> None:
    sent = {n: pickle.dumps((made(n), applied(made(n)))) for n in MAKERS if hasattr(made(n), "init")}
    (tmp_path / "sent").write_bytes(pickle.dumps(sent))
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    code = f"import json, sys; from {HERE} import read_elsewhere as r; print(json.dumps(r(sys.argv[1])))"
    there = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "sent")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env=there,
    )
    assert json.loads(done.stdout) == dict.fromkeys(sent, True)


def read_elsewhere(path: str) -> dict[str, bool]:
    """Whether each pickled op is the one made here, found in a dict, and gives what it gave there."""
    found = {}
    for name, data in pickle.loads(Path(path).read_bytes()).items():
        op, values = pickle.loads(data)
        here = MAKERS[name]()
        found[name] = op == here and {here: True}.get(op) is True and np.allclose(applied(op), values)
    return found


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("way", WAYS)
def test_errors_travel(kind: type[kn.KernelError], way: str) -> None:
    error = kind("padding", "must be known", (0, "FULL"), "give SAME")
    back = WAYS[way](error)
    assert type(back) is kind
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_an_error_carries_its_report_and_the_text_of_what_cannot_travel() -> None:
    report = made("Report")
    back = pickle.loads(pickle.dumps(kn.CheckError("op", "must agree", lambda: 0, "look", report)))
    assert back.report == report
    assert "<lambda>" in back.value
