"""Motion capture on the open body: its legs' length, its feet on the floor and still where they are planted."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import binary_closing, binary_opening, gaussian_filter1d, label, maximum_filter1d
from scipy.spatial.transform import Rotation

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "addon_assets" / "demo")]

from _mocap import FOLDER, read_motion, resample  # noqa: E402  (the paths above make these importable)
from legs import longest_reach, solve_leg  # noqa: E402
from plans import Actor  # noqa: E402

from solver.body import joint_transforms, pose_vertices  # noqa: E402
from solver.body_file import JOINT_NAMES, Body  # noqa: E402
from solver.lift import landmark_points  # noqa: E402
from solver.motion.contacts import FOOT_POINTS  # noqa: E402

Array = NDArray[Any]

RATE_HZ = 30.0
AT = {name: index for index, name in enumerate(JOINT_NAMES)}
INTO_WORLD = Rotation.from_euler("x", 90, degrees=True).as_matrix()
SOURCE_LEG = 0.42155 + 0.40987  # m: thigh and shin of DeepMimic's humanoid
LEAST_KNEE_FLEXION = np.radians(3.0)
LOW, SLOW = 0.05, 0.6  # m and m/s: what the source's own skating leaves of a planted foot
PLANTED_HEIGHT, PLANTED_SPEED = 0.012, 0.15  # m above its height at rest, m/s
BODY_VERTICES = slice(None, None, 12)


@dataclass(frozen=True)
class Played:
    """A person's motion in the world, T frames at RATE_HZ.

    Attributes:
        rotations: (T, 24, 3, 3) relative to the parent; joint 0 in the world.
        pelvis: (T, 3) metres.
    """

    rotations: Array
    pelvis: Array


def play(actor: Actor, body: Body, betas: Array) -> Played:
    """The actor's motion on `body` shaped by `betas` (10,): scaled, steered, placed, its feet planted."""
    motion = resample(read_motion(FOLDER / f"humanoid3d_{actor.motion}.txt"), RATE_HZ)
    joints = body.rest_joints(betas)
    leg = np.linalg.norm(np.diff(joints[[AT["left_hip"], AT["left_knee"], AT["left_ankle"]]], axis=0), axis=1).sum()
    rotations, root = motion.rotations.numpy().copy(), motion.translation.numpy() * leg / SOURCE_LEG
    rotations, root = _repeat(INTO_WORLD @ rotations[:, 0], rotations, root @ INTO_WORLD.T, actor.cycles)
    rotations, root = _steer(rotations, root, actor)
    hips = (joints[AT["left_hip"]] + joints[AT["right_hip"]]) / 2
    return plant(Played(rotations, root + rotations[:, 0] @ (joints[0] - hips)), body, betas)


def plant(played: Played, body: Body, betas: Array) -> Played:
    """The motion lifted out of the floor, each foot still from landing to lift-off, knees reaching it."""
    rotations, pelvis = played.rotations.copy(), _lift_out_of_floor(played, body, betas)
    joints = body.rest_joints(betas)
    turned, placed = joint_transforms(rotations, joints - joints[0])
    marks, heights = landmark_points(body, betas), rest_heights(body, betas)
    lowest = (marks.place(turned, placed + pelvis[:, None])[:, FOOT_POINTS, 2] - heights).min(axis=1)
    # The lower half of the moments has a foot on the floor.
    pelvis[:, 2] -= np.median(lowest[lowest < np.median(lowest)])
    feet = marks.place(turned, placed + pelvis[:, None])[:, FOOT_POINTS]
    ankles = {}
    for side, own in (("left", slice(0, 2)), ("right", slice(2, 4))):
        shift = _hold_still(feet[:, own], heights[own])
        ankles[side] = placed[:, AT[f"{side}_ankle"]] + pelvis + shift
    pelvis = _lower_to_reach(pelvis, rotations[:, 0], joints, ankles)
    for side, ankle in ankles.items():
        hip, knee, foot = AT[f"{side}_hip"], AT[f"{side}_knee"], AT[f"{side}_ankle"]
        at_hip = pelvis + rotations[:, 0] @ (joints[hip] - joints[0])
        thigh, bent = solve_leg(
            joints[knee] - joints[hip], joints[foot] - joints[knee], at_hip, ankle, turned[:, hip, :, 2]
        )
        rotations[:, hip] = np.swapaxes(rotations[:, 0], -1, -2) @ thigh
        rotations[:, knee] = bent
        rotations[:, foot] = np.swapaxes(thigh @ bent, -1, -2) @ turned[:, foot]
    return Played(rotations, pelvis)


