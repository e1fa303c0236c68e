"""Run jobs one after another in a process that may die.

In loop bodies XLA on CPU computes convolutions that are not in its fast form by a loop that reads past the
end of its operands; where the next page is not mapped, the process is gone (seen with jaxlib 0.10.2, in
`conv_general_dilated.0_kernel`, about one run out of four). A competitor's crash is not to take all along.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

TRIES = 3


def elsewhere(function: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """`function(*job)` of every job, in one process as long as it lives, then in a new one."""
    pool = None
    try:
        for job in jobs:
            for left in reversed(range(TRIES)):
                pool = pool or ProcessPoolExecutor(1, mp_context=get_context("spawn"))
                try:
                    result = pool.submit(function, *job).result()
                except BrokenProcessPool:
                    print(f"  the process died measuring {job[0]}", file=sys.stderr, flush=True)
                    pool = None
                    if not left:
                        raise
                else:
                    yield result
                    break
    finally:
        if pool is not None:
            pool.shutdown()
