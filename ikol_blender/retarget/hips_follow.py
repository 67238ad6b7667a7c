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
_ROUNDS, _SETTLED_M = 4, 5e-4
# What a shift of the hips costs, and how suddenly it may change, beside a change of a leg's length at a right angle.
_SIZE, _BEND = 1.0, 0.3
# A shift beyond this, in leg lengths, costs more and more: then knees give way.
_FAR = 0.11
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
    shift, far = np.zeros((len(roots), 3)), _FAR * float(reaches.mean())
    for _ in range(_ROUNDS):
        leg = goals - roots - shift[:, None]
        now = np.linalg.norm(leg, axis=-1)
        along = leg / np.maximum(now, 1e-9)[..., None]
        size = _SIZE * (1 + (shift**2).sum(axis=1) / far**2)
        strained = np.where(stands & (now > reaches), _TOO_SHORT * weight, weight)
        # The leg's length after a shift h is now - along . (h - shift).
        normal = np.einsum("tl,tli,tlj->tij", strained, along, along) + size[:, None, None] * np.eye(3)
        right = np.einsum("tl,tl,tli->ti", strained, now - wanted + (along * shift[:, None]).sum(-1), along)
        before, shift = shift, spline.fit(normal, right, _BEND)
        if np.abs(shift - before).max() < _SETTLED_M:
            break
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
        """(T, 3) values h that minimise sum h' normal h - 2 right . h + `bend` |second differences of the knots|^2."""
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
        return np.stack([self.basis[:, i, None] * knots[self.first + i] for i in range(4)]).sum(axis=0)


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
    solved = _eliminate(diagonal.reshape(count, 9, 9), above.reshape(count, 9, 9), loads.reshape(count, 9, 1))
    return solved.reshape(-1, 3)


def _eliminate(diagonal: Array, above: Array, right: Array) -> Array:
    """(N, B, 1) solution of a symmetric block tridiagonal system: odd-even reduction, few steps on many blocks each.

    Args:
        diagonal: (N, B, B) blocks (k, k).
        above: (N, B, B) blocks (k, k + 1); the last is not used.
        right: (N, B, 1).
    """
    if len(diagonal) == 1:
        return np.asarray(np.linalg.solve(diagonal, right), np.float64)
    even, odd = slice(0, None, 2), slice(1, None, 2)
    size, count = diagonal.shape[1], len(diagonal[odd])
    below = np.swapaxes(above, -1, -2)
    beyond = above[odd].copy()
    if len(diagonal) % 2 == 0:
        beyond[-1] = 0
    # The odd unknowns by their even neighbours: x = free - before x[k - 1] - after x[k + 1].
    parts = np.linalg.solve(diagonal[odd], np.concatenate([below[even][:count], beyond, right[odd]], axis=2))
    before, after, free = parts[..., :size], parts[..., size : 2 * size], parts[..., 2 * size :]
    d, r, u = diagonal[even].copy(), right[even].copy(), np.zeros_like(diagonal[even])
    to_next, to_last = above[even][:count], below[odd][: len(d) - 1]
    d[:count] -= to_next @ before
    r[:count] -= to_next @ free
    u[:count] = -to_next @ after
    d[1:] -= to_last @ after[: len(d) - 1]
    r[1:] -= to_last @ free[: len(d) - 1]
    found = np.empty_like(right)
    found[even] = _eliminate(d, u, r)
    following = np.concatenate([found[even][1:], np.zeros((1, size, 1))])[:count]
    found[odd] = free - before @ found[even][:count] - after @ following
    return found
