"""Unit quaternions, w first, in arrays (..., 4). Rotation vectors are radians."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def multiply(first: Array, second: Array) -> Array:
    """The rotation `second`, then `first`: the product of their matrices in this order."""
    w, x, y, z = first[..., 0], first[..., 1], first[..., 2], first[..., 3]
    a, b, c, d = second[..., 0], second[..., 1], second[..., 2], second[..., 3]
    found = np.empty(np.broadcast_shapes(first.shape, second.shape))
    found[..., 0] = w * a - x * b - y * c - z * d
    found[..., 1] = w * b + x * a + y * d - z * c
    found[..., 2] = w * c - x * d + y * a + z * b
    found[..., 3] = w * d + x * c - y * b + z * a
    return found


def cross(first: Array, second: Array) -> Array:
    """The cross product of vectors (..., 3): numpy's own, without what it spends on telling axes apart."""
    a, b, c = first[..., 0], first[..., 1], first[..., 2]
    x, y, z = second[..., 0], second[..., 1], second[..., 2]
    found = np.empty(np.broadcast_shapes(first.shape, second.shape))
    found[..., 0] = b * z - c * y
    found[..., 1] = c * x - a * z
    found[..., 2] = a * y - b * x
    return found


def inverse(quaternions: Array) -> Array:
    return quaternions * np.array([1.0, -1.0, -1.0, -1.0])


def normalized(quaternions: Array) -> Array:
    return quaternions / np.sqrt(np.einsum("...c,...c->...", quaternions, quaternions))[..., None]


def continuous(quaternions: Array) -> Array:
    """(T, ..., 4) with each quaternion on the half sphere of the one before it; the first stays as it is.

    q and -q are one rotation, but curves between them would swing the long way round.
    """
    dots = (quaternions[1:] * quaternions[:-1]).sum(axis=-1)
    signs = np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)
    return np.concatenate([quaternions[:1], quaternions[1:] * signs[..., None]])


def log(quaternions: Array) -> Array:
    """Rotation vectors (..., 3) of the shorter way round."""
    sign = np.where(quaternions[..., :1] < 0, -1.0, 1.0)
    axis = sign * quaternions[..., 1:]
    sine = np.sqrt((axis * axis).sum(axis=-1, keepdims=True))
    angle = 2 * np.arctan2(sine, sign * quaternions[..., :1])
    # angle / sine tends to 2 as both go to zero.
    return axis * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)


def exp(vectors: Array) -> Array:
    """Quaternions of rotation vectors (..., 3)."""
    angle = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.concatenate([np.cos(angle / 2), vectors * 0.5 * np.sinc(angle / (2 * np.pi))], axis=-1)


def angle_between(first: Array, second: Array) -> Array:
    """(...) radians, 0..pi."""
    turn = multiply(inverse(first), second)
    return 2 * np.arctan2(np.sqrt((turn[..., 1:] ** 2).sum(axis=-1)), np.abs(turn[..., 0]))


def slerp(start: Array, end: Array, share: Array | float) -> Array:
    """From `start` (share 0) to `end` (share 1) the shorter way; `share` is (...), without the last axis."""
    turn = log(multiply(inverse(start), end))
    return multiply(start, exp(turn * np.asarray(share, np.float64)[..., None]))


def rotate(quaternions: Array, vectors: Array) -> Array:
    """`vectors` (..., 3) turned."""
    axis = quaternions[..., 1:]
    twice = 2 * cross(axis, vectors)
    return vectors + quaternions[..., :1] * twice + cross(axis, twice)


def between(start: Array, end: Array) -> Array:
    """The smallest rotations that turn the directions `start` (..., 3), of any length, to `end` (..., 3)."""
    a = start / np.maximum(np.linalg.norm(start, axis=-1, keepdims=True), 1e-12)
    b = end / np.maximum(np.linalg.norm(end, axis=-1, keepdims=True), 1e-12)
    raw = np.concatenate([1 + (a * b).sum(axis=-1, keepdims=True), cross(a, b)], axis=-1)
    # Opposite directions: any axis across will do.
    across = np.where(np.abs(a[..., :1]) < 0.9, np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    half_turn = np.concatenate([np.zeros_like(a[..., :1]), cross(a, across)], axis=-1)
    return normalized(np.where(raw[..., :1] < 1e-9, half_turn, raw))


def matrices(quaternions: Array) -> Array:
    """(..., 3, 3)."""
    w, x, y, z = quaternions[..., 0], quaternions[..., 1], quaternions[..., 2], quaternions[..., 3]
    flat = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return np.stack(flat, axis=-1).reshape(*quaternions.shape[:-1], 3, 3)


def from_matrices(rotations: Array) -> Array:
    """(..., 3, 3) rotation matrices to quaternions with w >= 0.

    The first eigenvector of Bar-Itzhack's symmetric matrix (J. Guidance 23(6), 2000): stable at every angle.
    """
    m = np.asarray(rotations, np.float64)
    k = np.empty((*m.shape[:-2], 4, 4))
    trace = np.trace(m, axis1=-2, axis2=-1)
    k[..., 0, 0] = trace
    k[..., 1:, 1:] = m + np.swapaxes(m, -1, -2) - trace[..., None, None] * np.eye(3)
    axis = np.stack([m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]], axis=-1)
    k[..., 0, 1:] = k[..., 1:, 0] = axis
    found = np.linalg.eigh(k)[1][..., -1]
    return np.where(found[..., :1] < 0, -found, found)
