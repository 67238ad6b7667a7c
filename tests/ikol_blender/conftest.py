"""Runs the checkout as Blender runs it: linked into an extensions folder, as `bl_ext.user_default.ikol`."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from building.stage import stage_extension
from solver.body_file import PARENTS, read_body
from solver.take import Camera, Take, write_take

# Before bpy: it reads the variable while it is imported.
_RESOURCES = Path(tempfile.mkdtemp(prefix="ikol-blender-"))
atexit.register(shutil.rmtree, _RESOURCES, ignore_errors=True)
os.environ["BLENDER_USER_RESOURCES"] = str(_RESOURCES)
stage_extension(_RESOURCES / "extensions" / "user_default" / "ikol", link=True)

import bpy  # noqa: E402, I001 - bpy first: it is what makes addon_utils importable
import addon_utils  # noqa: E402

EXTENSION = "bl_ext.user_default.ikol"
_exit_status = 0


def pytest_sessionstart() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    addon_utils.extensions_refresh()
    assert addon_utils.enable(EXTENSION, default_set=True) is not None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus: int) -> None:
    global _exit_status
    _exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """End at once: Blender 4.2 crashes and 4.5 hangs when Python ends in the ordinary way."""
    addon_utils.disable(EXTENSION)
    shutil.rmtree(_RESOURCES, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_status)


@pytest.fixture
def empty_scene() -> bpy.types.Scene:
    """A new file without objects, the extension still enabled."""
    bpy.ops.wm.read_homefile(use_empty=True)
    return bpy.context.scene


@pytest.fixture(scope="session")
def turning_take() -> Take:
    """2 s at 29.97 Hz: one turn around, every joint bends; keypoints by forward kinematics."""
    rng = np.random.default_rng(7)
    count, rate = 60, 30000 / 1001
    times = np.arange(count) / rate
    poses = np.zeros((count, 24, 3))
    swing = rng.normal(size=(24, 3)) * 0.5
    poses[:, 1:] = np.sin(2 * np.pi * times)[:, None, None] * swing[1:] + rng.normal(size=(24, 3))[1:] * 0.2
    roots = _turn_z(2 * np.pi * times / times[-1]) @ _turn_x(np.full(count, np.pi / 2))
    poses[:, 0] = np.array([_axis_angle(root) for root in roots])
    trans = np.stack([0.3 * np.sin(times), 0.2 * times, 1.2 + 0.1 * np.cos(times)], axis=1)
    betas = rng.normal(size=10)
    return Take(
        poses=poses.reshape(count, 72),
        trans=trans,
        betas=betas,
        gender="neutral",
        model="open",
        framerate=rate,
        timestamps=times + 0.5,
        keypoints3d=world_joints(poses, trans, betas)[0],
        confidence=np.ones((count, 24)),
        contacts=np.zeros((count, 4)),
        landmarks2d=np.zeros((count, 33, 3)),
        camera=Camera(
            focal_px=700.0,
            center_px=(330.0, 171.0),
            image_size=(640, 360),
            # Stands 4 m in front at eye height, looks along +Y with a little roll.
            rotation=tuple(map(tuple, _CAMERA_AXES @ _turn_z(np.array([0.05]))[0])),
            position=(0.1, -4.0, 1.3),
        ),
        meta={"clip": "turning.mp4"},
    )


@pytest.fixture
def take_file(turning_take: Take, tmp_path: Path) -> Path:
    return write_take(turning_take, tmp_path / "turning_ikol" / "take_p1.npz")


_CAMERA_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def _turn_x(angles: np.ndarray) -> np.ndarray:
    return _rotations(np.stack([angles, 0 * angles, 0 * angles], axis=-1))


def _turn_z(angles: np.ndarray) -> np.ndarray:
    return _rotations(np.stack([0 * angles, 0 * angles, angles], axis=-1))


def _rotations(axis_angle: np.ndarray) -> np.ndarray:
    """Matrix exponentials by their series: slow, short, and not how the add-on does it."""
    x, y, z = np.moveaxis(axis_angle, -1, 0)
    zero = 0 * x
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    total = term = np.broadcast_to(np.eye(3), cross.shape)
    for order in range(1, 40):
        term = term @ cross / order
        total = total + term
    return total


def _axis_angle(rotation: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eig(rotation)
    axis = np.real(vectors[:, np.argmin(np.abs(values - 1))])
    angle = np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))
    best = min((axis * angle, -axis * angle), key=lambda v: np.abs(_rotations(v) - rotation).max())
    assert np.abs(_rotations(best) - rotation).max() < 1e-6
    return best


def world_joints(poses: np.ndarray, trans: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SMPL's forward kinematics from its definition: joints (T, 24, 3) and global rotations (T, 24, 3, 3)."""
    rest = read_body("open").rest_joints(betas)
    local = _rotations(poses)
    turned = [local[:, 0]]
    joints = [rest[0] + trans]
    for joint, parent in list(enumerate(PARENTS))[1:]:
        joints.append(joints[parent] + turned[parent] @ (rest[joint] - rest[parent]))
        turned.append(turned[parent] @ local[:, joint])
    return np.stack(joints, axis=1), np.stack(turned, axis=1)


@pytest.fixture(scope="session")
def skinned_vertices(turning_take: Take):
    """A function from a moment's index to the (V, 3) vertices that SMPL's skinning gives, without pose blend shapes."""
    body = read_body("open")
    joints, turned = world_joints(turning_take.poses.reshape(-1, 24, 3), turning_take.trans, turning_take.betas)
    rest_vertices, rest_joints = body.rest_vertices(turning_take.betas), body.rest_joints(turning_take.betas)

    def at(index: int) -> np.ndarray:
        offsets = rest_vertices[:, None] - rest_joints
        moved = np.einsum("kij,vkj->vki", turned[index], offsets) + joints[index]
        weights = body.weights / body.weights.sum(axis=1, keepdims=True)
        return np.einsum("vk,vki->vi", weights, moved)

    return at
