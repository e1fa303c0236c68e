"""Copies, pickles and other processes: what comes back is what was sent, and nothing else travels."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Eq, Mod, Piecewise, Symbol, Tuple

import derive as dv
from derive.pickling import hold, release
from tests.derive.pickled import MAKERS, printed, same

every_object = pytest.mark.parametrize("name", MAKERS)
WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda a: pickle.loads(pickle.dumps(a)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@cache
def made(name: str) -> Any:
    """The object after everything that it caches was asked for."""
    subject = MAKERS[name]()
    if not isinstance(subject, np.ndarray):
        printed(subject)
        for attribute in ("certificate", "basis", "elements", "order", "quotient", "motions", "metric"):
            with suppress(dv.InfiniteError):
                getattr(subject, attribute, None)
    return subject


@every_object
@pytest.mark.parametrize("way", WAYS)
def test_copies_are_equal_and_print_the_same(name: str, way: str) -> None:
    back = WAYS[way](made(name))
    assert same(back, made(name))
    assert repr(back) == repr(made(name))
    if isinstance(back, dv.Derivation):
        assert str(back) == str(made(name))


@every_object
def test_nothing_cached_travels(name: str) -> None:
    back = pickle.loads(pickle.dumps(made(name)))
    extra = [
        (type(part).__name__, key) for part in walk(back) for key in vars(part).keys() - field_names(part)
    ]
    assert extra == []


def field_names(part: Any) -> set[str]:
    return {f.name for f in dataclasses.fields(part)}


def walk(value: Any) -> Iterator[Any]:
    """Every dataclass inside an object."""
    if dataclasses.is_dataclass(value):
        yield value
        for part in vars(value).values():
            yield from walk(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from walk(part)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What another process, where strings hash otherwise, says of all the pickles."""
    path = tmp_path_factory.mktemp("pickles") / "sent"
    sent = {name: (pickle.dumps(made(name)), printed(made(name))) for name in MAKERS}
    path.write_bytes(pickle.dumps(sent))
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    command = [sys.executable, "-m", "tests.derive.pickled", str(path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@every_object
def test_another_process_reads_the_same(name: str, complaints: dict[str, str]) -> None:
    """Equal, found in a dict, printed alike; its derivation passes and its certificate holds there."""
    assert complaints.get(name, "") == ""


x, y = Symbol("x"), Symbol("y")
WRITTEN = [
    Eq(x, x, evaluate=False),
    Eq(x + y, y + x, evaluate=False),
    Tuple(Eq(sympy.Integer(1), 2, evaluate=False), Eq(x, y)),
    Piecewise((x, Eq(x, x, evaluate=False)), (0, True), evaluate=False),
    Piecewise((Eq(y, y, evaluate=False).lhs, x > 0), (y, True), evaluate=False),
    Mod(x + 3 * y, y, evaluate=False),
    sympy.Add(x, x, evaluate=False),
    sympy.Mul(2, x + y, evaluate=False),
    sympy.Pow(sympy.Integer(2), 3, evaluate=False),
    sympy.And(Eq(x, x, evaluate=False), x > 0, evaluate=False),
    sympy.Lambda(x, Mod(x, 1, evaluate=False)),
    sympy.Function("f")(x, y),
    sympy.sin(sympy.pi, evaluate=False),
    sympy.ImmutableMatrix([[sympy.Mul(sympy.S.Half, x + y, evaluate=False), 0]]),
    sympy.ImmutableSparseMatrix(2, 2, {(0, 1): sympy.Mul(sympy.S.Half, x + y, evaluate=False)}),
    sympy.ImmutableDenseNDimArray([sympy.Mul(sympy.S.Half, x + y, evaluate=False), 1]),
]


@pytest.mark.parametrize("expr", WRITTEN, ids=str)
def test_expressions_come_back_as_they_are_written(expr: sympy.Basic) -> None:
    step = dv.Step("rule", expr, Tuple(expr, expr), "because", ((x, sympy.Range(0, 3)),))
    for way in WAYS.values():
        back = way(step)
        assert back == step
        assert sympy.srepr(back.before) == sympy.srepr(expr)
    assert release(hold((expr, 3))) == (expr, 3)


def test_what_steps_hand_on_is_carried_once() -> None:
    derivation = MAKERS["derivation: translations"]()
    assert len(pickle.dumps(derivation)) < 0.8 * sum(len(pickle.dumps(step)) for step in derivation)


def test_an_error_whose_value_cannot_travel_carries_its_text() -> None:
    error = dv.GroupError("group", "must be a group", lambda: 0, "use dv.cyclic(3)")
    error.note = "seen in passing"  # type: ignore[attr-defined]
    back = pickle.loads(pickle.dumps(error))
    assert str(back) == str(error)
    assert back.value == str(error.value)
    assert vars(back).keys() == vars(error).keys()
