"""Rotations: exponential, logarithm, Jacobians and the closest rotation to a matrix.

Tensors are batch first here: vectors (..., 3), matrices (..., 3, 3). Every function is differentiable, takes float32
and float64 on any device, and is safe at zero and close to a half-turn.

Reference: Sola, Deray and Atchuthan, "A micro Lie theory for state estimation in robotics", 2018, for the names and
signs; the closest rotation is derived in docs/ikol.md.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from . import planes

_SERIES_BELOW = 1e-2  # squared angle under which the series, good to x^4, replaces the quotient


def hat(vectors: Tensor) -> Tensor:
    """(..., 3) to the skew matrices (..., 3, 3) with hat(a) b = a x b."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    rows = (zero, -z, y, z, zero, -x, -y, x, zero)
    return torch.stack(rows, -1).reshape(*vectors.shape, 3)


def exp(vectors: Tensor) -> Tensor:
    """Rotation vectors (..., 3), radians, to rotation matrices (..., 3, 3)."""
    first, second = _coefficients((vectors * vectors).sum(-1))
    skew = hat(vectors)
    return _identity(vectors) + first[..., None, None] * skew + second[..., None, None] * (skew @ skew)


def log(rotations: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) to rotation vectors (..., 3) of length at most pi."""
    quaternion = to_quaternion(rotations)
    quaternion = torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    w, v = quaternion[..., 0], quaternion[..., 1:]
    squared = (v * v).sum(-1)
    small = squared < 1e-8
    length = torch.where(small, torch.ones_like(squared), squared).sqrt()
    ratio = torch.where(small, 2 - 2 * squared / 3 + 2 * (1 - w), 2 * torch.atan2(length, w) / length)
    return ratio[..., None] * v


def left_jacobian(vectors: Tensor) -> Tensor:
    """J_l (..., 3, 3) with exp(v + d) = exp(J_l(v) d) exp(v) to first order."""
    squared = (vectors * vectors).sum(-1)
    second, third = _coefficients(squared)[1], _third_coefficient(squared)
    skew = hat(vectors)
    return _identity(vectors) + second[..., None, None] * skew + third[..., None, None] * (skew @ skew)


def right_jacobian(vectors: Tensor) -> Tensor:
    """J_r (..., 3, 3) with exp(v + d) = exp(v) exp(J_r(v) d) to first order."""
    return left_jacobian(-vectors)


def to_quaternion(rotations: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) to unit quaternions (..., 4), w first, sign free."""
    m = rotations.flatten(-2).unbind(-1)
    diagonal = torch.stack((m[0] + m[4] + m[8], m[0] - m[4] - m[8], m[4] - m[0] - m[8], m[8] - m[0] - m[4]), -1)
    # 4 q q^T, row by row; the row with the largest diagonal has no cancellation.
    outer = torch.stack(
        (
            torch.stack((1 + diagonal[..., 0], m[7] - m[5], m[2] - m[6], m[3] - m[1]), -1),
            torch.stack((m[7] - m[5], 1 + diagonal[..., 1], m[1] + m[3], m[2] + m[6]), -1),
            torch.stack((m[2] - m[6], m[1] + m[3], 1 + diagonal[..., 2], m[5] + m[7]), -1),
            torch.stack((m[3] - m[1], m[2] + m[6], m[5] + m[7], 1 + diagonal[..., 3]), -1),
        ),
        -2,
    )
    best = diagonal.detach().argmax(-1)[..., None, None].expand(*diagonal.shape[:-1], 1, 4)
    row = outer.gather(-2, best).squeeze(-2)
    return row / row.norm(dim=-1, keepdim=True)


def closest_rotation(matrices: Tensor) -> Tensor:
    """The rotations (..., 3, 3) that maximise trace(R^T M): Kabsch's answer, in closed form."""
    moved = matrices.movedim((-2, -1), (0, 1))
    return closest_rotation_planes(moved).movedim((0, 1), (-2, -1))


