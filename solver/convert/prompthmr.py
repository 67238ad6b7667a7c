"""PromptHMR's results.pkl.

Reference: PromptHMR (Wang et al., CVPR 2025); its pipeline (create_world4d): joblib of {people: {id: {frames (T),
track_id, smplx_world: {pose (T, 165), shape (T, 10), trans (T, 3)}}}, camera_world}; SMPL-X's parameters, Y up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import SourceUnreadable
from .motion import Y_UP, SourceMotion, body_pose, numbers, one_shape


def is_prompthmr(content: Any) -> bool:
    """Whether what a pickle holds is of PromptHMR."""
    return isinstance(content, dict) and isinstance(content.get("people"), dict)


def read_prompthmr(content: dict[str, Any]) -> list[SourceMotion]:
    """The people, in the file's order.

    Raises:
        SourceUnreadable: nobody is in the world.
    """
    people = [person for person in content["people"].values() if isinstance(person, dict) and "smplx_world" in person]
    if not people:
        raise SourceUnreadable(
            "The PromptHMR file has nobody in the world.", hint="Run its pipeline to the end, camera included."
        )
    return [_person(person) for person in people]


def _person(person: dict[str, Any]) -> SourceMotion:
    world = person["smplx_world"]
    return SourceMotion(
        tool="PromptHMR",
        poses=body_pose(world["pose"]),
        shifts=numbers(world["trans"]),
        frames=numbers(person["frames"]).astype(np.int64),
        betas=one_shape(world["shape"]),
        axes=Y_UP,
        model="smplx",
    )
