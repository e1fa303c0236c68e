"""Which thresholds are in effect: those that were measured on this machine, or the defaults.

Read when a convolution is lowered, once from disk; importing reads nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, fields
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import platformdirs

from kernels.convolution.choice.thresholds import DEFAULT, Thresholds
from kernels.errors import ImplementationError

VARIABLE = "KERNELS_THRESHOLDS"


class InEffect(NamedTuple):
    """The thresholds, where they come from ("" for the defaults), and whether nothing is chosen at all."""

    thresholds: Thresholds
    source: str = ""
    off: bool = False


def read() -> InEffect:
    """What the environment variable says, as it stands now.

    Nothing: what `calibrate` has kept for this machine, else the defaults. ``default``: the defaults.
    ``off``: XLA's own convolution wherever no implementation is named. Else: the path of a file that
    `calibrate` wrote.

    Raises:
        ImplementationError: the file cannot be read.
    """
    return _read(os.environ.get(VARIABLE, ""))


@lru_cache(maxsize=8)
def _read(setting: str) -> InEffect:
    if setting in ("default", "off"):
        return InEffect(DEFAULT, off=setting == "off")
    path = Path(setting) if setting else path_here()
    if not setting and not path.exists():
        return InEffect(DEFAULT)
    return InEffect(_load(path), f"{VARIABLE}={setting}" if setting else "what was measured on this machine")


def keep(thresholds: Thresholds, path: Path) -> None:
    """Write them, for all that is lowered from now on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": fingerprint(), "thresholds": asdict(thresholds)}, indent=1)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(text + "\n")
    part.replace(path)  # whoever reads meanwhile finds the old file or the new one
    _read.cache_clear()


def _load(path: Path) -> Thresholds:
    try:
        given = json.loads(path.read_text())["thresholds"]
        if not all(type(n) is int and n >= 0 for n in given.values()):
            raise TypeError("not a size")
        return Thresholds(**given)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImplementationError(
            "thresholds",
            "must be a file that calibrate() wrote",
            f"{path} ({type(error).__name__})",
            f"call kernels.calibrate() again, or set {VARIABLE}=default",
        ) from None


def path_here() -> Path:
    """Where `calibrate` keeps the thresholds of this machine."""
    known = json.dumps([fingerprint(), [field.name for field in fields(Thresholds)]])
    name = hashlib.sha256(known.encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("equiderive") / f"thresholds-{name}.json"


@lru_cache(maxsize=1)
def fingerprint() -> dict[str, str | int]:
    """What the timings of convolutions depend on: the processor, the cores it lends, and jaxlib."""
    return {"processor": _processor(), "cores": _cores(), "jaxlib": version("jaxlib")}


def _processor() -> str:
    """Its name and model; two machines of one name may differ in the model."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        lines = []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    known = [told[key] for key in ("model name", "cpu family", "model", "stepping") if key in told]
    return " ".join(known) or platform.processor() or platform.machine()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
