"""Where and with what the figures were taken."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "jax", "jaxlib", "sympy", "numpy", "scipy", "python-flint", "torch", "equinox", "flax",
)  # fmt: skip


def describe() -> str:
    """The date, the machine, how busy it is and the versions, as Markdown lines."""
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    lines = (
        f"Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"Machine: {_processor()}, {os.cpu_count()} cores, {_memory()}, {platform.system()}",
        f"Load average when it began: {_load()}",
        f"Versions: Python {platform.python_version()}, {versions}",
    )
    return "\n".join(f"- {line}" for line in lines)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _field(path: str, key: str) -> str | None:
    """The value of `key: value` in a file of such lines, where there is one."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), None)


def _processor() -> str:
    name = _field("/proc/cpuinfo", "model name")
    return name or platform.processor() or platform.machine()


def _memory() -> str:
    total = _field("/proc/meminfo", "MemTotal")
    return f"{int(total.split()[0]) / 2**20:.0f} GiB of memory" if total else "memory unknown"


def _load() -> str:
    if not hasattr(os, "getloadavg"):
        return "unknown"
    load = os.getloadavg()[0]
    return f"{load:.1f}" + (", so other work shared the machine" if load > 0.5 else "")
