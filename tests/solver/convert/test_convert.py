"""Each tool's file, written as the tool documents it, becomes a take whose joints are where the file says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from solver.body_file import Body, read_body
from solver.convert.place import to_takes
from solver.convert.recognise import read_source
from solver.take import Take, read_take
from tests.solver.convert.people import Person, in_camera, in_y_up, joints, smpl_file, smplx_file, walker
from tests.solver.test_cli import run

HERE = Path(__file__).parent
MILLIMETRE = 1e-3


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> Body:
    found = read_body(smpl_file(tmp_path_factory.mktemp("smpl")))
    assert found.model == "smpl"
    return found


@pytest.fixture(scope="module")
def smplx_body(tmp_path_factory: pytest.TempPathFactory) -> Body:
    return read_body(smplx_file(tmp_path_factory.mktemp("smplx")))


@pytest.fixture
def person(body: Body) -> Person:
    return walker(body)


def only_take(path: Path, body: Body, rate_hz: float | None = None) -> Take:
    (take,) = to_takes(read_source(path), body, rate_hz)
    return take


def assert_same_motion(take: Take, truth: np.ndarray, body: Body) -> None:
    """The take's joints, as it lists them and as its poses say, are `truth` (T, 24, 3) but for where the floor is."""
    said = joints(body, take.poses.reshape(-1, 24, 3), body.rest_joints(take.betas)[0] + take.trans, take.betas)
    assert np.abs(said - take.keypoints3d).max() < MILLIMETRE
    height = np.array([0.0, 0.0, take.keypoints3d[0, 0, 2] - truth[0, 0, 2]])
    error = np.linalg.norm(take.keypoints3d - height - truth, axis=-1).max()
    assert error < MILLIMETRE, f"{error * 1000:.2f} mm"


def lowest_sole(take: Take, body: Body) -> float:
    """The lowest vertex of the feet at the lowest moment, m, with each vertex following its strongest joint."""
    rest_vertices, rest = body.rest_vertices(take.betas), body.rest_joints(take.betas)
    chains = {7: (0, 1, 4, 7), 8: (0, 2, 5, 8), 10: (0, 1, 4, 7, 10), 11: (0, 2, 5, 8, 11)}
    lowest = []
    for joint, chain in chains.items():
        vectors = take.poses.reshape(-1, 24, 3)
        turn = Rotation.identity(len(take))
        for link in chain:
            turn = turn * Rotation.from_rotvec(vectors[:, link])
        offsets = rest_vertices[body.weights.argmax(axis=1) == joint] - rest[joint]
        heights = np.einsum("tj,vj->tv", turn.as_matrix()[:, 2], offsets) + take.keypoints3d[:, joint, 2:]
        lowest.append(heights.min())
    return min(lowest)


@pytest.mark.parametrize("width", [72, 156, 165])
def test_amass_of_smpl_smplh_and_smplx(
    tmp_path: Path, person: Person, body: Body, smplx_body: Body, width: int
) -> None:
    poses = np.full((len(person.poses), width), 0.2)  # fingers and face
    poses[:, :66] = person.poses[:, :22].reshape(-1, 66)
    if width == 72:
        poses[:, 66:] = 0.0
    trans = person.pelvis - body.rest_joints(person.betas)[0]
    markers = np.array(["LFHD", None], object)  # AMASS files carry pickled labels
    np.savez(
        tmp_path / "walk.npz",
        poses=poses,
        trans=trans,
        betas=np.pad(person.betas, (0, 6)),
        gender=np.array(b"female"),
        mocap_framerate=np.float64(120.0),
        marker_labels=markers,
    )
    take = only_take(tmp_path / "walk.npz", smplx_body if width == 165 else body)
    assert np.linalg.norm(take.keypoints3d - person.joints, axis=-1).max() < MILLIMETRE
    assert np.abs(take.trans - trans).max() < 1e-9, "a file with its own floor is left where it is"
    assert (take.framerate, take.gender) == (120.0, "female")
    assert np.abs(np.diff(take.timestamps) - 1 / 120).max() < 1e-9


def test_a_take_of_ours_is_an_amass_file(tmp_path: Path, person: Person) -> None:
    (tmp_path / "x.npz").write_bytes(b"")
    body = read_body("open")
    person = walker(body)
    trans = person.pelvis - body.rest_joints(person.betas)[0]
    np.savez(
        tmp_path / "x.npz", poses=person.poses.reshape(-1, 72), trans=trans, betas=person.betas, model="open", fps=30.0
    )
    take = only_take(tmp_path / "x.npz", body)
    assert np.linalg.norm(take.keypoints3d - person.joints, axis=-1).max() < MILLIMETRE


