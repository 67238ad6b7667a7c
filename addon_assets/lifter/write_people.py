"""Writes the training set's truths: `.venv/bin/python addon_assets/lifter/write_people.py MOCAP FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path[:0] = [str(ROOT), str(FOLDER), str(ROOT / "benchmarks" / "rendered_set")]

import numpy as np  # noqa: E402  (the paths above make these importable)
from cmu import Motion, read_motions  # noqa: E402
from retarget import INTO_WORLD, RATE_HZ, Played, rest_heights  # noqa: E402
from scipy.ndimage import gaussian_filter1d, minimum_filter1d  # noqa: E402
from scipy.spatial.transform import Rotation  # noqa: E402
from training_set import SECONDS, Array, Casting, cast  # noqa: E402
from write_truths import camera_path, truth_take  # noqa: E402

from solver.body import joint_transforms  # noqa: E402
from solver.body_file import Body, read_body  # noqa: E402
from solver.lift import landmark_points  # noqa: E402
from solver.take import write_take  # noqa: E402

_LEGS = [1, 2, 4, 5, 7, 8, 10, 11]


def play_cast(casting: Casting, motions: list[Motion], body: Body) -> Played:
    """The clip's motion in the world at RATE_HZ: cut out, turned, laid down or stood on the floor."""
    number, begins = casting.motion
    rotations, pelvis = cut_out(motions[number], begins)
    if casting.legs_from >= 0:
        legs, _ = cut_out(motions[casting.legs_from], begins)
        count = min(len(legs), len(rotations))
        rotations, pelvis = rotations[:count].copy(), pelvis[:count]
        rotations[:, _LEGS] = legs[:count, _LEGS]
    turn = Rotation.from_euler("z", casting.plan.actors[0].heading, degrees=True).as_matrix()
    turn = Rotation.from_rotvec(casting.tilt).as_matrix() @ turn @ INTO_WORLD
    rotations = rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    path = pelvis @ turn.T
    path[:, :2] -= (path[:, :2].max(axis=0) + path[:, :2].min(axis=0)) / 2
    return Played(rotations, _stand(rotations, path, body, casting.betas))


def cut_out(motion: Motion, begins: float) -> tuple[Array, Array]:
    """SECONDS of a take at RATE_HZ, or all of it where it is shorter: (T, 24, 3, 3) and (T, 3)."""
    step = motion.rate_hz / RATE_HZ
    count = min(round(SECONDS * RATE_HZ), int((len(motion.pelvis) - 1) / step))
    first = begins * (len(motion.pelvis) - 1 - count * step)
    chosen = np.round(first + step * np.arange(count)).astype(int)
    return motion.rotations[chosen], motion.pelvis[chosen]


def _stand(rotations: Array, path: Array, body: Body, betas: Array) -> Array:
    """The path, its height such that what is lowest stays on the floor, and jumps above it."""
    joints = body.rest_joints(betas)
    turned, placed = joint_transforms(rotations, joints - joints[0])
    points = landmark_points(body, betas).place(turned, placed)[..., 2].min(axis=1)
    lowest = np.minimum(points, placed[..., 2].min(axis=1) - 0.05) + path[:, 2]
    # Within a second something touches the floor.
    floor = gaussian_filter1d(minimum_filter1d(lowest, round(RATE_HZ), mode="nearest"), RATE_HZ / 4, mode="nearest")
    stood = path.copy()
    stood[:, 2] += float(rest_heights(body, betas).min()) - floor
    return stood


def main(mocap: Path, folder: Path) -> None:
    """Write every clip's truth and camera."""
    body = read_body("open")
    motions = read_motions(mocap, body)
    for casting in cast(len(motions)):
        played = play_cast(casting, motions, body)
        cameras = camera_path(casting.plan, len(played.pelvis))
        own = folder / casting.plan.name
        own.mkdir(parents=True, exist_ok=True)
        write_take(truth_take(casting.plan, body, casting.betas, played, cameras), own / "truth_p1.npz")
        np.savez(
            own / "camera.npz",
            focal_px=cameras[0].focal_px,
            rotations=np.array([camera.rotation for camera in cameras]),
            positions=np.array([camera.position for camera in cameras]),
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
