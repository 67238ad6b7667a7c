"""EasyMocap's folder of smpl/*.json, by any file of it.

Reference: EasyMocap, doc/02_output.md: each NNNNNN.json is a list of {id, Rh (1, 3), Th (1, 3), shapes (1, 10),
poses (1, 72 / 78 / 87)} (newer files: that list under "annots"); the first three numbers of `poses` are zero and the
vertices are at Rh X + Th, so the body turns about SMPL's origin, not about its pelvis. Calibrated with Z up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SourceUnreadable
from .motion import Z_UP, SourceMotion, body_pose, numbers, one_shape
from .rotations import matrices_of

_SMPLX_NUMBERS = 87  # of `poses`
_PARTS = ("Rh", "Th", "poses", "shapes")


def read_easymocap(path: Path) -> list[SourceMotion]:
    """The people of all numbered .json files in the folder of `path`, those seen longest first.

    Raises:
        SourceUnreadable: a file is damaged, or no EasyMocap result.
    """
    folder = path if path.is_dir() else path.parent
    files = sorted(file for file in folder.glob("*.json") if file.stem.isdigit()) or [path]
    people: dict[int, list[tuple[int, dict[str, Any]]]] = {}
    for place, file in enumerate(files):
        number = int(file.stem) if file.stem.isdigit() else place
        for person in _people(file):
            people.setdefault(int(person.get("id", 0)), []).append((number, person))
    if not people:
        raise SourceUnreadable(f"{folder.name} has nobody in it.")
    return [_person(seen) for seen in sorted(people.values(), key=len, reverse=True)]


def _people(file: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceUnreadable(f"{file} could not be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise SourceUnreadable(f"{file.name} is damaged, or no JSON.") from error
    people = content.get("annots") if isinstance(content, dict) else content
    if not isinstance(people, list) or not all(isinstance(held, dict) and set(_PARTS) <= set(held) for held in people):
        raise SourceUnreadable(f"{file.name} is no EasyMocap result: it lacks {', '.join(_PARTS)}.")
    return people


def _person(seen: list[tuple[int, dict[str, Any]]]) -> SourceMotion:
    rows = {part: np.stack([numbers(person[part]).reshape(-1) for _, person in seen]) for part in _PARTS}
    vectors = rows["poses"]
    if vectors.shape[1] != 72:  # 22 joints, then hands in few numbers and the face
        vectors = vectors[:, :66]
    poses = body_pose(vectors)
    poses[:, 0] = rows["Rh"]
    return SourceMotion(
        tool="EasyMocap",
        poses=poses,
        shifts=rows["Th"],
        frames=np.array([number for number, _ in seen]),
        betas=one_shape(rows["shapes"]),
        axes=Z_UP,
        model="smplx" if rows["poses"].shape[1] == _SMPLX_NUMBERS else "smpl",
        turns=matrices_of(rows["Rh"]),
    )
