"""Where the detector marks landmarks: `.venv/bin/python addon_assets/lifter/measure_seen_points.py FOLDER`.

Prints the table of solver/lift/seen_points.py, from the films of FOLDER that write_people.py, film_people.py and
observe_people.py made: the shift of each landmark on the true body after which it falls best on the seen ones.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402  (the path above makes these importable)
from numpy.typing import NDArray  # noqa: E402
from scipy.spatial.transform import Rotation  # noqa: E402

from solver.body import joint_transforms  # noqa: E402
from solver.body_file import Body, read_body  # noqa: E402
from solver.detect.person_landmarks import LANDMARK_NAMES  # noqa: E402
from solver.lift import landmark_points  # noqa: E402
from solver.lift.landmark_points import MIRRORED_LANDMARKS  # noqa: E402
from solver.take import read_take  # noqa: E402

Array = NDArray[Any]

_SEEN = 0.9  # visibility from which a landmark says where it is
_OUTLIER = 0.05  # m: the detector sees something else there
_PRIOR = 20.0  # moments: a landmark that is hardly seen stays where it is on the body


def equations(folder: Path, body: Body) -> tuple[Array, Array]:
    """Normal equations (33, 3, 3), (33, 3) of the landmarks' shifts, m, from one film."""
    truth = read_take(folder / "truth_p1.npz")
    with np.load(folder / "observed.npz") as observed:
        moments, seen = observed["moments"], observed["landmarks2d"].astype(np.float64)
    local = Rotation.from_rotvec(truth.poses[moments].reshape(-1, 3)).as_matrix().reshape(-1, 24, 3, 3)
    marks, axes = landmark_points(body, truth.betas), np.array(truth.camera.rotation)
    turned, placed = joint_transforms(local, body.rest_joints(truth.betas))
    place = (marks.place(turned, placed) + truth.trans[moments, None] - truth.camera.position) @ axes
    parts, depth = axes.T @ turned[:, marks.joint], place[..., 2:]
    rays = (seen[..., :2] - truth.camera.center_px) / truth.camera.focal_px
    error = rays * depth - place[..., :2]
    slope = parts[..., :2, :] - (place[..., :2] / depth)[..., None] * parts[..., 2:, :]
    weight = (seen[..., 2] > _SEEN) / (1 + (error**2).sum(-1) / _OUTLIER**2) ** 2
    return np.einsum("tl,tlij,tlik->ljk", weight, slope, slope), np.einsum("tl,tlij,tli->lj", weight, slope, error)


def main(folder: Path) -> None:
    """Print a line for each landmark of the middle and the left side, m."""
    body = read_body("open")
    found = [equations(path.parent, body) for path in sorted(folder.glob("*/observed.npz"))]
    normal, right = (np.sum(parts, axis=0) for parts in zip(*found, strict=True))
    shift = np.linalg.solve(normal + _PRIOR * np.eye(3), right[..., None])[..., 0]
    shift = (shift + shift[MIRRORED_LANDMARKS] * (-1, 1, 1)) / 2
    for name, (x, y, z) in zip(LANDMARK_NAMES, shift, strict=True):
        if not name.startswith("right") and not name.endswith("right"):
            print(f'    "{name}": ({x:.3f}, {y:.3f}, {z:.3f}),')


if __name__ == "__main__":
    main(Path(sys.argv[1]))
