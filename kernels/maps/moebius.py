"""Answers all of whose orbits are diagonals, rewritten by the Moebius function of the partition lattice.

An orbit is the tuples "equal within blocks, different between". Inclusion and exclusion over coarser
partitions, in exact integers, turns its weights into weights for "equal within blocks, else free":

    sum_p w_p [equal in the blocks of p, different between]  =  sum_s w'_s [equal in the blocks of s]

Source: G.-C. Rota, "On the foundations of combinatorial theory I", 1964, for the function; H. Maron et al.,
"Invariant and equivariant graph networks", arXiv:1812.09902, for the maps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from kernels.maps.forms.diagonals import Diagonals, Feature, Group
from kernels.static import Static

Term = frozenset  # of (axes, range) blocks


def read_diagonals(pair: Any) -> tuple[Diagonals, np.ndarray, np.ndarray]:
    """The form of a pair all of whose orbits are diagonals, and (fan-in, first row) of every weight."""
    outs = len(pair.sizes_out)
    ranges: dict[tuple[int, Static], int] = {}
    triples: dict[tuple[Term, int], int] = {}
    fans, rows = [], []
    for k, leaf in enumerate(pair.diagonals):
        keys = zip(leaf.kinds, (Static(np.asarray(r)) for r in leaf.ranges), strict=True)
        ids = [ranges.setdefault(key, len(ranges)) for key in keys]
        for term, value in _coarser_terms(leaf.pattern, ids):
            triples[term, k] = triples.get((term, k), 0) + value
        lengths = [len(r) for r in leaf.ranges]
        seen = sorted(set(leaf.pattern[:outs]))
        fans.append(_tuples(ids, lengths, range(len(ids))) / _tuples(ids, lengths, seen))
        rows.append(_least_row(leaf, ids, pair.sizes_out))
    groups, places = _grouped({term for term, _ in triples}, outs)
    change = np.array([[places[t], k, v] for (t, k), v in triples.items()], dtype=np.int64).T
    points = tuple(array for _, array in ranges)
    form = Diagonals(pair.sizes_in, pair.sizes_out, points, groups, Static(change), len(pair.diagonals))
    return form, np.array(fans), np.array(rows)


def _coarser_terms(pattern: Sequence[int], ids: Sequence[int]) -> Iterator[tuple[Term, int]]:
    """Every coarser partition of the axes and its Moebius function, prod (-1)^(m-1) (m-1)!.

    Only blocks of one range are merged: others never meet.
    """
    axes = [tuple(i for i, b in enumerate(pattern) if b == block) for block in range(len(ids))]
    alike = [[b for b, r in enumerate(ids) if r == kind] for kind in dict.fromkeys(ids)]
    for choice in product(*(list(_partitions(blocks)) for blocks in alike)):
        merged = [group for partition in choice for group in partition]
        value = math.prod((-1) ** (len(g) - 1) * math.factorial(len(g) - 1) for g in merged)
        yield frozenset((tuple(sorted(a for b in g for a in axes[b])), ids[g[0]]) for g in merged), value


def _partitions(items: Sequence[int]) -> Iterator[list[tuple[int, ...]]]:
    if not items:
        yield []
        return
    for rest in _partitions(items[1:]):
        yield [(items[0],), *rest]
        for i, group in enumerate(rest):
            yield [*rest[:i], (items[0], *group), *rest[i + 1 :]]


def _tuples(ids: Sequence[int], lengths: Sequence[int], blocks: Sequence[int]) -> int:
    """How many ways these blocks can take points, different where they share a range."""
    used = dict.fromkeys(ids, 0)
    total = 1
    for b in blocks:
        total *= lengths[b] - used[ids[b]]
        used[ids[b]] += 1
    return total


def _least_row(leaf: Any, ids: Sequence[int], sizes: Sequence[int]) -> int:
    """The first output entry that an orbit touches."""
    points: dict[int, int] = {}
    for block in leaf.pattern[: len(sizes)]:
        if block not in points:
            points[block] = int(leaf.ranges[block][sum(ids[b] == ids[block] for b in points)])
    index = tuple(points[b] for b in leaf.pattern[: len(sizes)])
    return int(np.ravel_multi_index(index, sizes))


def _grouped(terms: set[Term], outs: int) -> tuple[tuple[Group, ...], dict[Term, int]]:
    """Terms as pairs of margins, grouped by what the two share; and every term's place."""
    read = {term: _split(term, outs) for term in sorted(terms, key=sorted)}
    groups, places, at = [], {}, 0
    for ranges in sorted({r for r, _, _ in read.values()}, key=lambda r: (len(r), r)):
        mine = {t: (f, g) for t, (r, f, g) in read.items() if r == ranges}
        into = tuple(dict.fromkeys(f for f, _ in mine.values()))
        out = tuple(dict.fromkeys(g for _, g in mine.values()))
        for t, (f, g) in mine.items():
            places[t] = at + into.index(f) * len(out) + out.index(g)
        groups.append(Group(ranges, into, out))
        at += len(into) * len(out)
    return tuple(groups), places


def _split(term: Term, outs: int) -> tuple[tuple[int, ...], Feature, Feature]:
    """What input and output share, the margin of the input, the margin of the output."""
    blocks = sorted(term)
    into = sorted((tuple(a - outs for a in axes if a >= outs), r, i) for i, (axes, r) in enumerate(blocks))
    out = sorted((tuple(a for a in axes if a < outs), r, i) for i, (axes, r) in enumerate(blocks))
    into, out = [b for b in into if b[0]], [b for b in out if b[0]]
    at_out = {i: place for place, (_, _, i) in enumerate(out)}
    kept_in = tuple(place for place, (_, _, i) in enumerate(into) if i in at_out)
    kept_out = tuple(at_out[into[place][2]] for place in kept_in)
    return (
        tuple(into[place][1] for place in kept_in),
        Feature(tuple((axes, r) for axes, r, _ in into), kept_in),
        Feature(tuple((axes, r) for axes, r, _ in out), kept_out),
    )
