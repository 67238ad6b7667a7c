"""Makes the .pkl files beside this script with joblib itself, which the project does not need otherwise.

`PYTHONPATH=. PYTHON_WITH_JOBLIB tests/solver/convert/make_joblib_files.py`; those here are of joblib 1.6.0.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import joblib  # pyright: ignore[reportMissingImports]
import numpy as np
from scipy.spatial.transform import Rotation

from solver.body_file import read_body
from tests.solver.convert.people import in_camera, in_y_up, walker

HERE = Path(__file__).parent
COUNT = 10
FOCAL_RATIO = 5000 / 256


def wham() -> dict[Any, Any]:
    body = read_body("open")
    found: dict[Any, Any] = defaultdict(dict)
    for number, seed in ((0, 3), (4, 5)):
        person = walker(body, COUNT, seed)
        poses, trans = in_y_up(person, body.rest_joints(person.betas)[0])
        found[number]["pose_world"] = poses.reshape(-1, 72).astype(np.float32)
        found[number]["trans_world"] = trans.astype(np.float32)
        found[number]["betas"] = np.tile(person.betas, (COUNT, 1)).astype(np.float32)
        found[number]["frame_ids"] = np.arange(COUNT) + 20 * number
    return found


def humans4d() -> dict[str, Any]:
    body = read_body("open")
    person = walker(body, COUNT)
    poses, trans = in_camera(person, body.rest_joints(person.betas)[0])
    matrices = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(-1, 24, 3, 3).astype(np.float32)
    found: dict[str, Any] = {}
    for moment in range(COUNT):
        smpl = {"global_orient": matrices[moment, :1], "body_pose": matrices[moment, 1:], "betas": person.betas}
        guessed = moment == 4
        found[f"outputs/frames/{moment:06}.jpg"] = {
            "time": moment,
            "tid": [7],
            "tracked_time": [1 if guessed else 0],
            "size": [[720, 1280]],
            "camera": [trans[moment] * (1.0, 1.0, FOCAL_RATIO)],
            "smpl": [{**smpl, "betas": smpl["betas"] * (9.0 if guessed else 1.0)}],
        }
    return found


def prompthmr() -> dict[str, Any]:
    body = read_body("open")
    person = walker(body, COUNT)
    poses, trans = in_y_up(person, body.rest_joints(person.betas)[0])
    whole = np.zeros((COUNT, 165), np.float32)
    whole[:, :66] = poses[:, :22].reshape(COUNT, 66)
    whole[:, 66:] = 0.3  # jaw, eyes and fingers: none of a body's 24 joints
    world = {"pose": whole, "shape": np.tile(person.betas, (COUNT, 1)), "trans": trans}
    return {
        "people": {1: {"track_id": 1, "frames": np.arange(COUNT), "smplx_world": world}},
        "camera_world": {"Rwc": np.tile(np.eye(3), (COUNT, 1, 1)), "Twc": np.zeros((COUNT, 3))},
    }


if __name__ == "__main__":
    joblib.dump(wham(), HERE / "wham_output.pkl")
    joblib.dump(humans4d(), HERE / "demo_humans4d.pkl", compress=3)
    joblib.dump(prompthmr(), HERE / "prompthmr_results.pkl")
