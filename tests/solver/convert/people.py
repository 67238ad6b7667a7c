"""A person who walks a bow, as SMPL says it and as each tool would write it down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from solver.body_file import OPEN_BODY_PATH, PARENTS, Body


@dataclass(frozen=True)
class Person:
    """World: Z up, facing -Y at first. poses (T, 24, 3), pelvis (T, 3), betas (10,), joints (T, 24, 3)."""

    poses: np.ndarray
    pelvis: np.ndarray
    betas: np.ndarray
    joints: np.ndarray


def smpl_file(folder: Path) -> Path:
    """A body that says it is SMPL's: the open body's arrays without its name."""
    with np.load(OPEN_BODY_PATH) as stored:
        arrays = {name: stored[name] for name in stored.files if name not in ("model", "uv")}
    path = folder / "SMPL_NEUTRAL.npz"
    np.savez(path, **arrays)
    return path


def walker(body: Body, count: int = 40, seed: int = 3) -> Person:
    """Every joint turns, the body turns by 70 degrees and walks 1.5 m; the lowest sole touches z = 0 somewhere."""
    rng = np.random.default_rng(seed)
    phase = np.linspace(0, 2 * np.pi, count)
    poses = np.sin(phase)[:, None, None] * rng.normal(size=(24, 3)) * 0.3 + rng.normal(size=(24, 3)) * 0.1
    poses[:, 22:] = 0.0  # SMPL-H and SMPL-X have no such joints
    heading = Rotation.from_euler("z", np.linspace(0, 1.2, count)[:, None])
    poses[:, 0] = (heading * Rotation.from_euler("x", np.pi / 2)).as_rotvec()
    pelvis = np.stack([0.2 * np.sin(phase), -np.linspace(0, 1.5, count), 0.9 + 0.02 * np.cos(phase)], axis=1)
    betas = rng.normal(size=10) * 0.5
    return Person(poses, pelvis, betas, joints(body, poses, pelvis, betas))


def joints(body: Body, poses: np.ndarray, pelvis: np.ndarray, betas: np.ndarray) -> np.ndarray:
    """(T, 24, 3) by SMPL's definition, with scipy's rotations."""
    rest = body.rest_joints(betas)
    turned, found = [Rotation.from_rotvec(poses[:, 0])], [pelvis]
    for joint, parent in list(enumerate(PARENTS))[1:]:
        found.append(found[parent] + turned[parent].apply(rest[joint] - rest[parent]))
        turned.append(turned[parent] * Rotation.from_rotvec(poses[:, joint]))
    return np.stack(found, axis=1)


def seen_in(axes: np.ndarray, person: Person, rest_pelvis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Poses (T, 24, 3) and SMPL translation (T, 3) in a frame whose axes in the world are the columns of `axes`."""
    poses = person.poses.copy()
    poses[:, 0] = (Rotation.from_matrix(axes.T) * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    return poses, person.pelvis @ axes - rest_pelvis


def in_y_up(person: Person, rest_pelvis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Poses and translation in a world with Y up, somewhere else and heading elsewhere."""
    turn = Rotation.from_euler("z", 0.9).as_matrix()
    y_up = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    poses, trans = seen_in(turn @ y_up, person, rest_pelvis)
    return poses, trans + np.array([3.0, 0.4, -2.0])


def in_camera(person: Person, rest_pelvis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Poses and translation seen by a level camera (x right, y down, z forward) 4 m in front, 1.1 m high."""
    axes = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    poses, trans = seen_in(axes, person, rest_pelvis)
    return poses, trans + np.array([0.0, 1.1, 4.0])


def smplx_file(folder: Path) -> Path:
    """A body with as many vertices as SMPL-X's has: the open body's, without some that no joint rests on."""
    with np.load(OPEN_BODY_PATH) as stored:
        arrays = {name: stored[name] for name in stored.files if name not in ("model", "uv", "vt", "ft")}
    bears = np.asarray(arrays["J_regressor"]).any(axis=0)
    spare = np.flatnonzero(~bears)[: len(bears) - 10475]
    kept = np.setdiff1d(np.arange(len(bears)), spare)
    for name in ("v_template", "shapedirs", "posedirs", "weights"):
        arrays[name] = arrays[name][kept]
    arrays["J_regressor"] = arrays["J_regressor"][:, kept]
    arrays["f"] = np.zeros((1, 3), np.int64)
    path = folder / "SMPLX_NEUTRAL.npz"
    np.savez(path, **{name: held for name, held in arrays.items() if not name.startswith("landmark")})
    return path
