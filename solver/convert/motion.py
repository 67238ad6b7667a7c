"""What a tool's file says of one person, in SMPL's parameters and the tool's own frame of reference. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceUnreadable
from .rotations import axis_angles_of

Array = NDArray[Any]

# Columns are the source's axes in the take's world (Z up, facing -Y).
Z_UP: Array = np.eye(3)
Y_UP: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
# x right, y down, z forward of a camera that was held level.
LEVEL_CAMERA: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])

_LONGEST = 1_000_000  # frames: nine hours at 30 Hz
# Missing frames are filled in, each some kB of numbers on the way: two frames must not make a million.
_LONGEST_GAPS, _GAPS_FOR_EACH = 10_000, 100
BODY_JOINTS = 22  # that SMPL, SMPL-H and SMPL-X share


@dataclass(frozen=True)
class SourceMotion:
    """One person over T moments of a clip; moments may be missing between the first and the last.

    Attributes:
        tool: who wrote it: "WHAM".
        poses: (T, 24, 3) axis-angle of SMPL's joints, radians, relative to their parents; joint 0 in its own frame.
        shifts: (T, 3) m, in the source's frame.
        frames: (T,) number of each moment, ascending, from the start of the clip.
        betas: (10,) of the body `model`; zeros when not known.
        axes: (3, 3) the source's axes in the take's world, one per column.
        model: "open", "smpl" (SMPL-H shares its shapes) or "smplx": the body that `betas` are of.
        gender: "neutral", "female" or "male".
        rate_hz: moments per second; None when the file does not say.
        turns: (T, 3, 3) or None: the pelvis is at turns J_0 + shifts, J_0 the rest pelvis; None is the identity, as in
            SMPL itself.
        keeps_place: its world is the take's world: Z up, floor at 0.
        from_camera: it was seen by a level camera at the origin, so its heading means something.
        notices: what the user should know.
    """

    tool: str
    poses: Array
    shifts: Array
    frames: Array
    betas: Array
    axes: Array
    model: str = "smpl"
    gender: str = "neutral"
    rate_hz: float | None = None
    turns: Array | None = None
    keeps_place: bool = False
    from_camera: bool = False
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.poses)
        shapes = {"poses": (self.poses, (count, 24, 3)), "translations": (self.shifts, (count, 3))}
        shapes |= {"frame numbers": (self.frames, (count,)), "betas": (self.betas, (10,))}
        for name, (array, shape) in shapes.items():
            if array.shape != shape:
                raise SourceUnreadable(f"The {self.tool} file's {name} have shape {array.shape}, expected {shape}.")
            if not np.isfinite(array).all():
                raise SourceUnreadable(f"The {self.tool} file's {name} hold values that are not numbers.")
        if count == 0 or (np.diff(self.frames) <= 0).any():
            raise SourceUnreadable(f"The {self.tool} file holds no moments, or not in their order.")
        if self.frames[-1] - self.frames[0] > _LONGEST:
            raise SourceUnreadable(f"The {self.tool} file's frame numbers are {_LONGEST:,} and more apart.")
        missing = int(self.frames[-1] - self.frames[0]) + 1 - count
        if missing > max(_LONGEST_GAPS, _GAPS_FOR_EACH * count):
            raise SourceUnreadable(f"The {self.tool} file has {count} frames and lacks {missing:,} between them.")
        if self.rate_hz is not None and not 0 < self.rate_hz < 1e5:
            raise SourceUnreadable(f"The {self.tool} file's frame rate is {self.rate_hz}.")


def body_pose(vectors: Any) -> Array:
    """(T, 24, 3) of axis-angles (T, 66 or more), (T, 22 or more, 3); hands beyond the 22 shared joints rest.

    SMPL's own 24 joints are kept whole; joints 22 and 23 of SMPL-H and SMPL-X are the jaw or fingers.

    Raises:
        SourceUnreadable: too few joints.
    """
    array = numbers(vectors)
    flat = array.reshape(len(array), -1)
    count = flat.shape[1] // 3
    if count < BODY_JOINTS or flat.shape[1] % 3:
        raise SourceUnreadable(f"The poses have {flat.shape[1]} numbers a moment; a body has at least 66.")
    found = np.zeros((len(flat), 24, 3))
    kept = 24 if count == 24 else BODY_JOINTS
    found[:, :kept] = flat[:, : 3 * kept].reshape(-1, kept, 3)
    return found


def pose_of_matrices(matrices: Any) -> Array:
    """(T, 24, 3) axis-angle of rotation matrices (T, 22 or more, 3, 3)."""
    array = numbers(matrices)
    if array.ndim != 4 or array.shape[-2:] != (3, 3):
        raise SourceUnreadable(f"The rotations have shape {array.shape}; matrices were expected.")
    return body_pose(axis_angles_of(array))


def one_shape(betas: Any) -> Array:
    """(10,) the mean over time of betas (10 or more,) or (T, 10 or more); fewer than 10 are filled with zeros."""
    array = np.atleast_2d(numbers(betas)).mean(axis=0)[:10]
    return np.pad(array, (0, 10 - len(array)))


def numbers(value: Any) -> Array:
    """`value` as float64.

    Raises:
        SourceUnreadable: it holds something else, or nothing.
    """
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise SourceUnreadable("The file holds text or lists of unequal length where numbers belong.") from error
    if array.size == 0:
        raise SourceUnreadable("The file holds no moments.")
    return array
