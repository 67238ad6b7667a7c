"""A smooth shift of the hips that lets the legs reach where the feet stand with the knees as bent as they were.

Near a straight leg a centimetre at the foot is 20 degrees at the knee. So hips give way where a leg is straight, and
hardly where it is bent: h(t), a cubic spline, minimises the legs' changes of length, each weighted by what it does to
the knee, and its own size. Gauss-Newton; the normal matrix is banded, so the time is linear in the number of frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_KNOT_S = 0.1
_ROUNDS = 4
# What a shift of the hips costs, and how suddenly it may change, beside a change of a leg's length at a right angle.
_SIZE, _BEND = 1.0, 0.3
# Sine of half the knee's bend below which a leg counts as straight.
_STRAIGHT = 0.06
# How much more a leg that is too short weighs than one that bends.
_TOO_SHORT = 30.0


def follow(
    roots: Array, goals: Array, lengths: Array, reaches: Array, stands: NDArray[np.bool_], rate_hz: float
) -> Array:
    """(T, 3) shift of the hips, world, m.

    Args:
        roots: (T, L, 3) hip joints of the L legs.
        goals: (T, L, 3) where their ankles go.
        lengths: (T, L) from hip to ankle as the motion has it.
        reaches: (L,) the longest that each leg may be.
        stands: (T, L) whether the foot stands: then the leg must reach.
    """
    spline = _Spline(len(roots), max(_KNOT_S * rate_hz, 1.0))
    wanted = np.minimum(lengths, reaches)
    half_sine = np.maximum(1 - (wanted / (reaches / 0.9995)) ** 2, 0.0)
    weight = 1 / (half_sine + _STRAIGHT**2)
    shift = np.zeros((len(roots), 3))
    for _ in range(_ROUNDS):
        leg = goals - roots - shift[:, None]
        now = np.linalg.norm(leg, axis=-1)
        along = leg / np.maximum(now, 1e-9)[..., None]
        strained = np.where(stands & (now > reaches), _TOO_SHORT * weight, weight)
        # The leg's length after a shift h is now - along . (h - shift).
        normal = np.einsum("tl,tli,tlj->tij", strained, along, along) + _SIZE * np.eye(3)
        right = np.einsum("tl,tl,tli->ti", strained, now - wanted + (along * shift[:, None]).sum(-1), along)
        shift = spline.fit(normal, right, _BEND)
    return shift


class _Spline:
    """Uniform cubic B-spline over `count` samples, `spacing` samples from knot to knot."""

    def __init__(self, count: int, spacing: float) -> None:
        position = np.arange(count) / spacing
        self.first = position.astype(np.intp)
        u = position - self.first
        basis = [(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]
        self.basis = np.stack(basis, axis=1) / 6
        self.knots = int(self.first[-1]) + 4
        # No knot is without a sample, as the spacing is at least 1.
        self.starts = np.searchsorted(self.first, np.arange(self.knots - 3))

    def fit(self, normal: Array, right: Array, bend: float) -> Array:
        """(T, 3) values h that minimise sum h' normal h - 2 right . h, and `bend` times its knots' second differences."""
        size = -(-self.knots // 3) * 3
        bands = np.zeros((4, size, 3, 3))
        loads = np.zeros((size, 3))
        for i in range(4):
            loads[i : i + len(self.starts)] += np.add.reduceat(self.basis[:, i, None] * right, self.starts)
            for j in range(i, 4):
                part = (self.basis[:, i] * self.basis[:, j])[:, None, None] * normal
                bands[j - i, i : i + len(self.starts)] += np.add.reduceat(part, self.starts)
        per_knot = len(right) / self.knots
        stencil = (1.0, -2.0, 1.0)
        for start in range(3):
            for end in range(start, 3):
                place = slice(start, start + self.knots - 2)
                bands[end - start, place] += bend * per_knot * stencil[start] * stencil[end] * np.eye(3)
        bands[0, self.knots :] += np.eye(3)
        knots = _solve(bands, loads)
        return sum(self.basis[:, i, None] * knots[self.first + i] for i in range(4))


def _solve(bands: Array, loads: Array) -> Array:
    """x of A x = loads; bands[d, k] is the block (k, k + d) of the symmetric A. Three knots make one block of nine."""
    count = len(loads) // 3
    diagonal, above = np.zeros((count, 3, 3, 3, 3)), np.zeros((count, 3, 3, 3, 3))
    rows = bands.reshape(4, count, 3, 3, 3)
    for row in range(3):
        for distance in range(4):
            column, block = row + distance, rows[distance, :, row]
            if column < 3:
                diagonal[:, row, :, column] = block
                diagonal[:, column, :, row] = np.swapaxes(block, -1, -2)
            else:
                above[:, row, :, column - 3] = block
    d, u, x = diagonal.reshape(count, 9, 9), above.reshape(count, 9, 9), loads.reshape(count, 9)
    carry = np.zeros((count, 9, 10))
    for k in range(count):
        left, right = d[k], x[k]
        if k:
            left = left - u[k - 1].T @ carry[k - 1, :, :9]
            right = right - u[k - 1].T @ carry[k - 1, :, 9]
        carry[k] = np.linalg.solve(left, np.column_stack([u[k], right]))
    found = np.zeros((count, 9))
    for k in range(count - 1, -1, -1):
        found[k] = carry[k, :, 9]
        if k + 1 < count:
            found[k] -= carry[k, :, :9] @ found[k + 1]
    return found.reshape(-1, 3)
