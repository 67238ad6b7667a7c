"""Sitting down on a stool, looking about and standing up again: authored, as the motion capture at hand never sits."""

from __future__ import annotations

import numpy as np
from legs import solve_leg
from plans import Actor
from retarget import AT, INTO_WORLD, RATE_HZ, Array, Played
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation

from solver.body_file import Body

SECONDS = 4.5
STOOL_HEIGHT, STOOL_BEHIND = 0.43, 0.34  # m; behind the heels' middle
TIMES = (0.0, 0.5, 1.4, 2.9, 3.8, 4.5)  # stand, lean, sit, sit, stand, stand
LEAN = (2.0, 4.0, 8.0, 6.0, 4.0, 2.0)
LEAN_ON_THE_WAY = 30.0


def sit(actor: Actor, body: Body, betas: Array) -> Played:
    """Feet stay where they are; the pelvis goes back and down onto the stool and up again."""
    times = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    joints = body.rest_joints(betas)
    sole = body.rest_vertices(betas)[:, 1].min()
    share = PchipInterpolator(TIMES, (0.0, 0.0, 1.0, 1.0, 0.0, 0.0))(times)
    moving = 4 * share * (1 - share)
    lean = PchipInterpolator(TIMES, LEAN)(times) + LEAN_ON_THE_WAY * moving
    look = np.interp(times, (1.4, 1.9, 2.3, 2.7), (0.0, 30.0, -35.0, 0.0))
    about = Rotation.from_euler("z", actor.heading, degrees=True).as_matrix()
    standing = joints[0, 1] - sole - 0.015
    # The pelvis's centre sits a hand's breadth above the seat.
    seated = STOOL_HEIGHT + 0.11
    pelvis = np.stack([0 * times, STOOL_BEHIND * share, standing + (seated - standing) * share], axis=1)
    rotations = np.broadcast_to(np.eye(3), (len(times), 24, 3, 3)).copy()
    rotations[:, 0] = Rotation.from_euler("x", lean[:, None], degrees=True).as_matrix() @ INTO_WORLD
    for name in ("spine1", "spine2", "spine3"):
        rotations[:, AT[name]] = Rotation.from_euler("x", 0.25 * lean[:, None], degrees=True).as_matrix()
    for name in ("neck", "head"):
        angles = np.stack([look / 2, -0.3 * lean], axis=1)
        rotations[:, AT[name]] = Rotation.from_euler("YX", angles, degrees=True).as_matrix()
    _pose_arms(rotations, share, lean)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        hip, knee, ankle = (AT[f"{side}_{part}"] for part in ("hip", "knee", "ankle"))
        foot = np.array((joints[ankle, 0] + 0.05 * sign, 0.0, joints[ankle, 1] - sole))
        forward = np.array((0.15 * sign, -1.0, 0.0))
        thigh, bent = solve_leg(
            joints[knee] - joints[hip],
            joints[ankle] - joints[knee],
            pelvis + rotations[:, 0] @ (joints[hip] - joints[0]),
            np.tile(foot, (len(times), 1)),
            np.tile(forward, (len(times), 1)),
        )
        rotations[:, hip] = np.swapaxes(rotations[:, 0], -1, -2) @ thigh
        rotations[:, knee] = bent
        rotations[:, ankle] = np.swapaxes(thigh @ bent, -1, -2) @ INTO_WORLD
    rotations[:, 0] = about @ rotations[:, 0]
    pelvis = pelvis @ about.T + (*actor.place, 0.0)
    return Played(rotations, pelvis)


def _pose_arms(rotations: Array, share: Array, lean: Array) -> None:
    """Arms hang, and lie forward on the thighs in the seat."""
    for side, sign in (("left", 1.0), ("right", -1.0)):
        hang = Rotation.from_euler("z", -72.0 * sign * np.ones((len(share), 1)), degrees=True)
        forward = Rotation.from_euler("x", -(28.0 * share[:, None] + 0.8 * lean[:, None]), degrees=True)
        rotations[:, AT[f"{side}_shoulder"]] = (forward * hang).as_matrix()
        bend = -sign * (12.0 + 38.0 * share[:, None])
        rotations[:, AT[f"{side}_elbow"]] = Rotation.from_euler("y", bend, degrees=True).as_matrix()
