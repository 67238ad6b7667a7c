"""4D-Humans' (PHALP's) demo_*.pkl.

Reference: 4D-Humans (Goel et al., ICCV 2023) and PHALP (Rajasegaran et al., CVPR 2022): PHALP.track() saves, by joblib
with compression 3, {frame path: {tid [person], tracked_time [frames since seen], size [(height, width)], camera
[(3,)], smpl [{global_orient (1, 3, 3), body_pose (23, 3, 3), betas (10,)}]}}: one entry of each list per person. Camera
axes. `camera` is a translation for a lens of 5000 px on the 256 px crop, so its depth is far too large:
Focal lengths f and f' show the same size when z / f = z' / f'; the depth is brought to a lens as long as the picture's
longer side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceUnreadable
from .motion import LEVEL_CAMERA, SourceMotion, numbers, one_shape, pose_of_matrices

_NEARER = 256 / 5000


def is_humans4d(content: Any) -> bool:
    """Whether what a pickle holds is of 4D-Humans."""
    if not isinstance(content, dict):
        return False
    first = next(iter(content.values()), None)
    return isinstance(first, dict) and {"tid", "smpl", "camera"} <= set(first)


def read_humans4d(content: dict[Any, Any]) -> list[SourceMotion]:
    """The people, those seen longest first; frames where a person was only guessed at are left out.

    Raises:
        SourceUnreadable: nobody is in it.
    """
    people: dict[int, list[tuple[int, Any, Any]]] = {}
    for number, name in enumerate(sorted(content, key=str)):
        frame = content[name]
        times = frame.get("tracked_time", [0] * len(frame["tid"]))
        for person, since, smpl, camera in zip(frame["tid"], times, frame["smpl"], frame["camera"], strict=False):
            if since == 0:
                people.setdefault(int(person), []).append((number, smpl, camera))
    if not people:
        raise SourceUnreadable("The 4D-Humans file has nobody in it.")
    return [_person(seen) for seen in sorted(people.values(), key=len, reverse=True)]


def _person(seen: list[tuple[int, Any, Any]]) -> SourceMotion:
    matrices = [np.concatenate([_turns(smpl["global_orient"]), _turns(smpl["body_pose"])]) for _, smpl, _ in seen]
    betas = [numbers(smpl["betas"]).reshape(-1) for _, smpl, _ in seen]
    shifts = np.stack([numbers(camera).reshape(-1)[:3] for _, _, camera in seen]) * (1.0, 1.0, _NEARER)
    return SourceMotion(
        tool="4D-Humans",
        poses=pose_of_matrices(np.stack(matrices)),
        shifts=shifts,
        frames=np.array([number for number, _, _ in seen]),
        betas=one_shape(np.stack(betas)),
        axes=LEVEL_CAMERA,
        from_camera=True,
        notices=("4D-Humans knows no world: the camera was taken to be level and at rest, its lens to be common.",),
    )


def _turns(value: Any) -> NDArray[np.float64]:
    return numbers(value).reshape(-1, 3, 3)
