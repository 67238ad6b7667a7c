"""A rest pose for sources that have none worth the name, and the floor that they stand on.

Some files rest with every bone pointing one way, or with the hips at the origin. Their motion tells more than their
rest: the moment that is most like the target's rest takes its place.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..cleanup import quaternions as quat
from .body_frame import RestBody
from .transfer import Posed

Array = NDArray[np.float64]

_LIMBS = tuple(
    (f"{start}.{side}", f"{end}.{side}")
    for start, end in (
        ("upper_arm", "forearm"),
        ("forearm", "hand"),
        ("thigh", "shin"),
        ("shin", "foot"),
        ("foot", "toe"),
    )
    for side in "LR"
)
# A limb that rests farther than this from the target's rest says that the source's rest is no pose of a body.
_UNLIKE_COSINE = np.cos(np.radians(120.0))
# Ankles rest this high above the floor, in leg lengths, or the armature's origin is no floor.
_LOWEST, _HIGHEST = -0.05, 0.4


def settled(source: RestBody, posed: Posed, target: RestBody) -> RestBody:
    """`source` with a rest pose like the target's, on its floor."""
    limbs = [
        (start, end)
        for start, end in _LIMBS
        if all(role in body.bone_map.bones for role in (start, end) for body in (source, target))
    ]
    ours = _directions(target, target.heads[None], target.axes[None], limbs)[0]
    theirs = _directions(source, source.heads[None], source.axes[None], limbs)[0]
    if (theirs * ours).sum(axis=-1).min() < _UNLIKE_COSINE:
        axes = _axes(source, posed)
        likeness = (_directions(source, posed.heads, axes, limbs) * ours).sum(axis=(1, 2))
        best = int(np.argmax(likeness + 2 * len(limbs) * _uprightness(source, posed)))
        turns = _level(source, posed, target, axes[best], best)
        moment = replace(source, heads=posed.heads[best], turns=turns, axes=axes[best])
        lowest = {role: float(np.percentile(posed.heads[:, source.index(role), 2], 2)) for role in _feet(source)}
        return _on_floor(moment, posed, target, lowest)
    rest = float(np.mean([source.height(f"foot.{side}") for side in "LR"])) / source.leg_length
    if _LOWEST < rest < _HIGHEST:
        return source
    return _on_floor(source, posed, target, {role: float(source.joint(role)[2]) for role in _feet(source)})


def _level(source: RestBody, posed: Posed, target: RestBody, axes: Array, best: int) -> Array:
    """(K, 4) the turns at the moment `best`, with the hips level and each foot as it is when it stands flattest."""
    turns = posed.turns[best].copy()
    line = posed.heads[best, source.index("thigh.L")] - posed.heads[best, source.index("thigh.R")]
    for bone in source.bones("hips"):
        turns[bone] = quat.multiply(quat.between(line, axes[:, 0]), turns[bone])
    for side in "LR":
        foot, toe = source.index(f"foot.{side}"), source.bone(f"toe.{side}")
        if toe is None or target.bone(f"toe.{side}") is None:
            continue
        height = posed.heads[:, foot, 2] + posed.heads[:, toe, 2]
        speed = np.linalg.norm(np.gradient(posed.heads[:, toe], axis=0), axis=1) if len(height) > 1 else 0.0
        flat = int(np.argmin(height + 2 * speed))
        ours = axes @ target.axes.T @ (target.joint(f"toe.{side}") - target.joint(f"foot.{side}"))
        theirs = posed.heads[flat, toe] - posed.heads[flat, foot]
        heading = quat.between(theirs * (1.0, 1.0, 0.0), ours * (1.0, 1.0, 0.0))
        for bone in (*source.bones(f"foot.{side}"), *source.bones(f"toe.{side}")):
            turns[bone] = quat.multiply(heading, posed.turns[flat, bone])
    return turns


def _on_floor(source: RestBody, posed: Posed, target: RestBody, heights: dict[str, float]) -> RestBody:
    """`source` on the floor that its motion shows, with the target's soles; `heights` of its feet from any level."""
    ankles = posed.heads[:, [source.index(f"foot.{side}") for side in "LR"], 2].min(axis=1)
    sole = float(np.mean([target.height(f"foot.{side}") for side in "LR"])) * source.leg_length / target.leg_length
    floor = source.floor.copy()
    floor[2] = np.percentile(ankles, 2) - sole
    level = (heights["foot.L"] + heights["foot.R"]) / 2 - sole
    return replace(source, floor=floor, standing={role: height - level for role, height in heights.items()})


def _feet(source: RestBody) -> list[str]:
    return [f"{part}.{side}" for part in ("foot", "toe") for side in "LR" if f"{part}.{side}" in source.bone_map.bones]


def _directions(body: RestBody, heads: Array, axes: Array, limbs: list[tuple[str, str]]) -> Array:
    """(T, L, 3) where limbs point, unit, in the body's own left, back and up."""
    vectors = np.stack([heads[:, body.index(end)] - heads[:, body.index(start)] for start, end in limbs], axis=1)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return vectors @ axes


def _axes(body: RestBody, posed: Posed) -> Array:
    """(T, 3, 3) left, back and up of a body that stands: up is the world's."""
    left = posed.heads[:, body.index("thigh.L")] - posed.heads[:, body.index("thigh.R")]
    left = left * (1.0, 1.0, 0.0)
    left /= np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-9)
    up = np.tile([0.0, 0.0, 1.0], (len(left), 1))
    return np.stack([left, np.cross(up, left), up], axis=-1)


def _uprightness(body: RestBody, posed: Posed) -> Array:
    """(T,) cosine of the lean of the line from the hips to the neck, or to the highest that is mapped."""
    top = next(role for role in ("neck", "head", "upper_arm.L") if role in body.bone_map.bones)
    line = posed.heads[:, body.index(top)] - posed.heads[:, body.index("hips")]
    return line[:, 2] / np.maximum(np.linalg.norm(line, axis=1), 1e-9)