def find_contacts(feet: Array, heights: Array) -> Array:
    """(T, 4) whether left heel, left toe, right heel, right toe is planted.

    A point is planted while it is less than 1.2 cm above its height in a flat foot and slower than 0.15 m/s.

    Args:
        feet: (T, 4, 3) world, metres.
        heights: (4,) of the points above the sole at rest, metres.
    """
    speed = np.linalg.norm(np.gradient(feet, 1 / RATE_HZ, axis=0), axis=-1)
    return (feet[..., 2] - heights < PLANTED_HEIGHT) & (speed < PLANTED_SPEED)


def rest_heights(body: Body, betas: Array) -> Array:
    """(4,) heights of heels and toes above the sole of the resting body, metres."""
    joints = body.rest_joints(betas)
    points = landmark_points(body, betas)
    rest = joints[points.joint] + points.offset
    return rest[list(FOOT_POINTS), 1] - body.rest_vertices(betas)[:, 1].min()


def _repeat(root_turn: Array, rotations: Array, root: Array, cycles: int) -> tuple[Array, Array]:
    """The motion played `cycles` times on end, each going on where and as the last one ended."""
    rotations = rotations.copy()
    rotations[:, 0] = root_turn
    pieces, places = [rotations], [root]
    for _ in range(cycles - 1):
        turn = _heading(pieces[-1][-1, 0]) - _heading(rotations[0, 0])
        about = Rotation.from_euler("z", turn).as_matrix()
        again = rotations[1:].copy()
        again[:, 0] = about @ again[:, 0]
        way = (root[1:] - root[0]) @ about.T
        start = np.array((*places[-1][-1, :2], root[0, 2]))
        pieces.append(again)
        places.append(start + way)
    # Where a cycle's end is not its beginning, the seam is eased.
    joined, path = np.concatenate(pieces), np.concatenate(places)
    seams = np.cumsum([len(piece) for piece in pieces])[:-1]
    for seam in seams:
        joined, path = _ease(joined, path, int(seam))
    return joined, path


def _ease(rotations: Array, root: Array, seam: int, reach: int = 4) -> tuple[Array, Array]:
    """Share the jump between frames seam - 1 and seam out over `reach` frames on both sides."""
    rotations, root = rotations.copy(), root.copy()
    jump = Rotation.from_matrix(np.swapaxes(rotations[seam - 1], -1, -2) @ rotations[seam]).as_rotvec()
    drop = (root[seam] - root[seam - 1]) * (0, 0, 1)
    for step in range(1, reach + 1):
        share = 0.5 * (1 - step / (reach + 1))
        for frame, sign in ((seam - step, 1.0), (seam + step - 1, -1.0)):
            if 0 <= frame < len(root):
                rotations[frame] = rotations[frame] @ Rotation.from_rotvec(sign * share * jump).as_matrix()
                root[frame] = root[frame] + sign * share * drop
    return rotations, root


def _steer(rotations: Array, root: Array, actor: Actor) -> tuple[Array, Array]:
    """Turned to the actor's heading, steered by its turns, the middle of the path at its place."""
    times = np.arange(len(root)) / RATE_HZ
    turn = np.full(len(root), np.radians(actor.heading) - _heading(rotations[0, 0]))
    for start, end, degrees in actor.turns:
        share = np.clip((times - start) / (end - start), 0, 1)
        turn += np.radians(degrees) * share * share * (3 - 2 * share)
    about = Rotation.from_euler("z", turn[:, None]).as_matrix()
    rotations = rotations.copy()
    rotations[:, 0] = about @ rotations[:, 0]
    steps = np.einsum("tij,tj->ti", about[1:], np.diff(root, axis=0))
    path = np.concatenate([root[:1] * (0, 0, 1), steps]).cumsum(axis=0)
    path[:, :2] += np.asarray(actor.place) - (path[:, :2].max(axis=0) + path[:, :2].min(axis=0)) / 2
    return rotations, path


