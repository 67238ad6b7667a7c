"""What the picture and anatomy say of a clip: every term of the fit but the ground's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..body_file import JOINT_NAMES
from ..detect.person_landmarks import LANDMARK_NAMES
from ..ikol.chain import Chain
from ..ikol.kinematics import LEAF_INPUT_ORDER
from ..ikol.terms import AngularAcceleration, Rotations, Term, Twists
from ..lift import Keypoints
from ..stretches import stretches
from .camera import Intrinsics
from .clip_terms import BodyPoints, Hinges, PosePrior, RelativePoints, Reprojection, ViewAcceleration
from .smoothing import low_pass

Array = NDArray[Any]

_INDEPENDENT_SECONDS = 0.1  # the detector's errors are the same for this long: faster video does not know more
_IMAGE_SIGMA = 0.012  # of the person's height in the picture
_RELATIVE_WEIGHT = 0.6
# In motion capture a joint's acceleration grows as its speed does, from 0.1 to 4 m/s.
_ACCELERATION = 40.0  # m/s^2 for each m/s, over _INDEPENDENT_SECONDS
_SLOWEST, _FASTEST = 0.3, 4.0  # m/s: the speed of somebody who stands is the detector's noise
# The detector's depth wanders more than its picture does, and the more the faster somebody moves.
_DEPTH_ACCELERATION = 18.0  # m/s^2 for each m/s
_FASTEST_IN_DEPTH = 1.0  # m/s
_ANGULAR_ACCELERATION = 600.0  # rad/s^2
_CALM_HZ, _CALM_SECONDS = 2.0, 0.15  # Hz, s
_JOINTS = 6  # whose speeds are worked out at once
_TWIST_WEIGHT, _LEAF_WEIGHT = 0.3, 0.3
# Corners of eyes and mouth say what nose, eyes and ears say.
_USED = [i for i, n in enumerate(LANDMARK_NAMES) if not n.endswith(("_inner", "_outer")) and not n.startswith("mouth")]
# Standard deviations about the rest pose, rad, by joint and axis; what a limb does freely has a wide one.
_FREE = 9.0
_SPREAD = {
    "spine1": (0.35, 0.35, 0.3),
    "spine2": (0.35, 0.35, 0.3),
    "spine3": (0.35, 0.35, 0.3),
    "neck": (0.4, 0.4, 0.4),
    "head": (0.5, 0.5, 0.5),
    "collar": (0.25, 0.25, 0.25),
    "shoulder": (1.5, 1.5, 1.5),
    "elbow": (0.8, _FREE, 0.25),
    "wrist": (0.4, 0.4, 0.4),
    "hand": (0.1, 0.1, 0.1),
    "hip": (1.5, 0.8, 1.0),
    "knee": (_FREE, 0.12, 0.12),
    "ankle": (0.5, 0.35, 0.35),
    "foot": (0.3, 0.1, 0.1),
}
# Joint, axis and sense in which knees and elbows bend.
_HINGES = {"left_knee": (0, 1.0), "right_knee": (0, 1.0), "left_elbow": (1, -1.0), "right_elbow": (1, 1.0)}


def frame_worth(rate_hz: float) -> float:
    """What one frame's evidence counts: the detector's errors last longer than a frame of fast video."""
    return min(1.0, 1 / (rate_hz * _INDEPENDENT_SECONDS))


def clip_evidence(
    keypoints: Keypoints,
    landmarks2d: Array,
    points: BodyPoints,
    seen: BodyPoints,
    camera: Intrinsics,
    rate_hz: float,
    outlier: float,
) -> list[Term]:
    """Every term but the ground's and the smoothness.

    Args:
        landmarks2d: (T, 33, 3) px, px, visibility.
        points: the 33 landmarks on the body, as the network tells them in 3D.
        seen: the same where the detector marks them in the picture.
        outlier: error in the picture, in standard deviations, beyond which a landmark is hardly believed.
    """
    worth = frame_worth(rate_hz)
    visibility = _tensor(landmarks2d[:, _USED, 2])
    rays = _tensor(camera.rays(landmarks2d[:, _USED, :2]))
    rows = landmarks2d[..., 1]
    stature = float(np.median(rows.max(axis=1) - rows.min(axis=1))) / camera.focal_px
    joints = list(range(1, 24))
    spread = [_SPREAD[JOINT_NAMES[joint].removeprefix("left_").removeprefix("right_")] for joint in joints]
    hinges = [(JOINT_NAMES.index(name), axis, sign) for name, (axis, sign) in _HINGES.items()]
    confidence = _tensor(keypoints.confidence)
    faster = (rate_hz * _INDEPENDENT_SECONDS) ** 0.5
    return [
        Reprojection(seen.pick(_USED), rays, worth * visibility, _IMAGE_SIGMA * stature, outlier),
        RelativePoints(
            points.pick(_USED), _tensor(keypoints.landmarks[:, _USED]), worth * _RELATIVE_WEIGHT * visibility
        ),
        Twists(_tensor(keypoints.twist), worth * _TWIST_WEIGHT * confidence[:, 1:]),
        Rotations(
            LEAF_INPUT_ORDER,
            _tensor(keypoints.leaf_rotations),
            worth * _LEAF_WEIGHT * confidence[:, list(LEAF_INPUT_ORDER)],
        ),
        PosePrior(joints, torch.eye(3, dtype=torch.float32).expand(23, 3, 3), _tensor(np.array(spread)), worth),
        Hinges([h[0] for h in hinges], [h[1] for h in hinges], [h[2] for h in hinges], worth),
        AngularAcceleration(_ANGULAR_ACCELERATION * faster),
    ]


def smooth_as_it_moves(chain: Chain) -> ViewAcceleration:
    """Joints accelerate as much as their speed about each moment lets expect: who hardly moves does not shake."""
    rate_hz = chain.frame_rate
    joints = torch.cat([chain.window(stretch.kept).joints for stretch in stretches(len(chain.pelvis))])
    # A few at a time: what is worked out on the way, in double precision, is many times their size.
    speed = np.concatenate([_calm_speed(place.double().numpy(), rate_hz) for place in joints.split(_JOINTS, 1)], axis=1)
    faster = (rate_hz * _INDEPENDENT_SECONDS) ** 0.5
    sigma = _ACCELERATION * faster * np.clip(speed, _SLOWEST, _FASTEST)
    sigma_depth = _DEPTH_ACCELERATION * faster * np.clip(speed, _SLOWEST, _FASTEST_IN_DEPTH)
    return ViewAcceleration(_tensor(sigma), _tensor(sigma_depth))


def _calm_speed(places: Array, rate_hz: float) -> Array:
    """(T, n) m/s of joints at `places` (T, n, 3), m, as it is over some moments."""
    velocity = np.gradient(low_pass(places, rate_hz, _CALM_HZ), 1 / rate_hz, axis=0)
    return gaussian_filter1d(np.linalg.norm(velocity, axis=-1), _CALM_SECONDS * rate_hz, axis=0)


def _tensor(values: Array) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(values), dtype=torch.float32)
