"""A rig's body at rest in the world: its joints, its axes, and how it turns onto another body's rest pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..cleanup import quaternions as quat
from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from .bone_map import BoneMap

Array = NDArray[np.float64]

# An axis of the armature this near to the body's own is meant to be it.
_SNAP_COSINE = np.cos(np.radians(15.0))
# The joint that the bone of each role points at. Hands, heads and feet keep the rest pose that their maker gave them.
_POINTS_AT = {"shoulder": "upper_arm", "upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot"}


@dataclass(frozen=True)
class RestBody:
    """A rig with its map, at rest.

    Attributes:
        skeleton: the rig's bones.
        bone_map: which bones play which part.
        heads: (K, 3) world, m.
        turns: (K, 4) the bones' axes in the world, unit quaternions.
        axes: (3, 3) world directions of the body's left, back and up, one per column.
        floor: (3,) the object's origin in the world, m: where the rig stands.
        standing: heights of joints above the floor, m, where the rest pose does not tell them.
    """

    skeleton: Skeleton
    bone_map: BoneMap
    heads: Array
    turns: Array
    axes: Array
    floor: Array
    standing: Mapping[str, float] = field(default_factory=dict)

    def bone(self, role: str) -> int | None:
        name = self.bone_map.first(role)
        return None if name is None else self.skeleton.names.index(name)

    def index(self, role: str) -> int:
        """Of the bone whose head is the joint of a role that is mapped."""
        return self.skeleton.names.index(self.bone_map.bones[role][0])

    def bones(self, role: str) -> tuple[int, ...]:
        return tuple(self.skeleton.names.index(name) for name in self.bone_map.bones.get(role, ()))

    @property
    def carriers(self) -> tuple[int, ...]:
        """What each bone goes along with: its parent, or the part before it where it hangs from none; -1 for none."""
        found = list(self.skeleton.parents)
        loose = self.loose
        for name, carrier in self.bone_map.carried():
            bone = self.skeleton.names.index(name)
            if bone in loose:
                found[bone] = self.skeleton.names.index(carrier)
        return tuple(found)

    @property
    def loose(self) -> frozenset[int]:
        """The bones that hang from no bone of the body, perhaps from a root bone: where they are is theirs to key."""
        names, mapped = self.skeleton.names, set(self.bone_map.names())
        return frozenset(
            bone for bone, above in enumerate(self.skeleton.parents) if above < 0 or names[above] not in mapped
        )

    def joint(self, role: str) -> Array:
        """(3,) world, of a role that is mapped."""
        return self.heads[self.index(role)]

    @property
    def leg_length(self) -> float:
        """Hip to ankle along the bones, mean of both legs, m."""
        lengths = [
            np.linalg.norm(self.joint(f"thigh.{side}") - self.joint(f"shin.{side}"))
            + np.linalg.norm(self.joint(f"shin.{side}") - self.joint(f"foot.{side}"))
            for side in "LR"
        ]
        return float(np.mean(lengths))

    def height(self, role: str) -> float:
        """Of a joint at rest above where the rig stands, along the body's up, m."""
        if role in self.standing:
            return self.standing[role]
        return float((self.joint(role) - self.floor) @ self.axes[:, 2])


def rest_body(skeleton: Skeleton, bone_map: BoneMap) -> RestBody:
    """Raises:
    BadInput: the legs have no length, or lie in one point.
    """
    turn = skeleton.world[:3, :3] / skeleton.scale
    heads = skeleton.rests[:, :3, 3] @ skeleton.world[:3, :3].T + skeleton.world[:3, 3]
    own = skeleton.rests[:, :3, :3] / np.linalg.norm(skeleton.rests[:, :3, :3], axis=1, keepdims=True)
    body = RestBody(skeleton, bone_map, heads, quat.from_matrices(turn @ own), np.eye(3), skeleton.world[:3, 3])
    left = body.joint("thigh.L") - body.joint("thigh.R")
    if np.linalg.norm(left) < 1e-9 or body.leg_length < 1e-9:
        raise BadInput("The legs of the rig have no size.", hint="Check the bone map and the armature's scale.")
    up = _snapped(_spine_line(body), turn)
    left = _snapped(left - up * (left @ up), turn)
    left = left - up * (left @ up)
    left /= np.linalg.norm(left)
    axes = np.stack([left, np.cross(up, left), up], axis=1)
    return RestBody(skeleton, bone_map, heads, body.turns, axes, body.floor)


def alignments(source: RestBody, target: RestBody) -> dict[str, Array]:
    """For each role of the target, the world rotation (4,) that turns its rest onto the source's rest pose.

    The body is turned as a whole, then limbs swing the shortest way until they point as the source's do: an A-pose
    becomes a T-pose. Hands go with their forearms; the spine swings as a whole; feet, toes, hips, neck and head
    keep the rest that their rig has.
    """
    whole = quat.from_matrices(source.axes @ target.axes.T)
    found = dict.fromkeys(target.bone_map.bones, whole)
    if "spine" in found:
        found["spine"] = _swung(whole, _spine_line(target), _spine_line(source))
    for side in "LR":
        for role, child in _POINTS_AT.items():
            start, end = f"{role}.{side}", f"{child}.{side}"
            if all(name in body.bone_map.bones for name in (start, end) for body in (source, target)):
                theirs, ours = (body.joint(end) - body.joint(start) for body in (target, source))
                found[start] = _swung(whole, theirs, ours)
        if f"hand.{side}" in found:
            found[f"hand.{side}"] = found[f"forearm.{side}"]
    return found


def spine_top(body: RestBody) -> str:
    """The joint where the line of the spine ends."""
    return next(role for role in ("neck", "head", "shoulder.L", "upper_arm.L") if role in body.bone_map.bones)


def _spine_line(body: RestBody) -> Array:
    top = spine_top(body)
    end = body.joint(top)
    if top.endswith(".L"):
        end = (end + body.joint(top[:-1] + "R")) / 2
    return end - (body.joint("thigh.L") + body.joint("thigh.R")) / 2


def _swung(whole: Array, theirs: Array, ours: Array) -> Array:
    return quat.multiply(quat.between(quat.rotate(whole, theirs), ours), whole)


def _snapped(direction: Array, axes: Array) -> Array:
    unit = direction / np.linalg.norm(direction)
    cosines = axes.T @ unit
    nearest = int(np.abs(cosines).argmax())
    return axes[:, nearest] * np.sign(cosines[nearest]) if abs(cosines[nearest]) > _SNAP_COSINE else unit
