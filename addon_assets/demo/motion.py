"""The demo's motion on the open body: the score's keys, smooth in time, with feet that stand still on the floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import score
from legs import longest_reach, solve_leg
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.spatial.transform import Rotation

from solver.body_file import JOINT_NAMES, Body

Array = NDArray[Any]

AT = {name: index for index, name in enumerate(JOINT_NAMES)}
INTO_WORLD = Rotation.from_euler("x", 90, degrees=True).as_matrix()
MIRROR = np.diag((-1.0, 1.0, 1.0))
LEAST_KNEE_FLEXION = np.radians(6.0)
EASE_FRAMES = 1.5


@dataclass(frozen=True)
class DemoMotion:
    """The motion, T frames at the score's rate.

    Attributes:
        times: (T,) seconds.
        rotations: (T, 24, 3, 3) relative to the parent; joint 0 in the world.
        pelvis: (T, 3) world, metres.
        planted: (T, 2) whether the left and the right foot stand.
    """

    times: Array
    rotations: Array
    pelvis: Array
    planted: Array


def author_motion(body: Body, betas: Array) -> DemoMotion:
    """The score played by `body` shaped by `betas` (10,)."""
    times = np.arange(round(score.DURATION_S * score.FRAMERATE_HZ)) / score.FRAMERATE_HZ
    joints = body.rest_joints(betas)
    sole = float(body.rest_vertices(betas)[:, 1].min())
    rotations = np.broadcast_to(np.eye(3), (len(times), 24, 3, 3)).copy()
    keyed = _play(score.PELVIS, times)
    rotations[:, 0] = (
        Rotation.from_euler(
            "ZXY", np.stack([keyed["heading"], keyed["lean"], keyed["sway"]], 1), degrees=True
        ).as_matrix()
        @ INTO_WORLD
    )
    _pose_trunk(rotations, times)
    for side in ("left", "right"):
        _pose_arm(rotations, side, times)
    feet = {side: _foot_path(side, times, joints[AT[f"{side}_ankle"]][1] - sole) for side in ("left", "right")}
    pelvis = _pelvis_path(keyed, rotations[:, 0], joints, feet, sole)
    for side, foot in feet.items():
        _pose_leg(rotations, side, joints, pelvis, foot)
    return DemoMotion(times, rotations, pelvis, np.stack([feet["left"].planted, feet["right"].planted], 1))


@dataclass(frozen=True)
class _FootPath:
    ankle: Array
    heading: Array
    pitch: Array
    planted: Array


def _play(keys: dict[str, score.Keys], times: Array) -> dict[str, Array]:
    """Each channel through its keys without overshoot, its corners eased."""
    return {
        name: gaussian_filter1d(PchipInterpolator(*np.transpose(points))(times), EASE_FRAMES, mode="nearest")
        for name, points in keys.items()
    }


def _pose_trunk(rotations: Array, times: Array) -> None:
    spine, head = _play(score.SPINE, times), _play(score.HEAD, times)
    bend = np.stack([spine["twist"], spine["lean"], spine["side"]], 1) / 3
    for name in ("spine1", "spine2", "spine3"):
        rotations[:, AT[name]] = Rotation.from_euler("YXZ", bend, degrees=True).as_matrix()
    look = np.stack([head["twist"], head["lean"]], 1) / 2
    for name in ("neck", "head"):
        rotations[:, AT[name]] = Rotation.from_euler("YX", look, degrees=True).as_matrix()


def _pose_arm(rotations: Array, side: str, times: Array) -> None:
    """An arm as a left one; the right one is its mirror image."""
    arm = _play(score.ARMS[side], times)
    raised, plane = np.radians(arm["raise"]), np.radians(arm["plane"])
    direction = np.stack([np.sin(raised) * np.cos(plane), -np.cos(raised), np.sin(raised) * np.sin(plane)], 1)
    collar = _about("z", arm["shrug"])
    twist = _about("x", arm["twist"])
    forearm = _about("x", 0.6 * arm["forearm"])
    turns = {
        "collar": collar,
        "shoulder": collar.inv() * _least_turn_from_left(direction) * twist,
        "elbow": _about("y", -arm["elbow"]) * forearm,
        "wrist": _about("x", 0.4 * arm["forearm"]),
        "hand": _about("z", -arm["fist"]),
    }
    for name, turn in turns.items():
        matrix = turn.as_matrix()
        rotations[:, AT[f"{side}_{name}"]] = matrix if side == "left" else MIRROR @ matrix @ MIRROR


def _about(axis: str, degrees: Array) -> Rotation:
    """T turns about one axis."""
    return Rotation.from_euler(axis, degrees[:, None], degrees=True)


def _least_turn_from_left(direction: Array) -> Rotation:
    """The shortest rotations that take +X, the resting left arm, to unit directions (T, 3)."""
    axis = np.cross((1.0, 0.0, 0.0), direction)
    return Rotation.from_quat(np.concatenate([axis, 1.0 + direction[:, :1]], axis=1))


def _foot_path(side: str, times: Array, ankle_height: float) -> _FootPath:
    place, heading = score.FIRST_PLACES[side]
    ankle = np.tile((*place, ankle_height), (len(times), 1))
    headings, pitch, planted = np.full(len(times), heading), np.zeros(len(times)), np.ones(len(times), bool)
    for step in score.STEPS[side]:
        flight = np.clip((times - step.lift_off) / (step.landing - step.lift_off), 0.0, 1.0)
        way = flight**3 * (10 - 15 * flight + 6 * flight**2)
        ankle[:, :2] += way[:, None] * (np.asarray(step.place) - ankle[-1, :2])
        headings += way * (step.heading - headings[-1])
        arc = np.sin(np.pi * way) ** 2
        ankle[:, 2] += step.height * arc
        # The heel leaves first and lands first.
        pitch += 14.0 * np.sin(2 * np.pi * way) * arc
        planted &= (flight <= 0) | (flight >= 1)
    return _FootPath(ankle, headings, pitch, planted)


def _pelvis_path(
    keyed: dict[str, Array], turned: Array, joints: Array, feet: dict[str, _FootPath], sole: float
) -> Array:
    """The score's pelvis, lowered smoothly where a leg would not reach its foot."""
    pelvis = np.stack([keyed["x"], keyed["y"], joints[0, 1] - sole - keyed["drop"]], axis=1)
    ceiling = np.full(len(pelvis), np.inf)
    for side, foot in feet.items():
        hip, knee, ankle = (joints[AT[f"{side}_{part}"]] for part in ("hip", "knee", "ankle"))
        reach = longest_reach(knee - hip, ankle - knee, LEAST_KNEE_FLEXION)
        offset = turned @ (hip - joints[0])
        beside = np.linalg.norm(foot.ankle[:, :2] - pelvis[:, :2] - offset[:, :2], axis=1)
        if beside.max() >= reach:
            raise ValueError(f"The score asks the {side} leg to reach {beside.max():.2f} m sideways.")
        ceiling = np.minimum(ceiling, foot.ankle[:, 2] - offset[:, 2] + np.sqrt(reach**2 - beside**2))
    lowered = gaussian_filter1d(minimum_filter1d(np.minimum(pelvis[:, 2], ceiling), 9, mode="nearest"), 2.0)
    pelvis[:, 2] = lowered
    return pelvis


def _pose_leg(rotations: Array, side: str, joints: Array, pelvis: Array, foot: _FootPath) -> None:
    at_hip, at_knee, at_ankle = (AT[f"{side}_{part}"] for part in ("hip", "knee", "ankle"))
    hip = pelvis + rotations[:, 0] @ (joints[at_hip] - joints[0])
    outward = np.radians(foot.heading + (12.0 if side == "left" else -12.0))
    forward = np.stack([np.sin(outward), -np.cos(outward), np.zeros_like(outward)], axis=1)
    thigh, shin = joints[at_knee] - joints[at_hip], joints[at_ankle] - joints[at_knee]
    thigh_turned, knee = solve_leg(thigh, shin, hip, foot.ankle, forward)
    sole_turned = (
        Rotation.from_euler("ZX", np.stack([foot.heading, foot.pitch], 1), degrees=True).as_matrix() @ INTO_WORLD
    )
    rotations[:, at_hip] = np.swapaxes(rotations[:, 0], -1, -2) @ thigh_turned
    rotations[:, at_knee] = knee
    rotations[:, at_ankle] = np.swapaxes(thigh_turned @ knee, -1, -2) @ sole_turned
