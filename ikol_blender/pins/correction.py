"""The smallest smooth correction of a motion that holds its pins. numpy only.

Joint k turns further by R_k <- R_k exp(d_k); the root may also shift. Among all corrections that meet the pins, the one
that costs least by `kernel` is d = K C J' m, with the kernel's columns K, the joints' mobilities C, the pins' Jacobian
J and one multiplier per pinned coordinate. Gauss-Newton on the multipliers alone: as small as the number of pins,
however long the motion, and the pins are met exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..cleanup.foot_plan import Plan
from ..cleanup.leg_placing import place_feet
from ..cleanup.limbs import Leg
from ..cleanup.motion import Motion
from ..cleanup.quaternions import exp, from_matrices, log, matrices, multiply, normalized, slerp
from ..cleanup.skeleton import Posed
from .kernel import responses

Array = NDArray[np.float64]

REACH_S = 0.25
_ITERATIONS = 60
_LONGEST_STEP = 0.4
_MET_M, _MET_RAD = 1e-5, 1e-4
# A foot that the body would carry this far off needs its leg bent anew.
_CLEARLY_M = 0.02


@dataclass(frozen=True)
class Goal:
    """Attributes:
    sample: index of the sample that is pinned.
    bone: index of the bone.
    position: (3,) where its head is, world, metres; None leaves it free.
    rotation: (3, 3) its axes in the world, one per column; None leaves them free.
    """

    sample: int
    bone: int
    position: Array | None
    rotation: Array | None


@dataclass(frozen=True)
class Freedom:
    """Attributes:
    turning: bones that may turn.
    mobility: (len(turning),) how readily each does, relative.
    shifting: the bone that may shift, -1 for none.
    shift_mobility: m^2 of its shift that cost as much as 1 rad^2 of a turn with mobility 1.
    """

    turning: tuple[int, ...]
    mobility: Array
    shifting: int = -1
    shift_mobility: float = 0.1

    @property
    def unknowns(self) -> int:
        return 3 * len(self.turning) + (3 if self.shifting >= 0 else 0)

    @property
    def mobilities(self) -> Array:
        """(unknowns,)"""
        shift = [self.shift_mobility] * 3 if self.shifting >= 0 else []
        return np.concatenate([np.repeat(self.mobility, 3), shift])


@dataclass(frozen=True)
class Miss:
    """How far the worst pin is from being met, metres and radians."""

    position: float
    rotation: float


def correct(
    motion: Motion, goals: tuple[Goal, ...], freedom: Freedom, *, open_start: bool, open_end: bool
) -> tuple[Motion, Miss]:
    """`motion` with the goals met, and what is left of them where they are out of reach.

    Args:
        open_start, open_end: no motion lies beyond this edge, see `kernel.responses`.
    """
    samples = np.unique([goal.sample for goal in goals])
    column = {int(sample): index for index, sample in enumerate(samples)}
    tau = REACH_S * motion.rate_hz
    kernel = responses(len(motion), samples, tau, open_start=open_start, open_end=open_end)
    among = kernel[samples]
    pushes = np.zeros((len(samples), freedom.unknowns))
    pinned = replace(motion, rotations=motion.rotations[samples], locations=motion.locations[samples])
    miss = Miss(0.0, 0.0)
    for _ in range(_ITERATIONS):
        change = among @ pushes
        posed_motion = _corrected(pinned, freedom, change)
        posed = posed_motion.posed()
        blocks = [_linearize(goal, column[goal.sample], posed, posed_motion, freedom, change) for goal in goals]
        miss = Miss(max(block[2].position for block in blocks), max(block[2].rotation for block in blocks))
        if miss.position < _MET_M and miss.rotation < _MET_RAD:
            break
        residual = np.concatenate([block[0] for block in blocks])
        jacobian = np.concatenate([block[1] for block in blocks])
        at = np.array([column[goal.sample] for goal, block in zip(goals, blocks, strict=True) for _ in block[0]])
        wanted = residual + (jacobian * change[at]).sum(axis=1)
        normal = among[np.ix_(at, at)] * ((jacobian * freedom.mobilities) @ jacobian.T)
        normal[np.diag_indices_from(normal)] += 1e-7 * np.trace(normal) / len(normal)
        multipliers = np.linalg.solve(normal, wanted)
        aim = np.zeros_like(pushes)
        np.add.at(aim, at, jacobian * freedom.mobilities * multipliers[:, None])
        step = np.abs(among @ (aim - pushes)).max()
        pushes = pushes + (aim - pushes) * min(1.0, _LONGEST_STEP / max(step, 1e-12))
    return _corrected(motion, freedom, kernel @ pushes), miss


def bridge(motion: Motion, goals: tuple[Goal, ...], freedom: Freedom) -> Motion:
    """`motion` where samples that were keyed onto their pin by hand lie between their neighbours again.

    Such a key is one sample that jumps; taken for the motion, it would be met already and nothing would follow it.
    """
    rotations, locations = motion.rotations.copy(), motion.locations.copy()
    for goal in goals:
        at = goal.sample
        if not 0 < at < len(motion) - 1 or not is_met(motion.part(at, at), goal):
            continue
        for bone in set(freedom.turning) & set(motion.skeleton.chain(goal.bone)):
            rotations[at, bone] = slerp(motion.rotations[at - 1, bone], motion.rotations[at + 1, bone], 0.5)
        if freedom.shifting >= 0:
            neighbours = motion.locations[[at - 1, at + 1], freedom.shifting]
            locations[at, freedom.shifting] = neighbours.mean(axis=0)
    return replace(motion, rotations=rotations, locations=locations)


def is_met(moment: Motion, goal: Goal) -> bool:
    """Whether `moment`, a motion of one sample, holds the goal to 1 mm and 0.5 degrees."""
    posed = moment.posed()
    far = goal.position is not None and np.linalg.norm(posed.heads[0, goal.bone] - goal.position) > 1e-3
    if goal.rotation is None:
        return not far
    return not far and float(np.linalg.norm(_turn_to(goal.rotation, posed.turns[0, goal.bone]))) < np.radians(0.5)


def hold_feet(motion: Motion, reference: Posed, legs: Sequence[Leg]) -> Motion:
    """`motion` with `legs` bent so that their feet are where and as `reference` has them."""
    posed = motion.posed()
    plans: list[Plan] = []
    moved = np.zeros(len(motion))
    for leg in legs:
        turn = from_matrices(reference.turns[:, leg.ankle] @ np.swapaxes(posed.turns[:, leg.ankle], -1, -2))
        plans.append(Plan(reference.heads[:, leg.ankle], turn, turn))
        moved = np.maximum(moved, np.linalg.norm(plans[-1].ankle - posed.heads[:, leg.ankle], axis=1))
    # Where the correction fades out, knees too end where they were.
    return place_feet(motion, legs, plans, np.minimum(moved / _CLEARLY_M, 1.0))


def _corrected(motion: Motion, freedom: Freedom, change: Array) -> Motion:
    """`motion` with `change` (T, unknowns) put on."""
    rotations, locations = motion.rotations.copy(), motion.locations.copy()
    for index, bone in enumerate(freedom.turning):
        turned = multiply(rotations[:, bone], exp(change[:, 3 * index : 3 * index + 3]))
        rotations[:, bone] = normalized(turned)
    if freedom.shifting >= 0:
        locations[:, freedom.shifting] += change[:, -3:] / motion.skeleton.scale
    return replace(motion, rotations=rotations, locations=locations)


def _linearize(
    goal: Goal, at: int, posed: Posed, motion: Motion, freedom: Freedom, change: Array
) -> tuple[Array, Array, Miss]:
    """What is missing (metres, then radians, in the world), its Jacobian (rows, unknowns), and both lengths."""
    moves, turns = np.zeros((3, freedom.unknowns)), np.zeros((3, freedom.unknowns))
    head = posed.heads[at, goal.bone]
    above = motion.skeleton.chain(goal.bone)
    for index, bone in enumerate(freedom.turning):
        if bone not in above:
            continue
        part = slice(3 * index, 3 * index + 3)
        turns[:, part] = posed.turns[at, bone] @ _right_jacobian(change[at, part])
        moves[:, part] = -_cross(head - posed.heads[at, bone]) @ turns[:, part]
    if freedom.shifting >= 0 and freedom.shifting in above:
        moves[:, -3:] = posed.turns[at, freedom.shifting] @ matrices(motion.rotations[at, freedom.shifting]).T
    rows: list[Array] = []
    missing: list[Array] = []
    distance = angle = 0.0
    if goal.position is not None:
        missing.append(goal.position - head)
        rows.append(moves)
        distance = float(np.linalg.norm(missing[-1]))
    if goal.rotation is not None:
        missing.append(_turn_to(goal.rotation, posed.turns[at, goal.bone]))
        rows.append(turns)
        angle = float(np.linalg.norm(missing[-1]))
    return np.concatenate(missing), np.concatenate(rows), Miss(distance, angle)


def _turn_to(wanted: Array, turns: Array) -> Array:
    """(3,) the rotation vector, in the world, from the axes `turns` (3, 3) to `wanted`."""
    return log(from_matrices(wanted @ turns.T))


def _cross(vectors: Array) -> Array:
    """(..., 3, 3) matrices of the cross product with vectors (..., 3)."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)


def _right_jacobian(vector: Array) -> Array:
    """exp(d + e) = exp(d) exp(Jr(d) e) to first order (Sola et al. 2018, equation 143)."""
    angle = float(np.linalg.norm(vector))
    cross = _cross(vector)
    if angle < 1e-6:
        return np.eye(3) - 0.5 * cross
    return np.eye(3) - (1 - np.cos(angle)) / angle**2 * cross + (angle - np.sin(angle)) / angle**3 * cross @ cross
