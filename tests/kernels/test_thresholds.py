"""Thresholds: one record, measured where it is asked for, read when something is lowered, and said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import kernels as kn
from kernels.convolution.choice import calibrate as calibration
from kernels.convolution.choice import in_effect, rules
from kernels.convolution.choice.crossings import CROSSINGS, Crossing
from kernels.convolution.choice.thresholds import DEFAULT, NEVER
from tests.kernels.test_errors import raises

DENSE = ((8, 28, 28, 64), (3, 3, 64, 64))
# What is written out or kept in cache is no crossing of two implementations.
SIZES = {"eigen_sites", "group_row", "adjoint_row", "written_terms", "whole_terms", "borderless_taps"}
SIZES |= {"column_taps", "one_channel_terms", "calls", "turn_terms", "sum_numbers", "piece_bytes"}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine on which nothing was measured, with a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(in_effect.VARIABLE)
    in_effect._read.cache_clear()
    yield
    in_effect._read.cache_clear()


def forward(**options: object) -> tuple[str, str]:
    told = kn.explain(*DENSE, platform="cpu", **options).forward
    return told.implementation, told.why


def test_every_crossing_has_its_layers() -> None:
    assert {one.field for one in CROSSINGS} == {field.name for field in fields(kn.Thresholds)} - SIZES
    assert len({one.field for one in CROSSINGS}) == len(CROSSINGS)


@pytest.mark.parametrize("one", CROSSINGS, ids=lambda one: one.field)
def test_a_threshold_is_what_separates_its_layers(one: Crossing) -> None:
    """On its side of the threshold the rules take what it stands for, for one of them at least."""
    work = {size: one.layer(size).make().work for size in one.sizes}
    values = [one.value(work[size]) for size in one.sizes]
    assert values == sorted(set(values))

    def named(number: int) -> list[str]:
        t = replace(DEFAULT, **{one.field: number})
        return [rules._first(work[size], t).name for size in one.sizes]

    taken, name = (0, one.high) if one.kind == "from" else (NEVER, one.low)
    with_it, without = named(taken), named(NEVER - taken)
    apart = {here for here, there in zip(with_it, without, strict=True) if here != there}
    assert apart == {name}, (with_it, without)


def test_what_was_measured_is_kept_and_said() -> None:
    """In the user's cache folder, under the machine; later processes read it."""
    assert forward()[0] == "xla"
    in_effect.keep(replace(DEFAULT, eigen_products=1), in_effect.path_here())
    name, why = forward()
    assert name == "eigen"
    assert why.endswith("(by what was measured on this machine)")
    assert not forward(implementation="eigen")[1].endswith(")")
    code = "import kernels as kn; print(kn.explain({}, {}, platform='cpu').forward.implementation)"
    run = [sys.executable, "-c", code.format(*DENSE)]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() == "eigen"
    text = json.loads(in_effect.path_here().read_text())
    assert set(text["machine"]) == {"processor", "cores", "jaxlib"}
    assert text["machine"]["jaxlib"] == jax.lib.__version__


def test_another_machine_has_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    here = in_effect.path_here()
    for change in ({"cores": 99}, {"processor": "abacus"}, {"jaxlib": "0"}):
        other = in_effect.fingerprint() | change
        monkeypatch.setattr(in_effect, "fingerprint", lambda other=other: other)
        assert in_effect.path_here() != here
        monkeypatch.undo()


