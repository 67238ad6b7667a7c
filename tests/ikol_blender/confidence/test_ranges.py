"""Doubtful ranges are found, joined and passed over as their definition says."""

from __future__ import annotations

import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup.gaps import spans
from bl_ext.user_default.ikol.ikol_blender.confidence.colors import confidence_colors, doubt_colors
from bl_ext.user_default.ikol.ikol_blender.confidence.ranges import (
    DoubtfulRange,
    columns_under,
    doubtful_ranges,
    next_range,
    previous_range,
)


def _curve(*low: range) -> np.ndarray:
    """(100, 2) sure, but for the second column in the ranges."""
    confidence = np.ones((100, 2))
    for part in low:
        confidence[list(part), 1] = 0.3
    return confidence


def test_range_is_where_any_column_is_under_the_threshold() -> None:
    confidence = _curve(range(10, 20), range(90, 100))
    confidence[15:25, 0] = 0.1
    assert doubtful_ranges(confidence, 0.5) == [DoubtfulRange(10, 24), DoubtfulRange(90, 99)]
    assert doubtful_ranges(confidence, 0.2) == [DoubtfulRange(15, 24)]
    assert doubtful_ranges(confidence, 0.05) == []
    assert doubtful_ranges(confidence, 0.3) == [DoubtfulRange(15, 24)], "what is just at the threshold is not under it"


def test_short_ranges_are_passed_over_and_short_breaks_joined() -> None:
    confidence = _curve(range(10, 14), range(40, 46), range(48, 50))
    assert doubtful_ranges(confidence, 0.5, shortest=5) == [DoubtfulRange(40, 45)]
    assert doubtful_ranges(confidence, 0.5, shortest=5, longest_break=1) == [DoubtfulRange(40, 45)]
    assert doubtful_ranges(confidence, 0.5, shortest=5, longest_break=2) == [DoubtfulRange(40, 49)]
    flicker = _curve(*(range(first, first + 1) for first in range(20, 40, 2)))
    assert doubtful_ranges(flicker, 0.5, shortest=3, longest_break=1) == [DoubtfulRange(20, 38)]


def test_all_low_is_one_range_and_all_sure_is_none() -> None:
    assert doubtful_ranges(np.zeros((7, 3)), 0.5, 3) == [DoubtfulRange(0, 6)]
    assert doubtful_ranges(np.ones((7, 3)), 0.5, 3) == []
    assert doubtful_ranges(np.zeros((0, 3)), 0.5, 3) == []


def test_next_and_previous_start_beyond_where_one_is() -> None:
    ranges = [DoubtfulRange(10, 20), DoubtfulRange(50, 60)]
    assert next_range(ranges, 0) == next_range(ranges, 9) == ranges[0]
    assert next_range(ranges, 10) == next_range(ranges, 15) == ranges[1]
    assert next_range(ranges, 50) is None
    assert previous_range(ranges, 50) == previous_range(ranges, 11) == ranges[0]
    assert previous_range(ranges, 55) == ranges[1] and previous_range(ranges, 10) is None


def test_columns_are_named_lowest_first() -> None:
    confidence = np.ones((30, 4))
    confidence[5, 2], confidence[6, 0], confidence[20, 1] = 0.1, 0.4, 0.0
    assert columns_under(confidence, 0.5, DoubtfulRange(0, 10)) == [2, 0]


def test_spans_end_one_after_the_last() -> None:
    assert spans(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert spans(np.zeros(3, bool)) == []


def test_low_is_red_high_is_green_and_what_is_sure_has_no_tint() -> None:
    red, yellow, green = confidence_colors(np.array([0.0, 0.5, 1.0]))
    assert red[0] > 4 * red[1] and green[1] > 2 * green[0] and min(yellow[:2]) > 4 * yellow[2]
    tints = doubt_colors(np.array([0.0, 0.49, 0.5, 1.0]), 0.5)
    assert tints[2, 3] == tints[3, 3] == 0.0 and tints[0, 3] > tints[1, 3] > 0.4
    assert tints[0, :3] == pytest.approx(red[:3])
