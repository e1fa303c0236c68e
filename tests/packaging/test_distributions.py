"""What is built: archives that hold the packages whole and nothing else; installed, they work."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="hatchling is not installed: pip install '.[test]'")
ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = ("derive", "kernels", "cli")
ALSO = ("tests", "docs", "notebooks", "benchmarks")  # in the source archive
PAGES = (
    "README.md",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "pyproject.toml",
)
LEFT_LYING = re.compile(
    r"__pycache__|node_modules|_build|\.ipynb_checkpoints|\.(venv|hypothesis|pytest|mypy|ruff)"
)


def build(kind: str, folder: Path) -> Path:
    """The archive, built by the back end itself: nothing is fetched."""
    code = f"from hatchling.build import build_{kind} as build; print(build({str(folder)!r}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert shown.returncode == 0, shown.stderr
    return folder / shown.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", tmp_path_factory.mktemp("sdist"))


def tree(*folders: str) -> set[str]:
    """The files of some folders, but for what tools leave lying about."""
    found = [p.relative_to(ROOT).as_posix() for f in folders for p in (ROOT / f).rglob("*") if p.is_file()]
    return {name for name in found if not LEFT_LYING.search(name)}


# ---- what is in them ------------------------------------------------------------------------------------


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"equiderive-{PROJECT['version']}.dist-info"
    assert {name for name in names if not name.startswith(f"{info}/")} == tree(*PACKAGES)
    assert f"{info}/licenses/LICENSE" in names
    assert {"derive/py.typed", "kernels/py.typed"} < names
    assert {Path(name).suffix for name in tree(*PACKAGES)} == {".py", ".typed"}


def test_every_folder_of_the_packages_is_a_package(wheel: Path) -> None:
    """Without its __init__.py a folder is found by some tools and not by others."""
    folders = {str(Path(name).parent) for name in tree(*PACKAGES)}
    assert {f for f in folders if f"{f}/__init__.py" not in tree(*PACKAGES)} == set()


def test_the_source_archive_holds_what_builds_and_tests(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert names - {".gitignore", "PKG-INFO"} == tree(*PACKAGES, *ALSO) | set(PAGES)
    assert sdist.stat().st_size < 3e6


def test_a_wheel_from_the_source_archive_is_the_same(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    code = f"from hatchling.build import build_wheel as build; print(build({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=source)
    again = zipfile.ZipFile(tmp_path / wheel.name)
    assert again.namelist() == zipfile.ZipFile(wheel).namelist()
    assert all(again.read(name) == zipfile.ZipFile(wheel).read(name) for name in again.namelist())


def test_the_metadata_say_what_is_needed(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
    told = email.message_from_bytes(archive.read(name))
    assert (told["Name"], told["Version"]) == ("equiderive", PROJECT["version"])
    assert told["Description-Content-Type"] == "text/markdown"
    assert told["License-Expression"] == "MIT"
    assert told.get_payload().startswith("# equiderive")
    always = [r for r in told.get_all("Requires-Dist") if "extra ==" not in r]
    assert sorted(re.split(r"[>=<]", r)[0] for r in always) == [
        *("click", "flatbuffers", "jax", "jaxlib", "latex2mathml", "numpy", "platformdirs"),
        *("python-flint", "scipy", "sympy"),
    ]
    (entry,) = [n for n in archive.namelist() if n.endswith("entry_points.txt")]
    assert archive.read(entry).decode().split() == ["[console_scripts]", "derive", "=", "cli.command:main"]


def test_the_version_is_the_same_everywhere() -> None:
    assert f"version: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text()


# ---- without extras ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "missing", "extra"),
    [
        ("kernels.layers.equinox", "equinox", "layers"),
        ("kernels.layers.flax", "flax", "layers"),
        ("derive.plot", "matplotlib", "plot"),
    ],
)
def test_a_missing_extra_is_named(module: str, missing: str, extra: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; import {module}"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    last = shown.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: {module} ")
    assert f"pip install 'equiderive[{extra}]'" in last


def test_the_demo_names_its_extra() -> None:
    code = "import sys; sys.modules['sklearn'] = None; from cli.command import main; sys.exit(main(['demo']))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert shown.returncode == 2
    (line,) = shown.stderr.splitlines()
    assert "pip install 'equiderive[demo]'" in line


SEEN = """
import json, sys
from pathlib import Path
import derive, kernels, jax
home = Path(sys.prefix).resolve()
assert all(Path(m.__file__).resolve().is_relative_to(home) for m in (derive, kernels)), kernels.__file__
x = derive.Field(derive.wallpaper("p4m"))
op = kernels.lower(derive.solve(x, x, derive.box(1)))
print(op.dim, op(op.init(jax.random.key(0)), jax.numpy.ones((2, 8, 8, 1))).shape)
"""


@pytest.mark.slow
def test_an_index_would_take_them(wheel: Path, sdist: Path) -> None:
    """The description renders; `pip install '.[release]'` has what looks."""
    pytest.importorskip("twine")
    command = [sys.executable, "-m", "twine", "check", "--strict", wheel, sdist]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stdout + shown.stderr


@pytest.mark.slow
def test_it_works_where_nothing_else_is(wheel: Path, tmp_path: Path) -> None:
    """A fresh environment without extras, away from the repository."""
    venv.create(tmp_path / "fresh", with_pip=True)
    bin_ = tmp_path / "fresh" / "bin"
    installed = subprocess.run([bin_ / "pip", "install", "-q", wheel], capture_output=True, text=True)
    if installed.returncode and "Could not find a version" in installed.stderr:
        pytest.skip("no index to install dependencies from")
    assert installed.returncode == 0, installed.stderr

    def run(*words: str | Path, ends: int = 0) -> str:
        shown = subprocess.run([str(w) for w in words], capture_output=True, text=True, cwd=tmp_path)
        assert shown.returncode == ends, shown.stderr
        return shown.stdout + shown.stderr

    assert run(bin_ / "python", "-W", "error::RuntimeWarning", "-c", SEEN) == "3 (2, 8, 8, 1)\n"
    assert "derive solve --symmetry p4m" in run(bin_ / "derive", "--help")
    assert PROJECT["version"] in run(bin_ / "derive", "--version")
    asked = ("-s", "p4m", "--in", "3 trivial", "--out", "16 regular", "-k", "5")
    assert "1200 free weights" in run(bin_ / "derive", "solve", *asked)
    run(bin_ / "derive", "report", *asked, "-o", "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "equiderive[demo]" in run(bin_ / "derive", "demo", "--quick", ends=2)
    for module in ("kernels.layers.equinox", "kernels.layers.flax", "derive.plot"):
        assert "pip install 'equiderive[" in run(bin_ / "python", "-c", f"import {module}", ends=1)
    assert run(bin_ / "pip", "check") == "No broken requirements found.\n"
