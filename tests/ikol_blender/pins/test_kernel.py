"""A push's response is the column of the inverse that its definition says."""

from __future__ import annotations

import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.pins.correction import REACH_S
from bl_ext.user_default.ikol.ikol_blender.pins.kernel import responses


@pytest.mark.parametrize(("open_start", "open_end"), [(False, False), (True, False), (False, True), (True, True)])
def test_responses_are_columns_of_the_inverse(open_start: bool, open_end: bool) -> None:
    count, tau, samples = 40, 3.0, np.array([0, 11, 39])
    inside = np.zeros((count + 4, count))
    inside[2:-2] = np.eye(count)
    second = inside[2:] - 2 * inside[1:-1] + inside[:-2]  # centred at -1 .. count
    second = second[2 if open_start else 0 : count if open_end else count + 2]
    expected = np.linalg.inv(np.eye(count) + tau**4 * second.T @ second)[:, samples]
    found = responses(count, samples, tau, open_start=open_start, open_end=open_end)
    assert np.abs(found - expected).max() < 1e-10


@pytest.mark.parametrize("rate_hz", [24, 30, 60, 120])
def test_a_change_fades_as_the_page_on_pins_says(rate_hz: int) -> None:
    at = 5 * rate_hz
    found = responses(2 * at, np.array([at]), REACH_S * rate_hz, open_start=False, open_end=False)[:, 0]
    share = found / found[at]
    seconds = np.arange(2 * at) / rate_hz - 5
    for side in (1, -1):
        left = np.interp(side * np.array([1 / 3, 0.5, 0.83]), seconds, share)
        assert np.abs(left - (0.54, 0.28, 0.0)).max() < 0.02
    beyond = np.abs(seconds) > 0.84
    assert share[beyond].min() > -0.045 and share[beyond].max() < 0.004
    assert np.abs(share[np.abs(seconds) > 2]).max() < 0.005
