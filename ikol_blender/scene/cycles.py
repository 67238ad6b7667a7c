"""Curves that go round: Blender's Cycles modifier."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

_CYCLES = ("mode_before", "mode_after", "cycles_before", "cycles_after")
_REPEATING = ("REPEAT", "REPEAT_OFFSET")


def go_round(curves: Sequence[bpy.types.FCurve]) -> bool:
    """Whether all of `curves` begin again after their last keys; those with a single key stand still, and may."""
    moving = [curve for curve in curves if len(curve.keyframe_points) > 1]
    return bool(moving) and all((cycles_of(curve) or {}).get("mode_after") in _REPEATING for curve in moving)


def cycles_of(curve: bpy.types.FCurve) -> dict[str, object] | None:
    """How the curve goes on beyond its keys, as `repeat` takes it; None when it does not repeat."""
    for modifier in curve.modifiers:
        if modifier.type == "CYCLES" and not modifier.mute:
            return {name: getattr(modifier, name) for name in _CYCLES}
    return None


def repeat(curve: bpy.types.FCurve, cycles: dict[str, object] | None) -> None:
    """Give the curve the Cycles modifier of another one."""
    if cycles is not None:
        modifier = curve.modifiers.new("CYCLES")
        for name, value in cycles.items():
            setattr(modifier, name, value)
