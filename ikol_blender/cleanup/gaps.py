"""Values that are known for some stretches of time, carried through the gaps between them without a jolt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bell import bell_mean

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def spans(flags: Flags) -> list[tuple[int, int]]:
    """Where `flags` (T,) are set: from the first index to the one after the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def bridge(values: Array, known: Flags, ease: int, slope_over: int = 1) -> Array:
    """`values` (T, n) where `known` (T,), cubic paths in the gaps, which leave the known with its own speed.

    A short gap goes from one side to the other. In a long one, and outside the first and last known sample, values
    ease to zero: what holds here says nothing of a moment far away.

    Args:
        ease: samples of that easing; gaps of up to twice as many are short.
        slope_over: samples that the speed at an edge is measured over.
    """
    found = np.where(known[:, None], values, 0.0)
    count = len(known)
    for start, end in spans(~known):
        before = _edge(values, known, start - 1, -1, slope_over) if start > 0 else None
        after = _edge(values, known, end, 1, slope_over) if end < count else None
        length = end - start + 1  # steps from the known sample before to the one after
        if before is not None and after is not None and length <= 2 * ease:
            s = np.arange(1, length) / length
            found[start:end] = _hermite(s, before[0], before[1] * length, after[0], after[1] * length)
            continue
        # What begins or ends nearer than that is on its way.
        s = np.arange(1, ease + 1) / ease
        inside = min(ease, end - start)
        if before is not None:
            found[start : start + inside] = _hermite(s, before[0], before[1] * ease, 0.0, 0.0)[:inside]
        if after is not None:
            found[end - inside : end] = _hermite(s, after[0], -after[1] * ease, 0.0, 0.0)[:inside][::-1]
    return found


def _edge(values: Array, known: Flags, at: int, away: int, over: int) -> tuple[Array, Array]:
    """The value at the known sample `at`, and its change from sample to sample; `away` is where the known goes on."""
    inner = at
    while inner != at + away * over and 0 <= inner + away < len(known) and known[inner + away]:
        inner += away
    if inner == at:
        return values[at], np.zeros_like(values[at])
    return values[at], (values[at] - values[inner]) / (at - inner)


def _hermite(s: Array, p0: Array, v0: Array, p1: Array | float, v1: Array | float) -> Array:
    """Cubic paths at the shares `s` of the way, with speeds for the whole of it."""
    s = s[:, None]
    value = (2 * s**3 - 3 * s**2 + 1) * p0 + (3 * s**2 - 2 * s**3) * p1
    return value + (s**3 - 2 * s**2 + s) * v0 + (s**3 - s**2) * v1


def cover(needs: Array, reach: int) -> Array:
    """A smooth path over (T,) `needs`, nowhere below them, that begins `reach` samples ahead."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(needs, reach, "edge"), 2 * reach + 1)
    return bell_mean(windows.max(axis=1), reach)
