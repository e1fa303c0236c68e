"""Whether `import kernels` finds this library's package, or another one that has the same name.

Two distributions that install a package of one name cannot share an environment: the second overwrites files
of the first, and removing either takes files of the other along.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

DISTRIBUTION, PACKAGE = "equiderive", "kernels"
MARK = b"namesakes"  # our kernels/__init__.py imports that, and no other does
HERE = Path(__file__).resolve().parents[1]  # where our package stands if it was installed with this one
AGAIN = f"pip install --force-reinstall --no-deps {DISTRIBUTION}"


def warn() -> None:
    """One line where `import kernels` would find something else; `derive` itself needs no kernels."""
    said = complaint()
    if said is not None:
        warnings.warn(said, RuntimeWarning, stacklevel=3)


def complaint() -> str | None:
    """What is found instead of our package and what to do about it, on one line; None where all is well."""
    try:
        spec = find_spec(PACKAGE)
    except (ImportError, ValueError):  # a module made by hand
        return None
    if spec is None:
        return None
    if spec.origin is None:
        folder = HERE / PACKAGE
        return (
            _line(f"{folder} without its __init__.py", f"run {AGAIN}")
            if (folder / "namesakes.py").exists()
            else None
        )
    found = Path(spec.origin).resolve()
    if _is_ours(found):
        return None
    owner = _owner(found.parent)
    value = f"{found} of {owner}" if owner else str(found)
    if owner is None:
        return _line(value, "rename it, or start Python where it is not found first")
    over = f", then {AGAIN}" if found.parent == HERE / PACKAGE else ""
    name = owner.split()[0]
    return _line(value, f"use an environment for each of the two, or run pip uninstall {name}{over}")


def _line(value: str, remedy: str) -> str:
    return (
        f"{PACKAGE} must be the package of {DISTRIBUTION}, got {value}, so that only derive works; {remedy}"
    )


def _is_ours(file: Path) -> bool:
    """Whether a package begins as ours does; what cannot be read is not complained about."""
    try:
        return MARK in file.read_bytes()
    except OSError:
        return True


def _owner(folder: Path) -> str | None:
    """The other distribution that installed files into a folder: 'kernels 0.11.0'."""
    from importlib import metadata  # takes longer than all of the above, and is seldom needed

    for name in metadata.packages_distributions().get(PACKAGE, ()):
        found = metadata.distribution(name)
        if name != DISTRIBUTION and Path(str(found.locate_file(PACKAGE))).resolve() == folder:
            return f"{name} {found.version}"
    return None
