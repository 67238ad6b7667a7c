"""Key reduction of the active armature's motion: Bezier keys in a new action."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup import euler
from ..cleanup.extremes import location_extremes, rotation_extremes
from ..cleanup.gaps import spans
from ..cleanup.hermite import Curve
from ..cleanup.key_reduction import reduce_keys
from ..cleanup.key_tracks import Tolerance, Track
from ..cleanup.keys import ALIGNED, BEZIER, EXTREME, ORDINARY, Keys
from ..cleanup.quaternions import exp, normalized
from ..contract import BadInput
from .channels import bone_values, location_path, rotation_path
from .compat import copy_action, curves_of
from .feet import contacts_of
from .legs import legs_of
from .places import refuse_misplaced
from .samples import Sampled, active_armature, sample
from .unkeyed import keeps_unkeyed
from .writing import edited_name, replace_keys

Array = NDArray[np.float64]

_STILL = 1e-6
_BESIDE_S = 0.05
_ROUNDING = 0.999  # keys are kept in single precision


@dataclass(frozen=True)
class Reduction:
    """Attributes:
    action: the new action, active on the armature; the one before it is kept.
    before: keys of the edited curves within the frame range.
    after: keys that stand for them now.
    """

    action: bpy.types.Action
    before: int
    after: int


@keeps_unkeyed
def reduce_action(context: bpy.types.Context, *, tolerance_deg: float = 1.0, tolerance_mm: float = 5.0) -> Reduction:
    """The fewest keys of the chosen bones that keep each bone's rotation and each joint's place in the world.

    Raises:
        BadInput: there is no armature, or no motion to edit; or something beside the keys places the bones.
    """
    armature = active_armature(context)
    sampled = sample(context, armature)
    part = sampled.motion.part(sampled.first, sampled.last)
    tracks, paths = _tracks(sampled)
    refuse_misplaced(context, sampled, (track.bone for track in tracks))
    tolerance = Tolerance(_ROUNDING * np.radians(tolerance_deg), _ROUNDING * tolerance_mm / 1000)
    curves = reduce_keys(part, tracks, tolerance)
    name = edited_name(armature, "reduced")
    frames = sampled.frames[sampled.ranged]
    before = _keys_between(armature, set(paths), frames[0], frames[-1])
    action = copy_action(armature, name)
    for track, path, curve in zip(tracks, paths, curves, strict=True):
        bone = armature.pose.bones[part.skeleton.names[track.bone]]
        replace_keys(armature, bone, path, frames, bezier_keys(curve, frames, track.kept))
    return Reduction(action, before, _keys_between(armature, set(paths), frames[0], frames[-1]))


def _tracks(sampled: Sampled) -> tuple[list[Track], list[str]]:
    """The tracks of the chosen bones within the range, and the data path of each."""
    tracks: list[Track] = []
    paths: list[str] = []
    scale = sampled.motion.skeleton.scale
    contacts = _contact_moments(sampled)
    for index, name in enumerate(sampled.motion.skeleton.names):
        bone = sampled.armature.pose.bones[name]
        if sampled.chosen[index] and sampled.turned[index]:
            rotations = sampled.motion.rotations[sampled.ranged, index]
            kept = _kept(rotation_extremes(rotations), contacts.get(index), sampled)
            tracks.append(Track(index, bone_values(bone, rotations), turn_of(bone.rotation_mode), kept))
            paths.append(rotation_path(bone))
        if sampled.chosen[index] and sampled.moved[index]:
            locations = sampled.motion.locations[sampled.ranged, index]
            kept = _kept(location_extremes(locations, scale), None, sampled)
            tracks.append(Track(index, locations, None, kept))
            paths.append(location_path(bone))
    return tracks, paths


def _kept(extremes: NDArray[np.int64], contacts: NDArray[np.bool_] | None, sampled: Sampled) -> NDArray[np.bool_]:
    """(T,) moments of the range that stay keys: contacts, and extremes that are not beside one."""
    count = sampled.last - sampled.first + 1
    kept = np.zeros(count, bool) if contacts is None else contacts[sampled.ranged].copy()
    reach = round(_BESIDE_S * sampled.motion.rate_hz)
    beside = np.convolve(np.pad(kept, reach), np.ones(2 * reach + 1), "valid") > 0.5
    kept[[moment for moment in extremes if not beside[moment]]] = True
    return kept


def _contact_moments(sampled: Sampled) -> dict[int, NDArray[np.bool_]]:
    """For each bone of the legs, (T,) the moments at which its foot lands and leaves."""
    try:
        legs = legs_of(sampled)
    except BadInput:
        return {}
    found: dict[int, NDArray[np.bool_]] = {}
    for leg, contact in zip(legs, contacts_of(sampled, legs)[0], strict=True):
        moments = np.zeros(len(sampled.frames), bool)
        for start, end in spans(contact.any):
            moments[[start, end - 1]] = True
        found |= dict.fromkeys((leg.hip, leg.knee, leg.ankle), moments)
    return found


def turn_of(mode: str):
    """From the values of a rotation mode's curves, (T, C), to quaternions, (T, 4)."""
    if mode == "QUATERNION":
        return normalized
    if mode == "AXIS_ANGLE":
        return lambda values: exp(values[:, :1] * normalized(values[:, 1:]))
    return partial(euler.to_quaternions, order=mode)


def bezier_keys(curve: Curve, frames: Array, kept: NDArray[np.bool_]) -> list[Keys]:
    """The keys of each channel; `frames` (T,) of the samples, `kept` (T,) the extremes among them."""
    times = frames[curve.knots]
    spacing = frames[1] - frames[0] if len(frames) > 1 else 1.0
    gaps = np.diff(times) if len(times) > 1 else np.full(1, 3 * spacing)
    before = np.concatenate([gaps[:1], gaps]) / 3 if len(times) > 1 else gaps / 3
    after = np.concatenate([gaps, gaps[-1:]]) / 3 if len(times) > 1 else gaps / 3
    types = np.where(kept[curve.knots], EXTREME, ORDINARY).astype(np.int32)
    keys: list[Keys] = []
    for values, slopes in zip(curve.values.T, curve.slopes.T / spacing, strict=True):
        points = (
            np.column_stack([times, values]),
            np.column_stack([times - before, values - slopes * before]),
            np.column_stack([times + after, values + slopes * after]),
        )
        every = [np.full(len(times), number, np.int32) for number in (BEZIER, ALIGNED, ALIGNED)]
        keys.append(Keys(*(array.astype(np.float32) for array in points), *every, types))
        if np.ptp(values) <= _STILL and np.abs(slopes).max() <= _STILL:
            keys[-1] = keys[-1].where(np.arange(len(times)) == 0)
    return keys


def _keys_between(armature: bpy.types.Object, paths: set[str], first: float, last: float) -> int:
    found = 0
    for curve in curves_of(armature).fcurves:
        if curve.data_path in paths:
            times = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get("co", times)
            found += int(((times[::2] > first - 1e-3) & (times[::2] < last + 1e-3)).sum())
    return found
