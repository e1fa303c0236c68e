"""What depends on where words appear: colour, progress, and characters that an encoding lacks."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

TICK = 0.2  # seconds between two looks at the clock
PATIENCE = 0.5  # seconds after which work is said to be going on


def is_terminal(stream: TextIO) -> bool:
    """Whether a person reads this, on a terminal that can rewrite its last line."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def heading(words: str, stream: TextIO | None = None) -> str:
    """Bold on a terminal, unless NO_COLOR is set (no-color.org)."""
    out = stream or sys.stdout
    return words if os.environ.get("NO_COLOR") or not is_terminal(out) else f"\x1b[1m{words}\x1b[0m"


def can_show(characters: str, stream: TextIO | None = None) -> bool:
    """Whether the encoding of a stream has these characters."""
    encoding = (stream or sys.stdout).encoding or "ascii"
    try:
        characters.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def survive_encoding() -> None:
    """Characters that an encoding lacks appear as '?', and nothing breaks."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


@contextmanager
def progress(what: str) -> Iterator[None]:
    """On a terminal, a line on stderr with the seconds that work has taken, gone when it is done."""
    if not is_terminal(sys.stderr):
        yield
        return
    stop = threading.Event()
    clock = threading.Thread(target=_tick, args=(what, stop, sys.stderr), daemon=True)
    clock.start()
    try:
        yield
    finally:
        stop.set()
        clock.join()


def _tick(what: str, stop: threading.Event, out: TextIO) -> None:
    start, shown = time.monotonic(), False
    while not stop.wait(TICK):
        seconds = time.monotonic() - start
        if seconds > PATIENCE:
            out.write(f"\r{what} ... {seconds:.0f} s")
            out.flush()
            shown = True
    if shown:
        out.write("\r\x1b[K")
        out.flush()