def test_importing_reads_nothing(tmp_path: Path) -> None:
    """Neither the file, nor anything about the machine."""
    code = (
        "import kernels as kn\n"
        "from kernels.convolution.choice import in_effect\n"
        "print(in_effect._read.cache_info().currsize, in_effect.fingerprint.cache_info().currsize)"
    )
    environment = {**os.environ, in_effect.VARIABLE: str(tmp_path / "none.json")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.split() == ["0", "0"]


def test_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """default: not what was kept. off: nothing is chosen. A path: that file."""
    in_effect.keep(replace(DEFAULT, eigen_products=1), in_effect.path_here())
    monkeypatch.setenv(in_effect.VARIABLE, "default")
    assert forward()[0] == "xla"
    depthwise = ((2, 8, 8, 64), (3, 3, 1, 64))
    assert kn.explain(*depthwise, groups=64, platform="cpu").forward.implementation == "shifted"
    policy = kn.autotune(*depthwise, groups=64, candidates=("shifted",), rounds=1)
    monkeypatch.setenv(in_effect.VARIABLE, "off")
    for implementation in ("auto", policy):
        told = kn.explain(*depthwise, groups=64, implementation=implementation)
        three = (told.forward, told.input_adjoint, told.kernel_adjoint)
        assert {(reason.implementation, reason.why) for reason in three} == {
            ("xla", "all choices are switched off by KERNELS_THRESHOLDS")
        }
    told = kn.explain(*depthwise, groups=64, implementation="shifted")
    assert told.forward.implementation == "shifted"
    path = tmp_path / "mine.json"
    in_effect.keep(replace(DEFAULT, eigen_products=1), path)
    monkeypatch.setenv(in_effect.VARIABLE, str(path))
    assert forward() == ("eigen", f"{_why('eigen')} (by KERNELS_THRESHOLDS={path})")


def _why(name: str) -> str:
    return next(rule.why for rule in rules.RULES if rule.name == name)


def test_off_leaves_no_program_but_xlas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(in_effect.VARIABLE, "off")
    jax.clear_caches()
    x, kernel = jnp.ones((2, 8, 8, 64), jnp.float32), jnp.ones((3, 3, 1, 64), jnp.float32)
    grad = jax.jit(jax.grad(lambda x, k: kn.conv(x, k, groups=64).sum(), (0, 1)))
    text = grad.lower(x, kernel).as_text()
    assert text.count("stablehlo.convolution") == 2
    assert "stablehlo.while" not in text
    jax.clear_caches()


BAD = {
    "absent": (None, "FileNotFoundError"),
    "no JSON": ("{", "JSONDecodeError"),
    "something else": ("{}", "KeyError"),
    "a list": ("[]", "TypeError"),
    "no numbers": ('{"thresholds": {"pairs": "many"}}', "TypeError"),
    "a truth": ('{"thresholds": {"pairs": true}}', "TypeError"),
    "an unknown one": ('{"thresholds": {"moons": 2}}', "TypeError"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_read(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text, kind = BAD[name]
    path = tmp_path / "bad.json"
    if text is not None:
        path.write_text(text)
    monkeypatch.setenv(in_effect.VARIABLE, str(path))
    message = (
        f"thresholds must be a file that calibrate() wrote, got {path} ({kind}); "
        "call kernels.calibrate() again, or set KERNELS_THRESHOLDS=default"
    )
    with raises(kn.ImplementationError, message):
        kn.explain(*DENSE, platform="cpu")


def test_a_spoilt_file_of_this_machine_is_said_and_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    in_effect.path_here().parent.mkdir(parents=True, exist_ok=True)
    in_effect.path_here().write_text("?")
    with pytest.raises(kn.ImplementationError):
        kn.explain(*DENSE, platform="cpu")
    seen = []
    monkeypatch.setattr(calibration, "times", lambda *_: seen.append(in_effect.read().thresholds) or {})
    kn.calibrate()
    assert set(seen) == {DEFAULT}


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_bad_seconds(seconds: float) -> None:
    with raises(
        kn.ImplementationError,
        f"seconds must be a number from 0 on, got {seconds}; give 55, or leave it out",
    ):
        kn.calibrate(seconds=seconds)


def clock(wins: dict[str, int]):
    """Times of a machine on which the upper implementation wins from a value on."""

    def times(crossing: Crossing, size: int) -> dict[str, float]:
        high = crossing.at(size) >= wins.get(crossing.field, NEVER)
        return {crossing.low: 2.0 if high else 1.0, crossing.high: 1.0 if high else 2.0}

    return times


def test_the_crossings_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On a machine whose crossings are known, one is told each of them, as near as its layers are."""
    wins = {"eigen_products": 1 << 28, "group_inputs": 16, "pairs": 0, "product_inputs": 5}
    monkeypatch.setattr(calibration, "times", clock(wins))
    found = kn.calibrate(path=tmp_path / "found.json")
    by_field = {one.field: one for one in CROSSINGS}
    values = {field: [by_field[field].at(n) for n in by_field[field].sizes] for field in wins}
    assert found.eigen_products == min(v for v in values["eigen_products"] if v >= 1 << 28)
    assert found.group_inputs == max(v for v in values["group_inputs"] if v < 16)
    assert found.pairs == 0
    assert found.product_inputs == 8
    assert found.eigen_adjoint_channels == NEVER
    kept = {one.field for one in CROSSINGS if not one.brief} | SIZES
    assert all(getattr(found, field) == getattr(DEFAULT, field) for field in kept)
    monkeypatch.setenv(in_effect.VARIABLE, str(tmp_path / "found.json"))
    assert in_effect.read().thresholds == found


def test_what_is_close_to_xla_is_xlas() -> None:
    """Whatever is less than a tenth faster."""
    upper = next(one for one in CROSSINGS if one.low == "xla")
    lower = next(one for one in CROSSINGS if one.high == "xla")
    assert not calibration.high_wins({upper.low: 1.05, upper.high: 1.0}, upper)
    assert calibration.high_wins({upper.low: 1.2, upper.high: 1.0}, upper)
    assert calibration.high_wins({lower.low: 1.0, lower.high: 1.05}, lower)
    assert not calibration.high_wins({lower.low: 1.0, lower.high: 1.2}, lower)
    assert not calibration.high_wins({upper.low: 1.0}, upper)  # the other one was hopeless


def test_a_layer_is_measured_both_ways() -> None:
    one = next(one for one in CROSSINGS if one.field == "band_row_taps")
    seconds = calibration.times(one, one.sizes[0], turns=1)
    assert set(seconds) <= {one.low, one.high}
    assert all(time > 0 for time in seconds.values())


def test_the_record_is_frozen_and_plain() -> None:
    assert all(type(n) is int for n in asdict(DEFAULT).values())
    assert hash(DEFAULT) == hash(kn.Thresholds())
