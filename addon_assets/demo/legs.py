"""Two-bone inverse kinematics of a leg whose knee is a pure hinge."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def turn_about_x(angles: Array) -> Array:
    """(..., 3, 3) rotations about the x axis by `angles` (...), radians."""
    turns = np.zeros((*np.shape(angles), 3, 3))
    turns[..., 0, 0] = 1.0
    turns[..., 1, 1] = turns[..., 2, 2] = np.cos(angles)
    turns[..., 2, 1] = np.sin(angles)
    turns[..., 1, 2] = -turns[..., 2, 1]
    return turns


def bend_knees(thigh: Array, shin: Array, distance: Array) -> Array:
    """(T,) knee flexion, radians, that puts the ankle at `distance` (T,) from the hip.

    The leg's length obeys |thigh|^2 + |shin|^2 + 2 (c + a cos(flexion - phase)), a closed form in the flexion.

    Args:
        thigh: (3,) hip to knee at rest, metres (x left, y up, z forward).
        shin: (3,) knee to ankle at rest.
        distance: metres; lengths out of reach are answered by the straight leg.
    """
    along = thigh[0] * shin[0]
    cosine = thigh[1] * shin[1] + thigh[2] * shin[2]
    sine = thigh[2] * shin[1] - thigh[1] * shin[2]
    amplitude, phase = np.hypot(cosine, sine), np.arctan2(sine, cosine)
    wanted = (np.square(distance) - thigh @ thigh - shin @ shin) / 2 - along
    return phase + np.arccos(np.clip(wanted / amplitude, -1.0, 1.0))


def longest_reach(thigh: Array, shin: Array, least_flexion: float) -> float:
    """Distance from hip to ankle, metres, at the least flexion allowed, radians."""
    return float(np.linalg.norm(thigh + turn_about_x(np.array(least_flexion)) @ shin))


def solve_leg(thigh: Array, shin: Array, hip: Array, ankle: Array, forward: Array) -> tuple[Array, Array]:
    """Rotations that put the ankle on its target with the knee in the plane of `forward`.

    Args:
        thigh: (3,) hip to knee at rest, metres.
        shin: (3,) knee to ankle at rest, metres.
        hip: (T, 3) world, metres.
        ankle: (T, 3) world, metres.
        forward: (T, 3) direction the knee points in, world.

    Returns:
        (T, 3, 3) rotation of the thigh in the world and (T, 3, 3) of the shin relative to the thigh.
    """
    reach = ankle - hip
    knee_turn = turn_about_x(bend_knees(thigh, shin, np.linalg.norm(reach, axis=1)))
    bent = thigh + knee_turn @ shin
    rest_frame = _frame(bent, np.broadcast_to((1.0, 0.0, 0.0), bent.shape))
    posed_frame = _frame(reach, np.cross(-reach, forward))
    return posed_frame @ np.swapaxes(rest_frame, -1, -2), knee_turn


def _frame(along: Array, hinge: Array) -> Array:
    """(T, 3, 3) orthonormal frames with their first column along `along` and the second near `hinge`."""
    first = along / np.linalg.norm(along, axis=1, keepdims=True)
    second = hinge - np.sum(hinge * first, axis=1, keepdims=True) * first
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
