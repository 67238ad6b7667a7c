"""Long clips in stretches: what is worked out on the way to a result stays small, however long the clip.

A result's own arrays are kept whole, in single precision, which is finer than any detector.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LENGTH = 2048  # moments


@dataclass(frozen=True)
class Stretch:
    """Some of a clip's moments.

    Attributes:
        kept: the moments that the stretch stands for.
        reach: these and the margin on both sides, as far as the clip goes.
        inner: `kept`, counted from the start of `reach`.
    """

    kept: slice
    reach: slice
    inner: slice


def stretches(count: int, margin: int = 0, length: int = LENGTH) -> Iterator[Stretch]:
    """A clip of `count` moments in stretches of at most `length`, with `margin` moments around each."""
    for first in range(0, count, length):
        last = min(count, first + length)
        start = max(0, first - margin)
        yield Stretch(slice(first, last), slice(start, min(count, last + margin)), slice(first - start, last - start))


def runs(flags: Array, shortest: int = 1) -> list[tuple[int, int]]:
    """First and last-plus-one index of each run of True in flags (T,) that is long enough."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= shortest]
