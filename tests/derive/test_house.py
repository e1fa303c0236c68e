"""How the house is built: what may import what, what an import costs, how long a file may grow."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import derive
from tests.house import House, circles, imports

HOUSE = House(Path(derive.__file__).parent)
ROOT, FILES = HOUSE.root, HOUSE.files
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))

# A room imports rooms of lower floors alone.
FLOORS = {
    "pickling": 0,
    "errors": 1,
    "namesakes": 1,
    "symmetry": 2,
    "notation": 2,
    "steps": 2,
    "drawing": 2,
    "checking": 3,
    "orbits": 3,
    "linear": 4,
    "hom": 5,
    "lattice": 6,
    "counting": 7,
    "derivation": 7,
    "answer": 8,
    "convolution": 8,
    "pieces": 8,
    "certificate": 9,
    "solution": 10,
    "space": 11,
    "solving": 12,
    "plot": 12,
    "__init__": 13,
}
HEAVY = (
    "jax",
    "jaxlib",
    "kernels",
    "latex2mathml",
    "scipy",
    "flint",
    "matplotlib",
    "sklearn",
    "IPython",
    "sympy.combinatorics",
)


def room(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_derive_imports_nothing_heavy() -> None:
    """SymPy and NumPy, which SymPy's users have, and nothing else that takes time."""
    loaded = run("import sys, sympy, derive; print('\\n'.join(sys.modules))").split()
    alone = run("import sys, sympy; print('\\n'.join(sys.modules))").split()
    heavy = [m for m in set(loaded) - set(alone) if any(m == h or m.startswith(h + ".") for h in HEAVY)]
    assert sorted(heavy) == []
    assert "derive.solving" in loaded


def test_solving_and_checking_need_no_jax() -> None:
    code = (
        "import sys, derive as dv; G = dv.translations(2)\n"
        "s = dv.solve(dv.Field(G, channels='C'), dv.Field(G, channels='D'), dv.box(1))\n"
        "s.derivation.check(); s.certificate; str(s.derivation); s.derivation.html()\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('jax', 'jaxlib', 'kernels')])"
    )
    assert run(code).strip() == "[]"


@every_file
def test_derive_never_imports_jax_or_kernels(path: Path) -> None:
    assert not [m for m in imports(path) if m.split(".")[0] in ("jax", "jaxlib", "kernels")]


@every_file
def test_only_known_packages(path: Path) -> None:
    known = {"sympy", "numpy", "scipy", "flint", "derive", *sys.stdlib_module_names}
    known |= {"plot": {"matplotlib"}, "drawing": {"latex2mathml"}}.get(room(path), set())
    assert {m.split(".")[0] for m in imports(path)} <= known


def test_flint_is_imported_in_one_place() -> None:
    assert [path.name for path in FILES if "flint" in set(imports(path))] == ["nullspace.py"]


@every_file
def test_imports_point_down(path: Path) -> None:
    here = room(path)
    for module in imports(path):
        parts = module.split(".")
        if parts[0] != "derive" or len(parts) < 2 or parts[1] == here:
            continue
        assert FLOORS[parts[1]] < FLOORS[here], f"{here} imports {module}"


def test_circles_are_found() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": set(), "f": {"f", "a"}}
    assert sorted(map(sorted, circles(edges))) == [["a", "b", "c"], ["f"]]


def test_no_circles_of_imports() -> None:
    """Imports inside functions and behind TYPE_CHECKING count as well."""
    assert circles(HOUSE.graph()) == []


@every_file
def test_imports_of_derive_stand_at_the_top(path: Path) -> None:
    assert HOUSE.hidden(path) == []


def test_the_count_of_a_certificate_knows_no_method() -> None:
    """The independent counts stand on the statement alone: no listing, no maps, no orbits, no null spaces."""
    methods = ("derive.lattice", "derive.hom", "derive.linear", "derive.orbits")
    allowed = {"derive.lattice.presumptions", "derive.lattice.problem"}  # the statement and what it presumes
    for path in ROOT.glob("counting/*.py"):
        assert {m for m in imports(path) if m.startswith(methods)} <= allowed, path.name


@every_file
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@every_file
def test_no_asserts_no_globals_no_prints(path: Path) -> None:
    """Inputs are refused by errors that say why; `is not None` only narrows a type."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        narrowing = isinstance(node, ast.Assert) and ast.unparse(node.test).endswith("is not None")
        assert narrowing or not isinstance(node, (ast.Assert, ast.Global)), (path.name, node.lineno)
        called = node.func if isinstance(node, ast.Call) else None
        assert not (isinstance(called, ast.Name) and called.id == "print"), (path.name, node.lineno)


@every_file
def test_data_is_frozen_and_nothing_is_cached_under_a_name(path: Path) -> None:
    """A class whose name begins with an underscore may fill up while it works."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for decorator in getattr(node, "decorator_list", []):
            text = ast.unparse(decorator)
            data = text.startswith("dataclass") and not node.name.startswith("_")
            assert not data or "frozen=True" in text, (path.name, node.name)
            assert text.split("(")[0].split(".")[-1] not in ("lru_cache", "cache"), (path.name, node.name)


@every_file
def test_public_functions_are_annotated_and_described(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.name != "__init__.py" or tree.body:
        assert ast.get_docstring(tree), f"{path.name} does not say what it is for"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            assert node.returns is not None, node.name


def test_the_public_list_is_flat_sorted_and_complete() -> None:
    names = derive.__all__
    assert names == sorted(names)
    assert len(set(names)) == len(names)
    assert all(getattr(derive, name) is not None for name in names)
    wanted = (
        "translations space_group Group Representation trivial Field box window hexagon ball solve Solution"
    )
    assert set(wanted.split()) <= set(names)


def test_public_names_have_docstrings() -> None:
    assert [name for name in derive.__all__ if not (getattr(derive, name).__doc__ or "").strip()] == []


def test_names_are_data_and_are_not_taken_apart() -> None:
    """Only what a user writes, a word or the name of a size, is read by patterns."""
    assert [path.name for path in FILES if "re" in set(imports(path))] == ["names.py", "words.py"]
