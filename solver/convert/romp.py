"""ROMP's and BEV's video_results.npz.

Reference: ROMP (Sun et al., ICCV 2021); simple_romp/romp/utils.py, save_video_results: `results` is {frame file:
{smpl_thetas (N, 72), smpl_betas (N, 10 or 11), cam_trans (N, 3), track_ids (N), ...}}; one row per person; camera axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceUnreadable
from .motion import LEVEL_CAMERA, SourceMotion, body_pose, numbers, one_shape

Array = NDArray[Any]
_PARTS = ("smpl_thetas", "smpl_betas", "cam_trans")
_Row = tuple[int, Array, Array, Array]  # frame, pose, shape, translation
_NOTICE = "ROMP knows no world: the camera was taken to be level and at rest."
_UNTRACKED = "The file tells nobody apart: each frame's nearest person to the one before was taken."


def is_romp(content: Any) -> bool:
    """Whether what a .npz holds is of ROMP."""
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict):
        return False
    frames = content["results"]
    return "smpl_thetas" in frames or any(isinstance(held, dict) and "smpl_thetas" in held for held in frames.values())


def read_romp(content: dict[str, Any]) -> list[SourceMotion]:
    """The people who were tracked, those seen longest first; the nearest one from frame to frame without tracking.

    Raises:
        SourceUnreadable: nobody is in it.
    """
    results = content["results"]
    frames = {"0": results} if "smpl_thetas" in results else results  # a single image
    people: dict[int, list[_Row]] = {}
    notices = (_NOTICE,)
    last: Array | None = None
    for number, name in enumerate(sorted(frames, key=str)):
        rows, ids = _rows(number, frames[name])
        if not rows:
            continue
        if ids is None:
            notices = (_NOTICE, _UNTRACKED)
            here = np.stack([row[3] for row in rows])
            chosen = int(here[:, 2].argmin() if last is None else np.linalg.norm(here - last, axis=1).argmin())
            last = here[chosen]
            people.setdefault(0, []).append(rows[chosen])
        else:
            for person, row in zip(ids, rows, strict=False):
                people.setdefault(person, []).append(row)
    if not people:
        raise SourceUnreadable("The ROMP file has nobody in it.")
    return [_person(rows, notices) for rows in sorted(people.values(), key=len, reverse=True)]


def _rows(number: int, frame: Any) -> tuple[list[_Row], list[int] | None]:
    if not isinstance(frame, dict):  # ROMP saw nobody
        return [], None
    poses, shapes, places = (np.atleast_2d(numbers(frame[key])) for key in _PARTS)
    rows = [(number, *row) for row in zip(poses, shapes, places, strict=False)]
    ids = frame.get("track_ids")
    return rows, None if ids is None else [int(person) for person in np.ravel(ids)]


def _person(rows: list[_Row], notices: tuple[str, ...]) -> SourceMotion:
    numbers_of, poses, shapes, places = zip(*rows, strict=True)
    return SourceMotion(
        tool="ROMP",
        poses=body_pose(np.stack(poses)),
        shifts=np.stack(places),
        frames=np.array(numbers_of),
        betas=one_shape(np.stack([shape[:10] for shape in shapes])),
        axes=LEVEL_CAMERA,
        from_camera=True,
        notices=notices,
    )
