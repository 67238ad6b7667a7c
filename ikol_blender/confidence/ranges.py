"""Where a curve of confidence is low for a while. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cleanup.gaps import spans

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class DoubtfulRange:
    """Attributes:
    first: index of the first sample.
    last: index of the last one.
    """

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


def doubtful_ranges(
    confidence: Array, threshold: float, shortest: float = 1, longest_break: float = 0
) -> list[DoubtfulRange]:
    """Ranges of at least `shortest` samples in which some column of `confidence` (T, K) is under `threshold`.

    Confidence flickers: up to `longest_break` samples that are not under it do not end a range.
    """
    low: Flags = (confidence < threshold).any(axis=1)
    joined: list[DoubtfulRange] = []
    for first, after in spans(low):
        if joined and first - joined[-1].last - 1 <= longest_break:
            joined[-1] = DoubtfulRange(joined[-1].first, after - 1)
        else:
            joined.append(DoubtfulRange(first, after - 1))
    return [found for found in joined if len(found) >= shortest]


def next_range(ranges: list[DoubtfulRange], index: float) -> DoubtfulRange | None:
    """The first range that starts after sample `index`."""
    return next((found for found in ranges if found.first > index), None)


def previous_range(ranges: list[DoubtfulRange], index: float) -> DoubtfulRange | None:
    """The last range that starts before sample `index`."""
    return next((found for found in reversed(ranges) if found.first < index), None)


def columns_under(confidence: Array, threshold: float, within: DoubtfulRange) -> list[int]:
    """Columns of `confidence` (T, K) that go under `threshold` in the range, the lowest first."""
    lowest = confidence[within.first : within.last + 1].min(axis=0)
    return [int(column) for column in np.argsort(lowest, kind="stable") if lowest[column] < threshold]
