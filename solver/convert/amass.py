"""AMASS .npz: SMPL, SMPL-H and SMPL-X bodies. numpy only; Blender reads these without the solver's Python.

Reference: AMASS (Mahmood et al., ICCV 2019) and its file description: `poses` (T, 156 SMPL-H, 165 SMPL-X) axis-angle,
or `root_orient` and `pose_body`; `trans` (T, 3) m; `betas` (16); `gender`; `mocap_framerate`, in the SMPL-X release
`mocap_frame_rate`. Z up, the floor at 0. A take of ours is such a file, with `model` beside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SourceUnreadable
from .motion import Z_UP, SourceMotion, body_pose, numbers, one_shape

_RATES = ("mocap_framerate", "mocap_frame_rate", "fps")


def read_amass(path: Path) -> list[SourceMotion]:
    """The person in an AMASS file.

    Raises:
        SourceUnreadable: missing, damaged, or without poses and translations.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            # Marker labels are pickled objects: they are left where they are.
            wanted = [name for name in (*_KEYS, *_RATES) if name in stored.files]
            if sum(stored.zip.getinfo(f"{name}.npy").file_size for name in wanted) > _LARGEST_BYTES:
                raise SourceUnreadable(f"{path.name} unpacks to more than 2 GB, which no motion takes.")
            arrays = {name: stored[name] for name in wanted}
    except SourceUnreadable:
        raise
    except OSError as error:
        raise SourceUnreadable(f"{path} could not be read: {error.strerror or error}.") from error
    except Exception as error:  # readers of zip files and arrays raise almost anything of damaged bytes
        raise SourceUnreadable(f"{path.name} is no AMASS file, or it is damaged.") from error
    try:
        return [motion_of(arrays, path.name)]
    except (TypeError, ValueError) as error:
        raise SourceUnreadable(f"{path.name} is not as AMASS has it: {error}.") from error


_KEYS = ("poses", "root_orient", "pose_body", "trans", "betas", "gender", "model", "surface_model_type")
# Of the release for SMPL-X: 55 joints.
_SMPLX_NUMBERS = 165
# An hour at 120 Hz takes 0.6 GB; a file that unpacks to more than this is made to fill the memory.
_LARGEST_BYTES = 2 * 2**30


def is_amass(names: set[str]) -> bool:
    """Whether a .npz with arrays of these names is an AMASS file."""
    return "trans" in names and ("poses" in names or {"root_orient", "pose_body"} <= names)


def motion_of(arrays: dict[str, Any], file_name: str) -> SourceMotion:
    """The motion in the arrays of an AMASS file."""
    if not is_amass(set(arrays)):
        raise SourceUnreadable(f"{file_name} is no AMASS file: it has no poses, or no trans.")
    if "poses" in arrays:
        poses = body_pose(arrays["poses"])
    else:
        roots, bodies = numbers(arrays["root_orient"]), numbers(arrays["pose_body"])
        poses = body_pose(np.concatenate([roots.reshape(-1, 3), bodies.reshape(len(roots), -1)], axis=1))
    rates = [float(numbers(arrays[name])) for name in _RATES if name in arrays]
    gender = arrays.get("gender", "neutral")
    return SourceMotion(
        tool="AMASS",
        poses=poses,
        shifts=numbers(arrays["trans"]),
        frames=np.arange(len(poses)),
        betas=one_shape(arrays["betas"]) if "betas" in arrays else np.zeros(10),
        axes=Z_UP,
        model=_model(arrays),
        gender=_gender(gender),
        rate_hz=rates[0] if rates else None,
        keeps_place=True,
    )


def _model(arrays: dict[str, Any]) -> str:
    if str(arrays.get("model", "")) == "open":
        return "open"
    told = "smplx" in str(arrays.get("surface_model_type", "")).lower()
    return "smplx" if told or np.shape(arrays.get("poses", 0.0))[1:] == (_SMPLX_NUMBERS,) else "smpl"


def _gender(stored: Any) -> str:
    """AMASS has genders as text, as bytes, and as the text of bytes."""
    text = str(stored.item() if isinstance(stored, np.ndarray) and stored.ndim == 0 else stored).lower()
    return next((gender for gender in ("female", "male") if gender in text), "neutral")
