"""Another distribution with a package `kernels`: one line says whose files are where, and the remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

import kernels
from derive import namesakes as outside
from kernels import namesakes as inside

ROOT = Path(__file__).parents[2]
THEIRS = {  # as theirs is laid out: a flat package that reads its own version
    "kernels/__init__.py": 'from importlib.metadata import version\n\n__version__ = version("kernels")\n'
    "from kernels.layer import kernelize\n",
    "kernels/layer/__init__.py": "kernelize = None\n",
    "kernels/utils.py": "",
    "kernels/_rust.abi3.so": "",
}
QUIET = "import importlib.metadata as m; m.packages_distributions = None; "
REMEDY = "use an environment for each of the two, or run pip uninstall kernels"
AGAIN = ", then pip install --force-reinstall --no-deps equiderive"


def install(site: Path, name: str, version: str, files: dict[str, str]) -> None:
    """Files and what an installer writes down about them."""
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    record(site, name, version, list(files))


def record(site: Path, name: str, version: str, files: Sequence[str]) -> None:
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with this library installed, compiled files and all."""
    site = tmp_path_factory.mktemp("ours")
    for name in ("derive", "kernels", "cli"):
        shutil.copytree(ROOT / name, site / name)
    files = [str(p.relative_to(site)) for p in site.rglob("*") if p.is_file()]
    record(site, "equiderive", "0.1.0", files)
    return site


