"""A push's response is the column of the inverse that its definition says."""

from __future__ import annotations

import numpy as np
import pytest
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