def _heading(turn: Array) -> float:
    """Radians to the left of -Y that the body faces; its feet's way where it lies on the floor."""
    forward = turn[:2, 2] if np.hypot(*turn[:2, 2]) > 0.5 else -turn[:2, 1]
    return float(np.arctan2(forward[0], -forward[1]))


def _lift_out_of_floor(played: Played, body: Body, betas: Array) -> Array:
    """The pelvis's path, raised smoothly where trunk, arms or head would be in the floor."""
    chosen = np.arange(len(body.v_template))[BODY_VERTICES]
    legs = [AT[f"{side}_{part}"] for side in ("left", "right") for part in ("hip", "knee", "ankle", "foot")]
    chosen = chosen[body.weights[chosen][:, legs].sum(axis=1) < 0.5]
    vertices = pose_vertices(body, played.rotations, betas, chosen) - body.rest_joints(betas)[0]
    lowest = vertices[..., 2].min(axis=1) + played.pelvis[:, 2]
    raised = played.pelvis.copy()
    raised[:, 2] += gaussian_filter1d(maximum_filter1d(np.maximum(-lowest, 0.0), 9, mode="nearest"), 2.0)
    return raised


def _hold_still(foot: Array, heights: Array) -> Array:
    """(T, 3) how a foot (T, 2, 3), heel and toe, must be shifted to stand still and never sink, metres."""
    above = foot[..., 2] - heights
    speed = np.linalg.norm(np.gradient(foot, 1 / RATE_HZ, axis=0)[..., :2], axis=-1)
    planted = (above < LOW) & (speed < SLOW)
    planted = np.stack([binary_opening(binary_closing(row), np.ones(3)) for row in planted.T], axis=1)
    stances, count = label(planted.any(axis=1))
    keys: dict[int, Array] = {}
    for stance in range(1, count + 1):
        frames = np.flatnonzero(stances == stance)
        toe, heel = (frames[planted[frames, point]] for point in (1, 0))
        pivot, on = (1, toe) if len(toe) else (0, heel)
        spot = np.append(np.median(foot[on, pivot, :2], axis=0), heights[pivot])
        keys.update({int(frame): spot - foot[frame, pivot] for frame in on})
        # The heel lands first: it stays where it will be once the toe is down.
        early = frames[frames < on[0]]
        if len(early):
            landed = foot[on[0], 0] + keys[int(on[0])]
            keys.update({int(frame): landed * (1, 1, 0) + (0, 0, heights[0]) - foot[frame, 0] for frame in early})
        late = frames[frames > on[-1]]
        keys.update({int(frame): keys[int(on[-1])] for frame in late})
    if not keys:
        shift = np.zeros((len(foot), 3))
    else:
        known = sorted(keys)
        values = np.array([keys[frame] for frame in known])
        times = np.clip(np.arange(len(foot)), known[0], known[-1])
        shift = PchipInterpolator(known, values)(times) if len(known) > 1 else np.tile(values, (len(foot), 1))
    shift[:, 2] += np.maximum(0.0, -(above.min(axis=1) + shift[:, 2]))
    return shift


def _lower_to_reach(pelvis: Array, root: Array, joints: Array, ankles: dict[str, Array]) -> Array:
    """The pelvis's path, lowered smoothly where a leg would not reach its foot."""
    deficit = np.zeros(len(pelvis))
    for side, ankle in ankles.items():
        hip, knee, foot = (joints[AT[f"{side}_{part}"]] for part in ("hip", "knee", "ankle"))
        reach = longest_reach(knee - hip, foot - knee, LEAST_KNEE_FLEXION)
        at_hip = pelvis + root @ (hip - joints[0])
        beside = np.linalg.norm((ankle - at_hip)[:, :2], axis=1)
        ceiling = ankle[:, 2] + np.sqrt(np.maximum(reach**2 - beside**2, 0.0))
        deficit = np.maximum(deficit, np.where(beside < reach, at_hip[:, 2] - ceiling, 0.0))
    lowered = pelvis.copy()
    lowered[:, 2] -= gaussian_filter1d(maximum_filter1d(deficit, 7, mode="nearest"), 1.5)
    return lowered
