"""Rotations of other tools' files: matrices, axis-angle and what lies between two of them. numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def matrices_of(axis_angle: Array) -> Array:
    """(..., 3) radians to (..., 3, 3), by Rodrigues' formula."""
    vectors = np.asarray(axis_angle, np.float64)
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    # sin(a)/a and (1 - cos(a))/a^2 by sinc, which has no hole at zero.
    return np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (cross @ cross)


def axis_angles_of(matrices: Array) -> Array:
    """(..., 3, 3) to (..., 3) radians, of length 0..pi.

    By way of the quaternion, whose largest component is found from the diagonal: near half a turn the matrix is
    symmetric, and its antisymmetric part no longer tells the axis.
    """
    m = np.asarray(matrices, np.float64)
    d0, d1, d2 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    products = np.empty((*m.shape[:-2], 4, 4))  # 4 q q^T, w first
    index = np.arange(4)
    products[..., index, index] = 1 + np.stack([d0 + d1 + d2, d0 - d1 - d2, d1 - d0 - d2, d2 - d0 - d1], axis=-1)
    for row, column, value in (
        (0, 1, m[..., 2, 1] - m[..., 1, 2]),
        (0, 2, m[..., 0, 2] - m[..., 2, 0]),
        (0, 3, m[..., 1, 0] - m[..., 0, 1]),
        (1, 2, m[..., 1, 0] + m[..., 0, 1]),
        (1, 3, m[..., 0, 2] + m[..., 2, 0]),
        (2, 3, m[..., 2, 1] + m[..., 1, 2]),
    ):
        products[..., row, column] = products[..., column, row] = value
    largest = products[..., index, index].argmax(axis=-1)[..., None, None]
    quaternion = np.take_along_axis(products, largest, axis=-2)[..., 0, :]
    quaternion = quaternion / np.linalg.norm(quaternion, axis=-1, keepdims=True)
    quaternion = np.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    sine = np.linalg.norm(quaternion[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, quaternion[..., :1])
    return quaternion[..., 1:] * np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 2.0)


def fill_rotations(known: Array, moments: Array, wanted: Array) -> Array:
    """Rotations at `wanted` (N,), along the shortest way between those known at `moments` (T,), both ascending.

    Args:
        known: (T, ..., 3, 3).

    Returns:
        (N, ..., 3, 3); the first and the last are held beyond the ends.
    """
    after = np.clip(np.searchsorted(moments, wanted), 1, max(1, len(moments) - 1))
    if len(moments) == 1:
        return np.repeat(known, len(wanted), axis=0)
    before = after - 1
    share = np.clip((wanted - moments[before]) / (moments[after] - moments[before]), 0.0, 1.0)
    step = axis_angles_of(np.swapaxes(known[before], -1, -2) @ known[after])
    return known[before] @ matrices_of(step * share.reshape(-1, *[1] * (step.ndim - 1)))


def fill_points(known: Array, moments: Array, wanted: Array) -> Array:
    """Points (T, 3) at `moments` (T,) on straight lines to (N, 3) at `wanted` (N,)."""
    return np.stack([np.interp(wanted, moments, known[:, axis]) for axis in range(3)], axis=1)