def closest_rotation_planes(matrix: Tensor) -> Tensor:
    """`closest_rotation` on planes (3, 3, ...).

    With M = R S and S symmetric, e1 = tr S is the largest root of the quartic
    x^4 - 2 |M|^2 x^2 - 8 det(M) x + 2 |M^T M|^2 - |M|^4, and Cayley-Hamilton for S gives
    R = ((e1^2 - e2) M + e1 cof M - M M^T M) / (e1 e2 - det M), e2 = (e1^2 - |M|^2) / 2.
    There is no singular value decomposition to differentiate: the gradient is singular only where the rotation is
    not unique. Reflected and flat point sets need no special case.
    """
    scale = (matrix * matrix).sum((0, 1)).clamp_min(planes.TINY).rsqrt()
    matrix = matrix * scale
    gram = planes.multiply_transposed(matrix, matrix)
    cofactor = planes.cofactors(matrix)
    determinant = planes.dot(matrix[0], cofactor[0])
    squared = torch.einsum("ii...->...", gram)
    constant = 2 * (gram * gram).sum((0, 1)) - squared * squared
    with torch.no_grad():
        root = torch.full_like(determinant, math.sqrt(3.0))
        for _ in range(24 if matrix.dtype == torch.float64 else 12):
            root = root - _quartic_step(root, squared, determinant, constant)
    # One step with gradient at the root: the implicit derivative of the root.
    root = root - _quartic_step(root, squared, determinant, constant)
    second = (root * root - squared) / 2
    spread = (root * second - determinant).clamp_min(torch.finfo(matrix.dtype).eps)
    rotation = ((root * root - second) * matrix + root * cofactor - planes.multiply(matrix, gram)) / spread
    # Newton-Schulz: takes the rounding of the division back onto the rotations.
    return 1.5 * rotation - 0.5 * planes.multiply(rotation, planes.multiply_transposed(rotation, rotation))


def _quartic_step(x: Tensor, squared: Tensor, determinant: Tensor, constant: Tensor) -> Tensor:
    value = ((x * x - 2 * squared) * x - 8 * determinant) * x + constant
    slope = 4 * ((x * x - squared) * x - 2 * determinant)
    return value / slope.detach().clamp_min(torch.finfo(x.dtype).eps)


def turn_columns(vectors: Tensor, columns: Tensor) -> Tensor:
    """exp(vectors) columns on planes: rotation vectors (3, ...) and columns (3, m, ...)."""
    squared = planes.dot(vectors, vectors)
    first, second = _coefficients(squared)
    x, y, z = first * vectors
    cosine = 1 - second * squared
    turn = torch.stack((torch.stack((cosine, -z, y)), torch.stack((z, cosine, -x)), torch.stack((-y, x, cosine))))
    return planes.multiply(torch.addcmul(turn, (second * vectors)[:, None], vectors[None]), columns)


def _coefficients(squared: Tensor) -> tuple[Tensor, Tensor]:
    """sin x / x and (1 - cos x) / x^2 of the angle x, given its square."""
    small, s, x = _by_series(squared)
    first = torch.where(small, 1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72))), x.sin() / x)
    half = (x / 2).sin() / x
    return first, torch.where(small, 0.5 - s / 24 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90))), 2 * half * half)


def _third_coefficient(squared: Tensor) -> Tensor:
    """(x - sin x) / x^3 of the angle x, given its square."""
    small, s, x = _by_series(squared)
    return torch.where(small, 1 / 6 - s / 120 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110))), (x - x.sin()) / x**3)


def _by_series(squared: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where the series is needed, its argument, and the angle; each harmless, gradients too, where it is not used."""
    small = squared < _SERIES_BELOW
    s = torch.where(small, squared, torch.zeros_like(squared))
    return small, s, torch.where(small, torch.ones_like(squared), squared).sqrt()


def _identity(vectors: Tensor) -> Tensor:
    return torch.eye(3, dtype=vectors.dtype, device=vectors.device)
