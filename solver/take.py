"""The take file: one person's motion as an AMASS-compatible .npz. numpy only; Blender reads this same module.

Reference: AMASS (Mahmood et al., ICCV 2019) for `poses`, `trans`, `betas`, `gender` and `mocap_framerate`.
"""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import OutputUnwritable, TakeUnreadable

FORMAT_VERSION = (1, 0)
JOINT_COUNT = 24
LANDMARK_COUNT = 33
CONTACT_POINTS = ("left_heel", "left_toe", "right_heel", "right_toe")

Array = NDArray[Any]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in the world.

    Attributes:
        focal_px: focal length, pixels.
        center_px: principal point (x, y), pixels.
        image_size: (width, height), pixels, after the video's rotation was obeyed.
        rotation: 3x3, turns camera axes (x right, y down, z forward) into world axes (Z up).
        position: camera centre in the world, metres.
    """

    focal_px: float
    center_px: tuple[float, float]
    image_size: tuple[int, int]
    rotation: tuple[tuple[float, float, float], ...]
    position: tuple[float, float, float]

    def project(self, points: Array) -> Array:
        """World points (..., 3), metres, to pixels (..., 2)."""
        local = (np.asarray(points, np.float64) - np.asarray(self.position)) @ np.asarray(self.rotation)
        return local[..., :2] / local[..., 2:] * self.focal_px + np.asarray(self.center_px)


@dataclass(frozen=True)
class Take:
    """One person's motion over T moments of a uniform time base.

    World: Z up, floor at z = 0, metres. Angles: radians.

    Attributes:
        poses: (T, 72) axis-angle of the 24 SMPL joints relative to their parents; joint 0 in the world.
        trans: (T, 3) SMPL translation, m: the pelvis is at rest pelvis + trans.
        betas: (10,) shape coefficients of `model`.
        gender: "neutral", "female" or "male".
        model: "open" or "smpl".
        framerate: Hz of the uniform time base.
        timestamps: (T,) seconds from the clip's first frame.
        keypoints3d: (T, 24, 3) the solved keypoints, world, m.
        confidence: (T, 24) 0..1.
        contacts: (T, 4) probability that left heel, left toe, right heel, right toe is planted.
        landmarks2d: (T, 33, 3) px, px, visibility 0..1.
        camera: where the video was filmed from; at the first moment, when it turned.
        camera_turns: (T, 3) rotation vectors that turn the camera's axes at each moment into those at the first; None
            for a camera that stood still.
        meta: clip name and sha256, in point (s), versions, device, settings, warnings, where the focal length came from
            and how far it may be off (`focal_source`, `focal_sigma`, relative): JSON values only.
    """

    poses: Array
    trans: Array
    betas: Array
    gender: str
    model: str
    framerate: float
    timestamps: Array
    keypoints3d: Array
    confidence: Array
    contacts: Array
    landmarks2d: Array
    camera: Camera
    meta: dict[str, Any] = field(default_factory=dict[str, Any])
    camera_turns: Array | None = None

    def __len__(self) -> int:
        return len(self.poses)

    def camera_at(self, moment: int) -> Camera:
        """The camera at one of the take's moments."""
        if self.camera_turns is None:
            return self.camera
        rows = np.asarray(self.camera.rotation) @ _rotation_matrix(self.camera_turns[moment])
        rotation = tuple((float(row[0]), float(row[1]), float(row[2])) for row in rows)
        return replace(self.camera, rotation=rotation)

    @property
    def entrance_s(self) -> float:
        """Seconds from the start of what was solved of the clip to the take's first moment: when the person enters."""
        in_point = self.meta.get("in_point_s")
        if not isinstance(in_point, int | float) or not math.isfinite(in_point):
            return 0.0  # an AMASS file, say, begins with its person
        return max(0.0, float(self.timestamps[0]) - in_point)


