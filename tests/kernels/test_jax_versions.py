"""Private interfaces of JAX stand in one file, and whatever one of them loses is said, not hidden."""

from __future__ import annotations

import importlib.util
import re
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import pytest
from jax._src import checkify, custom_partitioning, dispatch
from jax.experimental import jet

from kernels import jax_versions

ROOT = Path(__file__).parents[2]
FILE = Path(jax_versions.__file__)
PRIVATE = re.compile(
    r"(?:import|from) jaxlib|(?:jax|lax|core|mlir|ad)\._(?!_)\w+|from jax(?:\.\w+)* import .*\b_\w+"
)
LESS = re.compile(r"(?:from |import |\b)(jax\.(?:core|experimental|extend|interpreters)(?:\.\w+)*)")


@pytest.mark.parametrize("package", ["kernels", "derive", "cli", "benchmarks"])
def test_no_other_file_asks_for_a_private_name(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        if file != FILE:
            assert not PRIVATE.findall(file.read_text()), file


def test_the_file_names_all_that_is_asked_for() -> None:
    """Each private name, and each of the half-public modules, stands in the table at its head."""
    head = jax_versions.__doc__ or ""
    for file in (ROOT / "kernels").rglob("*.py"):
        for module in LESS.findall(file.read_text()):
            assert module in head, (file, module)
    for name in re.findall(r"from jax\.(?:_src|experimental)[.\w]* import (\w+)", FILE.read_text()):
        assert name in head, name


def read_again() -> tuple[ModuleType, list[str]]:
    """The file run as another module, and its warnings."""
    spec = importlib.util.spec_from_file_location("read_again", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        spec.loader.exec_module(module)
    return module, [str(warning.message) for warning in caught]


def test_nothing_is_missing_here() -> None:
    assert read_again()[1] == []


LOST = {
    "prim_requires_devices_during_lowering": (
        dispatch,
        "convolutions on several devices gather whole images",
    ),
    "_sharding_callbacks": (custom_partitioning, "the compile cache never hits on several devices"),
    "error_checks": (checkify, "checkify passes convolutions over; use kernels.only_lax()"),
    "nan_error_check": (checkify, "checkify passes convolutions over; use kernels.only_lax()"),
    "jet_rules": (jet, "jet cannot go through convolutions; use kernels.only_lax()"),
    "_bilinear_taylor_rule": (jet, "jet cannot go through convolutions; use kernels.only_lax()"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_is_missing_is_said(name: str, monkeypatch) -> None:
    """And the rest goes on: primitives are registered where there is somebody to register them with."""
    module, consequence = LOST[name]
    monkeypatch.delattr(module, name)
    again, (message,) = read_again()
    assert message.startswith(f"JAX {jax.__version__} has no ")
    assert message.endswith(f": {consequence}")
    primitive = jax.extend.core.Primitive("nobody")
    for operands in (1, 2):
        again.known_to_tools(primitive, operands)
    again.told_devices.add(primitive)
    for table in (getattr(checkify, "error_checks", {}), getattr(jet, "jet_rules", {}), again.told_devices):
        table.pop(primitive, None) if isinstance(table, dict) else table.discard(primitive)


def test_a_call_that_nobody_answers_is_left_as_it_is() -> None:
    """And said."""

    class Call:
        def __init__(self, attributes: dict[str, Any]) -> None:
            self.owner = self
            self.attributes = attributes

    with pytest.warns(RuntimeWarning, match="the compile cache never hits on several devices"):
        jax_versions.under_one_name(None, [Call({})], "name")
