"""How long the lifter tells bones: `.venv/bin/python addon_assets/lifter/measure_bones.py FOLDER`.

Prints the table of solver/lift/shape.py from the films of FOLDER, each through the network of FOLDER that was trained
without it. What the networks say is put on the rays with the table as it is: run until it no longer changes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

import numpy as np  # noqa: E402  (the paths above make these importable)
from numpy.typing import NDArray  # noqa: E402
from train_lifter import APARTS, network_path, read_network  # noqa: E402

from solver.body_file import Body, read_body  # noqa: E402
from solver.detect import Observations  # noqa: E402
from solver.lens import focal_length  # noqa: E402
from solver.lift import correct_landmarks  # noqa: E402
from solver.lift.lifter import guess_on_rays  # noqa: E402
from solver.lift.network import LiftNetwork  # noqa: E402
from solver.lift.shape import BONES, median_lengths  # noqa: E402
from solver.motion.camera import intrinsics  # noqa: E402
from solver.take import read_take  # noqa: E402

Array = NDArray[Any]

# How much wider the spreads are than measured. In four parts of the films, each by the table of the other three, bones
# were 6.76 % off with 1, 6.55 with 2, 6.56 with 3, 6.59 with 4 and 6.67 with 6; those of the mean body were 6.93.
_DOUBT = 2.0


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
    placed = guess_on_rays(observations, corrected, body, camera, truth.framerate)
    joints = body.rest_joints(truth.betas)
    true = np.array([bone.lengths(joints).mean() for bone in BONES])
    return np.log(median_lengths(placed.keypoints, placed.confidence) / true)


def main(folder: Path) -> None:
    """Print how much of its length each bone has, and how far single people are from that, alike and bone by bone."""
    body = read_body("open")
    told: list[Array] = []
    for number in range(APARTS):
        network, apart = read_network(network_path(folder, number))
        told += [told_lengths(folder / name, network, body) for name in apart]
    lengths = np.array(told)
    lengths = lengths[np.isfinite(lengths).all(axis=1)]
    middle = lengths.mean(axis=0)
    shared = (lengths - middle).mean(axis=1, keepdims=True)
    spreads = _DOUBT * (lengths - middle - shared).std(axis=0)
    for bone, length, spread in zip(BONES, np.exp(middle), spreads, strict=True):
        print(f'    Bone("{bone.start}", "{bone.end}", {length:.3f}, {spread:.3f}),')
    print(f"_SHARED_SPREAD = {shared.std():.3f}, of {len(lengths)} films")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
