"""Writes demo_truth.npz, the take that demo.mp4 shows: `.venv/bin/python addon_assets/demo/write_truth.py`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parents[1]), str(FOLDER)]

import score  # noqa: E402  (the paths above make these importable)
from motion import author_motion  # noqa: E402
from scipy.spatial.transform import Rotation  # noqa: E402

from solver.body import joint_transforms  # noqa: E402
from solver.body_file import read_body  # noqa: E402
from solver.lift import landmark_points  # noqa: E402
from solver.take import Camera, Take, write_take  # noqa: E402

TRUTH_PATH = FOLDER / "demo_truth.npz"
IMAGE_SIZE = (1280, 720)
FOCAL_PX = 1.2 * IMAGE_SIZE[0]
CAMERA_POSITION = (0.0, -5.2, 1.3)
CAMERA_PITCH_DEGREES = 3.0

Array = NDArray[Any]


def fixed_camera() -> Camera:
    """The camera that filmed the clip: before the person, level but for a small downward pitch."""
    # At no pitch: x right is world x, y down is world -z, z forward is world y.
    level = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    turned = Rotation.from_euler("x", -CAMERA_PITCH_DEGREES, degrees=True).as_matrix() @ level
    return Camera(
        focal_px=FOCAL_PX,
        center_px=(IMAGE_SIZE[0] / 2, IMAGE_SIZE[1] / 2),
        image_size=IMAGE_SIZE,
        rotation=tuple((float(row[0]), float(row[1]), float(row[2])) for row in turned),
        position=CAMERA_POSITION,
    )


def demo_take() -> Take:
    """The demo's motion as a take: exact, with everything visible."""
    body, betas = read_body("open"), np.array(score.BETAS)
    motion = author_motion(body, betas)
    joints = body.rest_joints(betas)
    turned, placed = joint_transforms(motion.rotations, joints)
    trans = motion.pelvis - joints[0]
    camera = fixed_camera()
    landmarks = camera.project(landmark_points(body, betas).place(turned, placed + trans[:, None]))
    count = len(motion.times)
    return Take(
        poses=Rotation.from_matrix(motion.rotations.reshape(-1, 3, 3)).as_rotvec().reshape(count, 72),
        trans=trans,
        betas=betas,
        gender="neutral",
        model="open",
        framerate=score.FRAMERATE_HZ,
        timestamps=motion.times,
        keypoints3d=placed + trans[:, None],
        confidence=np.ones((count, 24)),
        contacts=np.repeat(motion.planted, 2, axis=1),
        landmarks2d=np.concatenate([landmarks, np.ones((count, 33, 1))], axis=-1),
        camera=camera,
        meta={"clip": "demo.mp4", "origin": "authored in addon_assets/demo, ground truth", "license": "CC0-1.0"},
    )


if __name__ == "__main__":
    print(f"Wrote {write_take(demo_take(), TRUTH_PATH)}")