def test_amass_on_the_open_body_has_its_mean_shape_and_stands_on_the_floor(tmp_path: Path, person: Person) -> None:
    np.savez(tmp_path / "walk.npz", poses=person.poses.reshape(-1, 72), trans=person.pelvis + 0.3, betas=person.betas)
    body = read_body("open")
    take = only_take(tmp_path / "walk.npz", body)
    assert not take.betas.any() and take.model == "open"
    assert abs(lowest_sole(take, body)) < 0.005
    assert any("SMPL body file" in warning for warning in take.meta["warnings"])
    assert any("30 were assumed" in warning for warning in take.meta["warnings"])


def test_amass_of_smplx_as_it_was_released(tmp_path: Path, person: Person, body: Body, smplx_body: Body) -> None:
    """Its own keys, "stageii" files: the poses in parts, the model's name, the other spelling of the rate."""
    trans = person.pelvis - body.rest_joints(person.betas)[0]
    np.savez(
        tmp_path / "walk_stageii.npz",
        gender="male",
        surface_model_type="smplx",
        mocap_frame_rate=120.0,
        trans=trans,
        betas=np.pad(person.betas, (0, 6)),
        root_orient=person.poses[:, 0],
        pose_body=person.poses[:, 1:22].reshape(-1, 63),
        pose_hand=np.full((len(trans), 90), 0.3),
        pose_jaw=np.full((len(trans), 3), 0.3),
    )
    take = only_take(tmp_path / "walk_stageii.npz", smplx_body)
    assert np.linalg.norm(take.keypoints3d - person.joints, axis=-1).max() < MILLIMETRE
    assert (take.framerate, take.gender) == (120.0, "male")
    on_smpl = only_take(tmp_path / "walk_stageii.npz", body)
    assert not on_smpl.betas.any(), "the numbers of SMPL-X's shape mean another shape to SMPL"
    assert abs(lowest_sole(on_smpl, body)) < 0.005, "nor is its rest pelvis where SMPL's is"
    assert any("needs an SMPL-X body file" in warning for warning in on_smpl.meta["warnings"])


def test_shape_of_another_gender_is_told(tmp_path: Path, person: Person, body: Body) -> None:
    arrays = {"poses": person.poses.reshape(-1, 72), "trans": person.pelvis, "betas": person.betas, "fps": 60.0}
    np.savez(tmp_path / "walk.npz", gender="female", **arrays)
    np.savez(tmp_path / "neutral.npz", gender="neutral", **arrays)
    told = only_take(tmp_path / "walk.npz", body).meta["warnings"]
    assert any("of a female body, your body file is neutral" in warning for warning in told)
    assert not only_take(tmp_path / "neutral.npz", body).meta["warnings"]


def test_wham_by_joblib(body: Body) -> None:
    """Two people, one of whom comes 80 frames later."""
    takes = to_takes(read_source(HERE / "wham_output.pkl"), body, 25.0)
    truth = walker(body, 10, 3)
    assert_same_motion(takes[0], truth.joints, body)
    assert [take.framerate for take in takes] == [25.0, 25.0]
    assert takes[1].timestamps[0] == pytest.approx(80 / 25)
    assert abs(takes[1].entrance_s - 80 / 25) < 1e-9
    assert abs(lowest_sole(takes[0], body)) < 0.005


def test_humans4d_by_joblib_with_a_guessed_frame(body: Body) -> None:
    take = only_take(HERE / "demo_humans4d.pkl", body)
    truth = walker(body, 10)
    known = take.confidence[:, 0] > 0
    assert known.tolist() == [moment != 4 for moment in range(10)]
    centred = truth.joints - truth.pelvis[0] * (1, 1, 0)
    height = np.array([0.0, 0.0, take.keypoints3d[0, 0, 2] - centred[0, 0, 2]])
    errors = np.linalg.norm(take.keypoints3d - height - centred, axis=-1).max(axis=1)
    assert errors[known].max() < MILLIMETRE
    assert errors[4] < 0.1, "filled in between its neighbours"
    np.testing.assert_allclose(take.betas, truth.betas, atol=1e-6)


def test_prompthmr_by_joblib(smplx_body: Body) -> None:
    take = only_take(HERE / "prompthmr_results.pkl", smplx_body)
    assert_same_motion(take, walker(smplx_body, 10).joints, smplx_body)


def test_gvhmr(tmp_path: Path, person: Person, smplx_body: Body) -> None:
    body = smplx_body
    poses, trans = in_y_up(person, body.rest_joints(person.betas)[0])
    stored = {
        "global_orient": torch.tensor(poses[:, 0]),
        "body_pose": torch.tensor(poses[:, 1:22].reshape(-1, 63)),
        "transl": torch.tensor(trans),
        "betas": torch.tensor(np.tile(person.betas, (len(poses), 1))),
    }
    torch.save({"smpl_params_global": stored, "K_fullimg": torch.eye(3)}, tmp_path / "hmr4d_results.pt")
    take = only_take(tmp_path / "hmr4d_results.pt", body)
    assert_same_motion(take, person.joints, body)
    assert take.framerate == 30.0 and not take.meta["warnings"]


