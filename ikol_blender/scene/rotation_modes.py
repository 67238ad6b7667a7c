"""Rotations of the active armature's bones in another mode, without flips, as a new action."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.euler import ORDERS, gimbal_margin, safest_order
from ..cleanup.gaps import spans
from ..cleanup.hermite import GIVEN, UNKNOWN, Pull, fit
from ..cleanup.keys import BEZIER, EXTREME, Keys, plain_keys
from ..cleanup.quaternions import angle_between
from .channels import bone_values, rotation_path, rotation_width
from .compat import copy_action, curves_of
from .cycles import cycles_of, repeat
from .key_reduction import bezier_keys, turn_of
from .keys import read_keys
from .samples import Sampled, active_armature, sample
from .unkeyed import keeps_unkeyed
from .writing import edited_name, replace_keys

Array = NDArray[np.float64]

QUATERNION, SAFEST = "QUATERNION", "SAFEST"
MODES = (QUATERNION, SAFEST, *ORDERS)
_NEAR = 1e-2
# Keys this much fewer than samples are an animator's, which stay where they are.
_SPARSE = 0.5
# Between them the rotation may be this far from what it was.
_TOLERANCE = np.radians(0.5)


@dataclass(frozen=True)
class Converted:
    """Attributes:
    action: the new action, active on the armature; the one before it is kept.
    modes: how many bones have which mode now.
    margin: rad that the nearest one stays away from gimbal lock; 90 degrees when none is in Euler angles.
    """

    action: bpy.types.Action
    modes: dict[str, int]
    margin: float


@keeps_unkeyed
def convert_rotations(context: bpy.types.Context, *, mode: str = SAFEST) -> Converted:
    """Give the chosen bones another rotation mode, their curves converted: the same poses, no flips.

    The mode belongs to the bones, so the action before plays rightly only after Undo or with their old mode.

    Args:
        mode: QUATERNION; an Euler order; or SAFEST, for each bone the order that stays farthest from gimbal lock.

    Raises:
        BadInput: there is no armature, or no motion.
    """
    armature = active_armature(context)
    sampled = sample(context, armature)
    action = copy_action(armature, edited_name(armature, "quaternions" if mode == QUATERNION else "Euler"))
    modes: Counter[str] = Counter()
    margin = np.pi / 2
    for index in np.flatnonzero(sampled.chosen):
        bone = armature.pose.bones[sampled.motion.skeleton.names[index]]
        rotations = sampled.motion.rotations[:, index]
        wanted = safest_order(rotations) if mode == SAFEST else mode
        knots = _key_samples(sampled, bone)
        cycles = None
        for part in range(rotation_width(bone)):
            curve = curves_of(armature).fcurves.find(rotation_path(bone), index=part)
            if curve is not None:
                cycles = cycles or cycles_of(curve)
                curves_of(armature).fcurves.remove(curve)
        bone.rotation_mode = wanted
        modes[wanted] += 1
        if wanted != QUATERNION:
            margin = min(margin, gimbal_margin(rotations, wanted))
        if sampled.turned[index]:
            keys = _keys(sampled, rotations, bone, knots)
            replace_keys(armature, bone, rotation_path(bone), sampled.frames, keys)
            for part in range(rotation_width(bone)):
                repeat(curves_of(armature).fcurves.find(rotation_path(bone), index=part), cycles)
    return Converted(action, dict(modes), float(margin))


def _key_samples(sampled: Sampled, bone: bpy.types.PoseBone) -> dict[int, int]:
    """At which samples the bone's rotation has Bezier keys, and of which type; empty when that is nearly everywhere."""
    found: dict[int, int] = {}
    spacing = sampled.frames[1] - sampled.frames[0] if len(sampled.frames) > 1 else 1.0
    for part in range(rotation_width(bone)):
        curve = curves_of(sampled.armature).fcurves.find(rotation_path(bone), index=part)
        if curve is None:
            continue
        keys = read_keys(curve)
        places = (keys.co[:, 0] - sampled.frames[0]) / spacing
        if (keys.interpolation != BEZIER).any() or np.abs(places - places.round()).max(initial=0.0) > _NEAR:
            return {}
        found |= {int(place): int(kind) for place, kind in zip(places.round(), keys.type, strict=True)}
    return found if len(found) < _SPARSE * len(sampled.frames) else {}


def _keys(sampled: Sampled, rotations: Array, bone: bpy.types.PoseBone, types: dict[int, int]) -> list[Keys]:
    """Keys of each channel of the bone's rotation: on the samples of `types`, with as many more as it takes to keep the
    rotations (T, 4); on all samples where `types` is empty."""
    values = bone_values(bone, rotations)
    if not types or len(values) < 3:
        return [plain_keys(sampled.frames, channel) for channel in values.T]
    kept = np.zeros(len(values), bool)
    kept[[place for place, kind in types.items() if kind == EXTREME]] = True
    turn = turn_of(bone.rotation_mode)
    knots = np.array(sorted({0, len(values) - 1, *types}), np.int64)
    while True:
        at_knots = values[knots]
        slopes = np.gradient(at_knots, knots.astype(np.float64), axis=0)
        pull = Pull(at_knots, slopes, np.full(len(knots), GIVEN), np.full(len(knots), UNKNOWN))
        curve = fit(values, knots, pull)
        off = angle_between(turn(curve.sampled()), rotations) > _TOLERANCE
        off[knots] = False
        if not off.any():
            return bezier_keys(curve, sampled.frames, kept)
        knots = np.union1d(knots, [(start + end - 1) // 2 for start, end in spans(off)])
