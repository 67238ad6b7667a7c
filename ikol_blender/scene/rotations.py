"""Rotations of SMPL joints as rotations of Blender's bones. numpy only.

Frames. SMPL's rest frame has Y up and faces +Z; Blender's armature has Z up and faces -Y: a = A s with A = Rx(90 deg).
SMPL's joints rest with the axes of the body; bones rest turned (B_k), so that they point at their child.
With the world rotation G_k = G_pa(k) R_k of joint k, the bone's matrix must be G_k A^T B_k, hence

    Q_k = C_k^T R_k C_k,  C_k = A^T B_k       for joints with a parent,
    Q_0 = B_0^T R_0 A^T B_0                   for the pelvis, whose R_0 holds the turn into the world.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Columns of A^T are the armature's axes seen in SMPL's rest frame.
ARMATURE_FROM_SMPL: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def matrices_from_axis_angle(axis_angle: Array) -> Array:
    """(..., 3) radians to (..., 3, 3), by Rodrigues' formula."""
    angle = np.linalg.norm(axis_angle, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(np.asarray(axis_angle, np.float64), -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    # sin(a)/a and (1 - cos(a))/a^2 by sinc, which has no hole at zero.
    first = np.sinc(angle / np.pi)
    second = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return np.eye(3) + first * cross + second * (cross @ cross)


def quaternions_from_matrices(matrices: Array) -> Array:
    """(..., 3, 3) to unit quaternions (..., 4), w first.

    Each of the four squared components is known from the diagonal; the largest is the safe one to divide by.
    """
    m = matrices
    d0, d1, d2 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    squares = 1 + np.stack([d0 + d1 + d2, d0 - d1 - d2, d1 - d0 - d2, d2 - d0 - d1], axis=-1)  # 4 w^2, 4 x^2, ...
    products = np.zeros((*squares.shape, 4))  # 4 q q^T
    index = np.arange(4)
    products[..., index, index] = squares
    for row, column, value in (
        (0, 1, m[..., 2, 1] - m[..., 1, 2]),
        (0, 2, m[..., 0, 2] - m[..., 2, 0]),
        (0, 3, m[..., 1, 0] - m[..., 0, 1]),
        (1, 2, m[..., 1, 0] + m[..., 0, 1]),
        (1, 3, m[..., 0, 2] + m[..., 2, 0]),
        (2, 3, m[..., 2, 1] + m[..., 1, 2]),
    ):
        products[..., row, column] = products[..., column, row] = value
    largest = squares.argmax(axis=-1)[..., None, None]
    chosen = np.take_along_axis(products, largest, axis=-2)[..., 0, :]
    return chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)


def without_sign_flips(quaternions: Array) -> Array:
    """(T, ..., 4) with each quaternion on the same half sphere as the one before; the first has w >= 0.

    q and -q are one rotation, but curves between them would swing the long way round.
    """
    dots = (quaternions[1:] * quaternions[:-1]).sum(axis=-1)
    first = np.where(quaternions[:1, ..., 0] < 0, -1.0, 1.0)
    signs = np.cumprod(np.concatenate([first, np.where(dots < 0, -1.0, 1.0)]), axis=0)
    return quaternions * signs[..., None]


def bone_quaternions(poses: Array, bone_rests: Array) -> Array:
    """What each bone's `rotation_quaternion` must be.

    Args:
        poses: (T, 24, 3) axis-angle of SMPL's joints, radians, relative to their parents; joint 0 in the world.
        bone_rests: (24, 3, 3) rest axes of the bones in the armature, one per column.

    Returns:
        (T, 24, 4), w first, without sign flips.
    """
    rotations = matrices_from_axis_angle(poses)
    frames = ARMATURE_FROM_SMPL.T @ bone_rests
    local = np.swapaxes(frames, -1, -2) @ rotations @ frames
    local[:, 0] = bone_rests[0].T @ rotations[:, 0] @ frames[0]
    return without_sign_flips(quaternions_from_matrices(local))
