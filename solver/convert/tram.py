"""TRAM's hps_track_*.npy, with camera.npy in the folder above.

Reference: TRAM (Wang et al., ECCV 2024); its scripts/estimate_humans.py and lib/pipeline/visualization.py: hps/
hps_track_0.npy is a pickled dict of tensors pred_rotmat (T, 24, 3, 3), pred_shape (T, 10), pred_trans (T, 1, 3) in the
camera's axes and frame (T); camera.npy a dict with pred_cam_R (N, 3, 3) and pred_cam_T (N, 3), from the camera to the
world, whose axes are those of the first camera. A point is at pred_cam_R p + pred_cam_T.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SourceUnreadable
from .motion import LEVEL_CAMERA, SourceMotion, numbers, one_shape, pose_of_matrices
from .pickles import read_npy
from .rotations import axis_angles_of, matrices_of

_LEVEL = "TRAM's world has the axes of its first camera, which was taken to be level."
_NO_CAMERA = "There is no camera.npy in the folder above: the camera was taken to be level and at rest."


def is_tram(content: Any) -> bool:
    """Whether what a .npy holds is a person of TRAM."""
    return isinstance(content, dict) and {"pred_rotmat", "pred_trans", "frame"} <= set(content)


def read_tram(content: dict[str, Any], path: Path) -> list[SourceMotion]:
    """The person of the file at `path`, in the world of the camera.npy beside its folder when there is one.

    Raises:
        SourceUnreadable: a part is missing, or of the wrong shape.
    """
    poses = pose_of_matrices(content["pred_rotmat"])
    shifts = numbers(content["pred_trans"]).reshape(len(poses), -1)
    frames = numbers(content["frame"]).astype(np.int64).reshape(-1)
    turns, notice = None, _NO_CAMERA
    camera_path = path.absolute().parent.parent / "camera.npy"
    if camera_path.is_file():
        camera = read_npy(camera_path)
        notice = _LEVEL
        try:
            turns = numbers(camera["pred_cam_R"])[frames]
            shifts = (turns @ shifts[..., None])[..., 0] + numbers(camera["pred_cam_T"])[frames]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise SourceUnreadable(f"{camera_path} does not belong to {path.name}: {error}.") from error
        poses[:, 0] = axis_angles_of(turns @ matrices_of(poses[:, 0]))
    return [
        SourceMotion(
            tool="TRAM",
            poses=poses,
            shifts=shifts,
            frames=frames,
            betas=one_shape(content["pred_shape"]) if "pred_shape" in content else np.zeros(10),
            axes=LEVEL_CAMERA,
            turns=turns,
            from_camera=True,
            notices=(notice,),
        )
    ]