def _rotation_matrix(vector: Array) -> Array:
    """(3, 3) the rotation of a rotation vector (3,), radians (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    x, y, z = np.asarray(vector, np.float64) / max(angle, 1e-12)
    cross = np.array(((0.0, -z, y), (z, 0.0, -x), (-y, x, 0.0)))
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)


def write_take(take: Take, path: Path) -> Path:
    """Write `take` beside `path` and rename it into place, so that no half-written take is ever seen.

    Raises:
        OutputUnwritable: the folder is missing, read-only or full.
    """
    turns: dict[str, Any] = {}
    if take.camera_turns is not None:
        turns["camera_turns"] = take.camera_turns.astype(np.float32)
    meta = {**take.meta, "format": f"{FORMAT_VERSION[0]}.{FORMAT_VERSION[1]}"}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "wb") as stream:
                np.savez_compressed(
                    stream,
                    poses=take.poses.astype(np.float32),
                    trans=take.trans.astype(np.float32),
                    betas=take.betas.astype(np.float32),
                    gender=np.array(take.gender),
                    model=np.array(take.model),
                    mocap_framerate=np.float64(take.framerate),
                    mocap_frame_rate=np.float64(take.framerate),
                    timestamps=take.timestamps.astype(np.float64),
                    keypoints3d=take.keypoints3d.astype(np.float32),
                    confidence=take.confidence.astype(np.float32),
                    contacts=take.contacts.astype(np.float32),
                    landmarks2d=take.landmarks2d.astype(np.float32),
                    camera=np.array(json.dumps(asdict(take.camera))),
                    meta=np.array(json.dumps(meta)),
                    **turns,
                )
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            with suppress(OSError):  # what cannot be written cannot be cleaned up either
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputUnwritable(f"The take could not be written to {path}: {error.strerror or error}.") from error
    return path


def read_take(path: Path) -> Take:
    """Read a take written by `write_take`.

    Raises:
        TakeUnreadable: not a take, damaged, of the wrong shapes, or of a newer major format.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except OSError as error:
        raise TakeUnreadable(f"The take {path} could not be read: {error.strerror or error}.") from error
    except Exception as error:  # readers of zip files and arrays raise almost anything of damaged bytes
        raise TakeUnreadable(f"{Path(path).name} is not a take file, or it is damaged.") from error
    try:
        meta = json.loads(str(arrays["meta"]))
        _require_known_format(str(meta["format"]), path)
        take = Take(
            poses=arrays["poses"],
            trans=arrays["trans"],
            betas=arrays["betas"],
            gender=str(arrays["gender"]),
            model=str(arrays["model"]),
            framerate=float(arrays["mocap_framerate"]),
            timestamps=arrays["timestamps"],
            keypoints3d=arrays["keypoints3d"],
            confidence=arrays["confidence"],
            contacts=arrays["contacts"],
            landmarks2d=arrays["landmarks2d"],
            camera=_camera_from_json(str(arrays["camera"])),
            meta=meta,
            camera_turns=arrays.get("camera_turns"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TakeUnreadable(f"{Path(path).name} lacks a part of a take: {error}.") from error
    _require_shapes(take, path)
    return take


def _camera_from_json(text: str) -> Camera:
    stored = json.loads(text)
    rotation = np.asarray(stored["rotation"], np.float64).reshape(3, 3)
    return Camera(
        focal_px=float(stored["focal_px"]),
        center_px=(float(stored["center_px"][0]), float(stored["center_px"][1])),
        image_size=(int(stored["image_size"][0]), int(stored["image_size"][1])),
        rotation=tuple((float(row[0]), float(row[1]), float(row[2])) for row in rotation),
        position=(float(stored["position"][0]), float(stored["position"][1]), float(stored["position"][2])),
    )


def _require_known_format(version: str, path: Path) -> None:
    if int(version.split(".")[0]) != FORMAT_VERSION[0]:
        raise TakeUnreadable(
            f"{Path(path).name} has take format {version}; this version of IKOL reads {FORMAT_VERSION[0]}.x.",
            hint="Update the extension, or solve the video again with this version.",
        )


def _require_shapes(take: Take, path: Path) -> None:
    count = len(take.poses)
    expected = {
        "poses": (take.poses, (count, 3 * JOINT_COUNT)),
        "trans": (take.trans, (count, 3)),
        "betas": (take.betas, (10,)),
        "timestamps": (take.timestamps, (count,)),
        "keypoints3d": (take.keypoints3d, (count, JOINT_COUNT, 3)),
        "confidence": (take.confidence, (count, JOINT_COUNT)),
        "contacts": (take.contacts, (count, len(CONTACT_POINTS))),
        "landmarks2d": (take.landmarks2d, (count, LANDMARK_COUNT, 3)),
    }
    if take.camera_turns is not None:
        expected["camera_turns"] = (take.camera_turns, (count, 3))
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise TakeUnreadable(f"{Path(path).name}: {name} has shape {array.shape}, expected {shape}.")
    motion = (take.poses, take.trans, take.betas, take.timestamps)
    if count == 0 or take.framerate <= 0 or not all(np.isfinite(array).all() for array in motion):
        raise TakeUnreadable(f"{Path(path).name} is empty or holds values that are not numbers.")
