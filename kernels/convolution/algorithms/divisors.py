"""Equal parts of what is summed or written out."""

from __future__ import annotations


def divisor(n: int, most: int) -> int:
    """The largest divisor of n that is at most `most`, or 1.

    >>> divisor(12, 5), divisor(7, 5)
    (4, 1)
    """
    return max((d for d in range(1, most + 1) if n % d == 0), default=1)
