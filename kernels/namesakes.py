"""Other distributions that install an import package `kernels`: whose files lie here, and what to do.

Two such distributions cannot share an environment: the second overwrites files of the first, and removing
either takes files of the other along. `derive.namesakes` says so where this file is not reached.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

DISTRIBUTION, PACKAGE = "equiderive", "kernels"
MARK = b"namesakes"  # our kernels/__init__.py imports that, and no other does
HERE = Path(__file__).resolve().parent
LATER = frozenset(("layers", "py"))  # ours, and not loaded with the package: layers/, py.typed
APART = "use an environment for each of the two"
AGAIN = f"pip install --force-reinstall --no-deps {DISTRIBUTION}"


def warn() -> None:
    """One line where files of another distribution lie among ours, or behind them on sys.path."""
    if any(map(_is_strange, _entries(HERE))) and (owner := _owner(HERE)):
        _say(f"files of {owner} among its own", f"{APART}, or run pip uninstall {_name(owner)}, then {AGAIN}")
        return
    for folder in _behind():
        if owner := _owner(folder):
            _say(f"{owner} in {folder} behind it", f"{APART}, or run pip uninstall {_name(owner)}")
            return


def require_ours() -> None:
    """Refuse to go on in a package whose __init__.py belongs to another distribution."""
    found = getattr(sys.modules[PACKAGE], "__file__", None)
    if found is not None and _is_ours(Path(found)):
        return
    owner = _owner(HERE)
    what = f"{HERE} without its __init__.py" if found is None else f"{found}{f' of {owner}' if owner else ''}"
    first = f"{APART}, or run pip uninstall {_name(owner)}, then " if owner else "run "
    raise ImportError(f"{PACKAGE} must be the package of {DISTRIBUTION}, got {what}; {first}{AGAIN}")


def _say(value: str, remedy: str) -> None:
    said = f"{PACKAGE} must be the package of {DISTRIBUTION} alone, got {value}, which cannot be imported"
    warnings.warn(f"{said}; {remedy}", RuntimeWarning, stacklevel=4)


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # inside an archive
        return []


def _is_strange(entry: str) -> bool:
    """Whether a file or folder is none of those that were loaded with the package."""
    stem = entry.partition(".")[0]
    return bool(stem) and stem[:2] != "__" and stem not in LATER and f"{PACKAGE}.{stem}" not in sys.modules


def _behind() -> list[Path]:
    """Packages of this name that Python would find if ours were not there."""
    files = [Path(entry or ".", PACKAGE, "__init__.py").resolve() for entry in sys.path]
    return [f.parent for f in files if f.parent != HERE and f.is_file() and not _is_ours(f)]


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


def _name(owner: str) -> str:
    return owner.split()[0]
