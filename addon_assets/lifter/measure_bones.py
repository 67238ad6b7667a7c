"""How long the lifter tells bones: `.venv/bin/python addon_assets/lifter/measure_bones.py FOLDER`.

Prints the table of solver/lift/shape.py from the films of FOLDER, each through the network that was trained without it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

import numpy as np  # noqa: E402  (the paths above make these importable)
from films import read_films  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from train_lifter import APARTS  # noqa: E402

from solver.body_file import Body, read_body  # noqa: E402
from solver.detect import Observations  # noqa: E402
from solver.lens import focal_length  # noqa: E402
from solver.lift import correct_landmarks  # noqa: E402
from solver.lift.learned import WEIGHTS, read_networks  # noqa: E402
from solver.lift.lifter import put_on_the_rays  # noqa: E402
from solver.lift.network import LiftNetwork  # noqa: E402
from solver.lift.shape import BONES, median_lengths  # noqa: E402
from solver.motion.camera import intrinsics  # noqa: E402
from solver.take import read_take  # noqa: E402

Array = NDArray[Any]


def told_lengths(folder: Path, network: LiftNetwork, body: Body) -> Array:
    """(B,) log of the length of each of BONES in one film over the true one."""
    truth = read_take(folder / "truth_p1.npz")
    size = truth.camera.image_size
    with np.load(folder / "observed.npz") as observed:
        landmarks2d = observed["landmarks2d"]
        seen = landmarks2d[..., 2].max(axis=1) > 0
        observations = Observations(
            1, truth.timestamps[observed["moments"]], landmarks2d, observed["landmarks3d"], seen, size
        )
    camera = intrinsics(size, focal_length(folder / "clip.mp4", size, None).pixels)
    corrected = correct_landmarks(observations, camera, truth.framerate, (network,))
    placed = put_on_the_rays(observations, corrected, body, camera, truth.framerate)
    joints = body.rest_joints(truth.betas)
    true = np.array([bone.lengths(joints).mean() for bone in BONES])
    return np.log(median_lengths(placed.keypoints, placed.confidence) / true)


def main(folder: Path) -> None:
    """Print how much of its length each bone has, and how far single people are from that, alike and bone by bone."""
    body = read_body("open")
    networks = read_networks(WEIGHTS)
    names = read_films(folder, body).names
    told = np.array([told_lengths(folder / name, networks[n % APARTS], body) for n, name in enumerate(names)])
    told = told[np.isfinite(told).all(axis=1)]
    middle = told.mean(axis=0)
    shared = (told - middle).mean(axis=1, keepdims=True)
    for bone, length, spread in zip(BONES, np.exp(middle), (told - middle - shared).std(axis=0), strict=True):
        print(f'    _Bone("{bone.start}", "{bone.end}", {length:.3f}, {spread:.3f}),')
    print(f"_SHARED_SPREAD = {shared.std():.3f}, of {len(told)} films")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