def test_tram_with_a_moving_camera(tmp_path: Path, person: Person, body: Body) -> None:
    rest_pelvis = body.rest_joints(person.betas)[0]
    poses, trans = in_camera(person, rest_pelvis)  # as the first, level camera would see it
    count = len(poses)
    camera_turns = Rotation.from_euler("yx", np.stack([np.linspace(0, 0.6, count), np.linspace(0, 0.1, count)], axis=1))
    camera_places = np.stack([np.linspace(0, 0.8, count), np.zeros(count), np.zeros(count)], axis=1)
    seen = poses.copy()
    seen[:, 0] = (camera_turns.inv() * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    seen_trans = camera_turns.inv().apply(trans + rest_pelvis - camera_places) - rest_pelvis
    hps = tmp_path / "hps"
    hps.mkdir()
    matrices = Rotation.from_rotvec(seen.reshape(-1, 3)).as_matrix().reshape(count, 24, 3, 3)
    content: dict[str, Any] = {
        "pred_rotmat": torch.tensor(matrices),
        "pred_shape": torch.tensor(np.tile(person.betas, (count, 1))),
        "pred_trans": torch.tensor(seen_trans[:, None]),
        "frame": torch.arange(count),
    }
    np.save(hps / "hps_track_0.npy", content, allow_pickle=True)  # pyright: ignore[reportArgumentType]
    camera = {"pred_cam_R": camera_turns.as_matrix(), "pred_cam_T": camera_places, "img_focal": np.array(900.0)}
    np.save(tmp_path / "camera.npy", camera, allow_pickle=True)  # pyright: ignore[reportArgumentType]
    assert_same_motion(only_take(hps / "hps_track_0.npy", body), person.joints, body)


@pytest.mark.parametrize("tracked", [True, False])
def test_romp(tmp_path: Path, person: Person, body: Body, tracked: bool) -> None:
    poses, trans = in_camera(person, body.rest_joints(person.betas)[0])
    results: dict[str, Any] = {}
    for moment in range(len(poses)):
        # Someone stands far behind; who is listed first changes.
        order = [0] if moment == 5 else [0, 1] if moment % 2 else [1, 0]
        frame = {
            "smpl_thetas": np.stack([poses[moment].ravel(), np.zeros(72)])[order],
            "smpl_betas": np.stack([person.betas, np.zeros(10)])[order],
            "cam_trans": np.stack([trans[moment], np.array([2.0, 0.0, 9.0])])[order],
        }
        results[f"{moment:08}.png"] = {**frame, "track_ids": np.array([3, 8])[order]} if tracked else frame
    np.savez(tmp_path / "video_results.npz", results=results, sequence_results={})  # pyright: ignore[reportArgumentType]
    takes = to_takes(read_source(tmp_path / "video_results.npz"), body, 24.0)
    assert len(takes) == (2 if tracked else 1)
    assert_same_motion(takes[0], person.joints, body)


def test_easymocap_turns_about_the_origin(tmp_path: Path, person: Person, body: Body) -> None:
    rest_pelvis = body.rest_joints(person.betas)[0]
    turns = Rotation.from_rotvec(person.poses[:, 0])
    for moment, (pose, pelvis) in enumerate(zip(person.poses, person.pelvis, strict=True)):
        vector = pose.copy()
        vector[0] = 0.0
        entry = {
            "id": 2,
            "Rh": [turns[moment].as_rotvec().tolist()],
            "Th": [(pelvis - turns[moment].apply(rest_pelvis)).tolist()],
            "poses": [vector.ravel().tolist()],
            "shapes": [person.betas.tolist()],
        }
        (tmp_path / f"{moment:06}.json").write_text(json.dumps([entry]))
    assert_same_motion(only_take(tmp_path / "000003.json", body, 50.0), person.joints, body)


def test_command_writes_a_take_for_each_person(tmp_path: Path) -> None:
    ended = run("convert", str(HERE / "wham_output.pkl"), "--out", str(tmp_path / "t.npz"), "--fps", "25")
    assert ended.returncode == 0, ended.stderr
    takes = [read_take(tmp_path / name) for name in ("t.npz", "t_p2.npz")]
    assert [take.framerate for take in takes] == [25.0, 25.0]


@pytest.fixture
def expected_error() -> Callable[[Path], str]:
    def convert(path: Path) -> str:
        ended = run("convert", str(path), "--out", str(path.with_suffix(".out.npz")))
        assert ended.returncode == 2, ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stderr

    return convert


def test_command_refuses_a_hostile_file_in_words(tmp_path: Path, expected_error: Callable[[Path], str]) -> None:
    path = tmp_path / "wham_output.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    assert "asks to run os.system" in expected_error(path)
    assert not (tmp_path / "ran").exists()