@pytest.fixture(scope="module")
def over(ours: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with theirs installed after it."""
    site = tmp_path_factory.mktemp("over") / "site"
    shutil.copytree(ours, site)
    install(site, "kernels", "0.11.0", THEIRS)
    return site


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("theirs")
    install(site, "kernels", "0.11.0", THEIRS)
    return site


def run(code: str, *sites: Path, ends: int = 0) -> str:
    """What Python says on stderr with these sites first on its path."""
    shown = python(["-c", code], *sites)
    assert shown.returncode == ends, shown.stderr
    return shown.stderr


def python(words: Sequence[str], *sites: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, sites))
    environment = os.environ | {"PYTHONPATH": path, "JAX_PLATFORMS": "cpu"}
    environment.pop("PYTHONWARNINGS", None)
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=environment, cwd=sites[0].parent
    )


def alone(site: Path) -> str:
    """Code that hides every other place with a package `kernels`: where this suite is installed from."""
    kept = f"p == {str(site)!r} or not os.path.exists(os.path.join(p, 'kernels'))"
    return f"import os, sys; sys.path = [p for p in sys.path if {kept}]; "


def warned(stderr: str) -> str:
    """The one warning, which stands at the line that imports."""
    lines = [line for line in stderr.splitlines() if "RuntimeWarning" in line]
    assert len(lines) == 1, stderr
    place, _, said = lines[0].partition(": RuntimeWarning: ")
    assert place == "<string>:1"
    return said


def refused(stderr: str) -> str:
    return stderr.strip().splitlines()[-1]


# ---- where nothing is wrong ---------------------------------------------------------------------------


def test_a_healthy_environment_is_silent_and_asks_nobody(ours: Path) -> None:
    """No metadata is read: what is found is enough."""
    assert run(alone(ours) + QUIET + "import derive, kernels, kernels.layers", ours) == ""


def test_all_that_lies_in_the_package_is_loaded_with_it_or_known_to_come_later() -> None:
    """A file that is not loaded with the package would cost every import a search for its owner."""
    assert [name for name in os.listdir(inside.HERE) if inside._is_strange(name)] == []


def test_derive_alone_needs_no_kernels(ours: Path, tmp_path: Path) -> None:
    shutil.copytree(ours / "derive", tmp_path / "site/derive")
    assert run(alone(tmp_path / "site") + "import derive", tmp_path / "site") == ""


def test_the_mark_is_in_ours_and_what_cannot_be_read_is_let_alone(tmp_path: Path) -> None:
    file = Path(kernels.__file__ or "")
    for where in (inside, outside):
        assert where._is_ours(file)
        assert where._is_ours(tmp_path / "archive.zip/kernels/__init__.py")
    assert outside.complaint() is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inside.warn()
        outside.warn()
        inside.require_ours()


def test_a_module_made_by_hand_is_let_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kernels", type(sys)("kernels"))
    assert outside.complaint() is None


# ---- theirs was installed over ours -------------------------------------------------------------------


def test_theirs_over_ours_is_said_by_derive(over: Path) -> None:
    """derive works; its line names the file, the distribution and both remedies."""
    code = "import derive as dv; x = dv.Field(dv.wallpaper('p4')); assert dv.solve(x, x, dv.box(1)).dim == 3"
    said = warned(run(code, over))
    file = over.resolve() / "kernels/__init__.py"
    assert said == (
        f"kernels must be the package of equiderive, got {file} of kernels 0.11.0, "
        "so that only derive works; "
        f"{REMEDY}{AGAIN}"
    )


@pytest.mark.parametrize("module", ["kernels.layers", "kernels.layers.equinox", "kernels.layers.flax"])
def test_theirs_over_ours_is_said_by_our_layers(module: str, over: Path) -> None:
    stderr = run(f"import {module}", over, ends=1)
    assert "RuntimeWarning" not in stderr
    assert refused(stderr) == (
        f"ImportError: kernels must be the package of equiderive, got {over}/kernels/__init__.py of kernels "
        f"0.11.0; {REMEDY}{AGAIN}"
    )


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("solve", "-s", "p4", "-k", "3", "--jax"), 0),
        (("demo", "--quick"), 2),
        (("audit", "math:sqrt", "-s", "p4"), 2),
    ],
)
def test_the_command_line_says_it_on_one_line(words: Sequence[str], status: int, over: Path) -> None:
    """What needs no kernels goes on; what does stops there."""
    code = f"import sys; from cli.command import main; sys.exit(main({list(words)!r}))"
    shown = python(["-c", code], over)
    assert shown.returncode == status, shown.stderr
    (line,) = shown.stderr.splitlines()
    assert line.startswith("derive: kernels must be the package of equiderive, got ")
    assert ("layer = kn.lower(solution)" in shown.stdout) is (status == 0)


# ---- ours was installed over theirs -------------------------------------------------------------------


def test_ours_over_theirs_works_and_is_said_by_kernels(ours: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "kernels", "0.11.0", THEIRS)
    shutil.copytree(ours, site, dirs_exist_ok=True)
    code = "import derive, kernels, kernels.layers; assert kernels.lower"
    assert warned(run(code, site)) == (
        "kernels must be the package of equiderive alone, got files of kernels 0.11.0 among its own, which "
        f"cannot be imported; {REMEDY}{AGAIN}"
    )


def test_strange_files_that_nobody_owns_are_let_alone(ours: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(ours, site)
    (site / "kernels/scratch.py").write_text("")
    assert run("import kernels", site) == ""


# ---- ours and theirs in two places --------------------------------------------------------------------


def test_theirs_before_an_editable_install_of_ours(ours: Path, theirs: Path) -> None:
    """Nothing of ours was overwritten, so there is nothing to install again."""
    file = theirs.resolve() / "kernels/__init__.py"
    assert warned(run("import derive", theirs, ours)) == (
        f"kernels must be the package of equiderive, got {file} of kernels 0.11.0, "
        "so that only derive works; "
        f"{REMEDY}"
    )


def test_an_editable_install_of_ours_before_theirs(ours: Path, theirs: Path) -> None:
    assert warned(run("import kernels, derive", ours, theirs)) == (
        f"kernels must be the package of equiderive alone, got kernels 0.11.0 in {theirs.resolve()}/kernels "
        f"behind it, which cannot be imported; {REMEDY}"
    )


@pytest.mark.parametrize("name", ["kernels.py", "kernels/__init__.py"])
def test_a_file_of_ones_own_is_named(name: str, ours: Path, tmp_path: Path) -> None:
    """A script called kernels.py in the folder where Python was started."""
    file = tmp_path / "own" / name
    file.parent.mkdir(parents=True)
    file.write_text("")
    assert warned(run("import derive", tmp_path / "own", ours)) == (
        f"kernels must be the package of equiderive, got {file.resolve()}, so that only derive works; "
        "rename it, or start Python where it is not found first"
    )


# ---- theirs was removed, and took our __init__.py along -------------------------------------------------


def test_a_package_that_lost_its_beginning_is_named(ours: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(ours, site)
    (site / "kernels/__init__.py").unlink()
    code = alone(site)
    what = f"kernels must be the package of equiderive, got {site.resolve()}/kernels without its __init__.py"
    assert warned(run(code + "import derive", site)) == (
        f"{what}, so that only derive works; run pip install --force-reinstall --no-deps equiderive"
    )
    assert refused(run(code + "import kernels.layers", site, ends=1)) == (
        f"ImportError: {what}; run pip install --force-reinstall --no-deps equiderive"
    )
