"""How sure the solver was of each joint, as F-curves of the pose bones' own property `confidence`."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.keys import plain_keys
from .compat import curves_of, existing_curves, strip_curves
from .keys import write_keys
from .property_curves import float_property, property_curve, values_at

Array = NDArray[np.float64]

CONFIDENCE = "confidence"
_GROUP = "Confidence"


def write_confidence(armature: bpy.types.Object, bones: Iterable[str], frames: Array, confidence: Array) -> None:
    """Curves of the active action: `confidence` (T, K), 0..1, of the K `bones` at `frames` (T,).

    What is not a number is no confidence. Keys that lie on the line between their neighbours' equal values are left
    out: a take that is sure has two.
    """
    curves = curves_of(armature)
    known = np.clip(np.nan_to_num(np.asarray(confidence, np.float64)), 0.0, 1.0)
    for bone, values in zip(bones, known.T, strict=True):
        float_property(armature.pose.bones[bone], CONFIDENCE, "How sure the solver was of this joint")
        same = np.diff(values) == 0
        bends = np.concatenate([[True], ~(same[:-1] & same[1:]), [True]])[: len(values)]
        write_keys(property_curve(curves, confidence_path(bone), _GROUP), plain_keys(frames[bends], values[bends]))


def confidence_path(bone: str) -> str:
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"]["{CONFIDENCE}"]'


def confidence_curves(
    armature: bpy.types.Object, strip: bpy.types.NlaStrip | None = None
) -> dict[str, bpy.types.FCurve]:
    """The confidence curve of each bone that has one, in the active action or in `strip`'s.

    Makes nothing: drawing may ask.
    """
    curves = existing_curves(armature) if strip is None else strip_curves(strip)
    if curves is None:
        return {}
    found = ((bone.name, curves.fcurves.find(confidence_path(bone.name))) for bone in armature.pose.bones)
    return {bone: curve for bone, curve in found if curve is not None and len(curve.keyframe_points)}


def read_confidence(
    armature: bpy.types.Object, frames: Array, strip: bpy.types.NlaStrip | None = None
) -> dict[str, Array]:
    """(T,) confidence at the action's `frames` (T,) of each bone that has it."""
    return {bone: values_at(curve, frames) for bone, curve in confidence_curves(armature, strip).items()}
