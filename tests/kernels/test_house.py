"""How the house of the kernels is built: rooms on floors, no circle of files, nothing heavy at import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import cli
import kernels
from tests.house import House, circles, imports, tree

KERNELS, CLI = House(Path(kernels.__file__).parent), House(Path(cli.__file__).parent)
every_file = pytest.mark.parametrize(
    "path", [*KERNELS.files, *CLI.files], ids=lambda path: str(path.relative_to(KERNELS.root.parent))
)

# A room imports rooms of lower floors alone.
FLOORS = {
    "pickling": 0,
    "errors": 1,
    "namesakes": 1,
    "jax_versions": 1,
    "lax_alone": 1,
    "integers": 2,
    "precision": 2,
    "static": 2,
    "convolution": 3,
    "sparse": 3,
    "action": 4,
    "export": 3,
    "source": 3,
    "pool": 4,
    "differential": 4,
    "equivariant": 4,
    "lattice": 5,
    "maps": 6,
    "radial": 3,
    "spacing": 3,
    "space": 7,
    "sampled": 8,
    "checking": 8,
    "lowering": 9,
    "auditing": 9,
    "__init__": 10,
    "layers": 10,
}


def test_no_circles_of_imports() -> None:
    assert circles(KERNELS.graph()) == []
    assert circles(CLI.graph()) == []


@every_file
def test_imports_point_down(path: Path) -> None:
    if not path.is_relative_to(KERNELS.root):
        assert "cli" not in {m.split(".")[0] for p in KERNELS.files for m in imports(p)}
        return
    here = KERNELS.module(path).split(".")[0] or "__init__"
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "kernels" and len(parts) > 1 and parts[1] != here:
            assert FLOORS[parts[1]] < FLOORS[here], f"{here} imports {module}"


@pytest.mark.parametrize("path", KERNELS.files, ids=lambda path: str(path.relative_to(KERNELS.root)))
def test_imports_stand_at_the_top(path: Path) -> None:
    assert KERNELS.hidden(path) == []


@every_file
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@every_file
def test_every_file_says_what_it_is_for(path: Path) -> None:
    import ast

    assert path.name == "__init__.py" or ast.get_docstring(tree(path))


def test_the_kernels_never_import_sympy() -> None:
    """No SymPy object enters a jitted function, and JAX's users need not wait for SymPy."""
    code = "import sys, kernels; print([m for m in sys.modules if m.split('.')[0] in ('sympy', 'derive')])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_the_public_list_is_flat_sorted_and_complete() -> None:
    names = kernels.__all__
    assert names == sorted(names, key=str)
    assert len(set(names)) == len(names)
    assert all((getattr(kernels, name).__doc__ or "").strip() for name in names)
