"""WHAM's wham_output.pkl.

Reference: WHAM (Shin et al., CVPR 2024); its demo.py, "Store results": joblib of {person: {pose_world (T, 72),
trans_world (T, 3), pose, trans, betas (T, 10), verts, frame_ids (T)}}, made with return_y_up=True: Y up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .motion import Y_UP, SourceMotion, body_pose, numbers, one_shape


def is_wham(content: Any) -> bool:
    """Whether what a pickle holds is of WHAM."""
    return isinstance(content, dict) and any(
        isinstance(held, dict) and "pose_world" in held for held in content.values()
    )


def read_wham(content: dict[Any, Any]) -> list[SourceMotion]:
    """The people, in the file's order."""
    return [_person(person) for person in content.values() if isinstance(person, dict) and "pose_world" in person]


def _person(person: dict[str, Any]) -> SourceMotion:
    return SourceMotion(
        tool="WHAM",
        poses=body_pose(person["pose_world"]),
        shifts=numbers(person["trans_world"]),
        frames=numbers(person["frame_ids"]).astype(np.int64),
        betas=one_shape(person["betas"]),
        axes=Y_UP,
    )
