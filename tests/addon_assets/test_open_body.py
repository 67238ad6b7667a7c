"""The open body is sound: symmetric, normalised, sensibly shaped, and posed as SMPL's own reference poses it."""

import hashlib
import re

import cv2
import numpy as np
import pytest

from solver.body import joint_transforms, pose_vertices
from solver.body_file import JOINT_NAMES, OPEN_BODY_PATH, Body, read_body

MIRRORED = [
    JOINT_NAMES.index(name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right"))
    for name in JOINT_NAMES
]


@pytest.fixture(scope="module")
def body() -> Body:
    return read_body("open")


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    with np.load(OPEN_BODY_PATH, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def test_file_names_its_model_and_its_licence(arrays: dict[str, np.ndarray]) -> None:
    assert str(arrays["model"]) == "open"
    assert str(arrays["license"]).startswith("CC0-1.0")


def test_files_are_the_ones_that_the_readme_says() -> None:
    folder = OPEN_BODY_PATH.parent
    readme = (folder / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| (\S+) \| ([0-9a-f]{64}) \|", readme, re.MULTILINE))
    for name in (OPEN_BODY_PATH.name, "LICENSE.md"):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == listed[name]
    assert "CC0 1.0 Universal" in (folder / "LICENSE.md").read_text(encoding="utf-8")


def test_left_and_right_mirror_each_other(body: Body, arrays: dict[str, np.ndarray]) -> None:
    mirror = arrays["mirror"].astype(int)
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))
    np.testing.assert_allclose(body.v_template[mirror] * (-1, 1, 1), body.v_template, atol=1e-6)
    np.testing.assert_allclose(body.weights[mirror][:, MIRRORED], body.weights, atol=1e-6)
    np.testing.assert_allclose(body.joint_regressor[MIRRORED][:, mirror], body.joint_regressor, atol=1e-6)
    for betas in np.eye(10):
        joints = body.rest_joints(2 * betas)
        np.testing.assert_allclose(joints[MIRRORED] * (-1, 1, 1), joints, atol=1e-4)


def test_regressor_and_weights_are_normalised(body: Body) -> None:
    np.testing.assert_allclose(body.joint_regressor.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(body.weights.sum(axis=1), 1.0, atol=1e-5)
    assert body.joint_regressor.min() >= 0
    assert body.weights.min() >= 0
    assert (body.weights.max(axis=0) > 0.3).all(), "every joint moves some skin"


def test_rest_pose_is_smpls(body: Body) -> None:
    at = dict(zip(JOINT_NAMES, body.rest_joints(np.zeros(10)), strict=True))
    np.testing.assert_allclose(at["pelvis"], (0.0, -0.22, 0.03), atol=1e-3)
    assert at["left_wrist"][0] > 0.6, "left is +x"
    assert abs(at["left_wrist"][1] - at["left_shoulder"][1]) < 0.03, "arms are level"
    assert at["left_foot"][2] > at["left_ankle"][2] + 0.08, "facing +z"


def test_betas_shape_a_plausible_population(body: Body) -> None:
    def height(betas: np.ndarray) -> float:
        return float(np.ptp(body.rest_vertices(betas)[:, 1]))

    first = np.eye(10)[0]
    assert 1.6 < height(np.zeros(10)) < 1.8
    assert height(2 * first) - height(-2 * first) > 0.25
    for betas in np.eye(10):
        assert 1.45 < height(2 * betas) < 1.95
    second = np.eye(10)[1]
    waist = np.abs(body.v_template[:, 1] - body.rest_joints(np.zeros(10))[3, 1]) < 0.02
    girth = [np.ptp(body.rest_vertices(amount * second)[waist, 2]) for amount in (-2, 0, 2)]
    assert girth[0] < girth[1] < girth[2], "the second beta makes heavier"


def test_landmarks_are_where_their_names_say(body: Body) -> None:
    assert len(body.landmarks) == 21
    at = {name: body.v_template[vertex] for name, vertex in body.landmarks.items()}
    joints = dict(zip(JOINT_NAMES, body.rest_joints(np.zeros(10)), strict=True))
    assert abs(at["nose"][0]) < 0.002
    assert at["leye"][0] > 0 > at["reye"][0]
    assert at["leye"][1] > at["nose"][1] > joints["neck"][1]
    assert at["LBigToe"][2] > joints["left_foot"][2] > joints["left_ankle"][2] > at["LHeel"][2]
    assert at["LSmallToe"][0] > at["LBigToe"][0] > 0
    for finger in ("thumb", "index", "middle", "ring", "pinky"):
        assert np.linalg.norm(at[f"l{finger}"] - joints["left_hand"]) < 0.12
        np.testing.assert_allclose(at[f"r{finger}"] * (-1, 1, 1), at[f"l{finger}"], atol=2e-3)


def test_skinning_agrees_with_the_reference(body: Body, arrays: dict[str, np.ndarray]) -> None:
    """Ten random poses and shapes against the smplx package's own SMPL."""
    smplx, torch = pytest.importorskip("smplx"), pytest.importorskip("torch")
    draw = np.random.default_rng(3)
    poses, betas = draw.normal(0, 0.5, (10, 24, 3)), draw.normal(0, 1, (10, 10))
    fields = {name: array for name, array in arrays.items() if array.dtype.kind in "fiu"}
    data = smplx.utils.Struct(**fields)
    reference = smplx.SMPL("", data_struct=data, dtype=torch.float64, num_betas=10)
    with torch.no_grad():
        posed = reference(
            betas=torch.tensor(betas), global_orient=torch.tensor(poses[:, :1]), body_pose=torch.tensor(poses[:, 1:])
        )
    rotations = np.array([cv2.Rodrigues(pose)[0] for pose in poses.reshape(-1, 3)]).reshape(10, 24, 3, 3)
    np.testing.assert_allclose(pose_vertices(body, rotations, betas), posed.vertices.numpy(), atol=1e-4)
    rest = np.array([body.rest_joints(row) for row in betas])
    _, placed = joint_transforms(rotations, rest)
    np.testing.assert_allclose(placed, posed.joints[:, :24].numpy(), atol=1e-4)
