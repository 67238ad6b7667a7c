"""Euler angles in Blender's sense: order "XYZ" turns about X first, then Y, then Z; angles (..., 3) are x, y, z."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .quaternions import exp, matrices, multiply

Array = NDArray[np.float64]

ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


def to_quaternions(angles: Array, order: str) -> Array:
    """(..., 4) from angles (..., 3) in radians."""
    turns = [exp(angles[..., axis, None] * np.eye(3)[axis]) for axis in map("XYZ".index, order)]
    return multiply(turns[2], multiply(turns[1], turns[0]))


def from_quaternions(quaternions: Array, order: str) -> Array:
    """Angles (T, ..., 3), radians, without jumps: of all ways of writing each rotation, the one nearest to the last."""
    first, second, third = map("XYZ".index, order)
    sign = 1.0 if (second - first) % 3 == 1 else -1.0
    m = matrices(quaternions)
    middle = -sign * np.arcsin(np.clip(m[..., third, first], -1, 1))
    start = np.arctan2(sign * m[..., third, second], m[..., third, third])
    end = np.arctan2(sign * m[..., second, first], m[..., first, first])
    found = np.empty((*quaternions.shape[:-1], 3))
    found[..., first], found[..., second], found[..., third] = start, middle, end
    # The other way of writing the same rotation.
    other = found + np.pi
    other[..., second] = np.pi - found[..., second]
    result = np.empty_like(found)
    result[0] = found[0]
    for index in range(1, len(found)):
        ways = np.stack([found[index], other[index]])
        ways += 2 * np.pi * np.round((result[index - 1] - ways) / (2 * np.pi))
        nearer = np.abs(ways - result[index - 1]).sum(axis=-1).argmin(axis=0)
        result[index] = np.take_along_axis(ways, nearer[None, ..., None], axis=0)[0]
    return result


def gimbal_margin(quaternions: Array, order: str) -> float:
    """Radians between the order's middle angle and +-90 degrees at its worst moment; quaternions (T, 4)."""
    first, _, third = map("XYZ".index, order)
    return float(np.pi / 2 - np.abs(np.arcsin(np.clip(matrices(quaternions)[..., third, first], -1, 1))).max())


def safest_order(quaternions: Array) -> str:
    """The order that stays farthest from gimbal lock over the motion (T, 4); XYZ when equal."""
    return max(ORDERS, key=lambda order: round(gimbal_margin(quaternions, order), 6))
