"""The active armature's motion on another rig, as a new action."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..cleanup.skeleton import Skeleton
from ..contract import BadInput
from ..scene.action import write_curve
from ..scene.channels import bone_values, location_path, rotation_path
from ..scene.compat import curves_of, new_action
from ..scene.contact_curves import planted_contacts
from ..scene.nla import push_down
from ..scene.places import refuse_misplaced
from ..scene.samples import active_armature, sample
from ..scene.timing import note_rate, noted_rate
from .body_frame import RestBody, rest_body
from .bone_map import BoneMap
from .contact import by_curves, by_motion
from .controls import astray, hold_by_keys, rest_carriers, set_switches
from .planting import plant_feet as plant
from .recognise import recognise, unsure
from .reference import settled
from .rig import check_target, read_target, skeleton_of
from .root_bone import carry
from .stored_map import kept_map, unsure_roles
from .transfer import Posed, Root, own_location, own_rotations, pose_source, transfer


@dataclass(frozen=True)
class Retargeted:
    """Attributes:
    action: the target's new action, active or in the NLA; the one before it is kept in the file.
    bone_map: which bones of the target were animated.
    slip_before, slip_after: m, how far standing feet stray; None when they were not planted.
    astray: a control that something holds away from where it was sent, and by how much, radians.
    unsure: roles of either rig whose bones were found, but may be wrong.
    """

    action: bpy.types.Action
    bone_map: BoneMap
    slip_before: float | None
    slip_after: float | None
    astray: tuple[str, float] | None
    unsure: tuple[str, ...]


def retarget(
    context: bpy.types.Context,
    target: bpy.types.Object | None,
    *,
    root: Root = Root.SCALED,
    plant_feet: bool = True,
    root_bone: str = "",
    root_heading: bool = True,
    push_nla: bool = False,
    source_map: BoneMap | None = None,
    target_map: BoneMap | None = None,
) -> Retargeted:
    """Give `target` the motion of the active armature.

    Args:
        root_bone: the target's bone above the hips that is to travel; "" leaves all travel on the hips.
        root_heading: the root bone also turns with the body.
        push_nla: put the action into the NLA, on a track of its own, and make none active.
        source_map, target_map: None takes the map that is kept with the armature, or else finds it.

    Raises:
        BadInput: there is no motion, something beside its keys moves the source, or a rig cannot be read or animated.
    """
    source = active_armature(context, to_write=False)
    target = check_target(target, source)
    if target.pose is None:  # Blender makes the pose of a new object when it is next evaluated
        context.view_layer.update()
    sampled = sample(context, source)
    skeleton: Skeleton = sampled.motion.skeleton
    source_map, doubts = chosen_map(source, source_map)
    bone_map, more = chosen_map(target, target_map)
    theirs = rest_body(skeleton, source_map)
    ours = read_target(target, bone_map, root_bone)
    missing = sorted(role for role in ("thigh", "shin", "foot") if f"{role}.L" not in theirs.bone_map.bones)
    if missing:
        raise BadInput(f"The source has no {missing[0]}.", hint="Correct its bone map.")
    refuse_misplaced(context, sampled, (skeleton.names.index(name) for name in source_map.names()))
    posed = pose_source(theirs, sampled.motion)
    theirs = settled(theirs, posed, ours)
    moved = transfer(theirs, posed, ours, root)
    before = after = None
    if plant_feet and root is not Root.IN_PLACE:
        curves = planted_contacts(source, sampled.frames)
        contacts = by_motion(theirs, posed, sampled.motion.rate_hz) if curves is None else by_curves(curves)
        held = plant(theirs, posed, ours, moved, contacts, sampled.motion.rate_hz)
        moved, before, after = held.posed, held.slip_before, held.slip_after
    if root_bone:
        moved = carry(ours, moved, sampled.motion.rate_hz, heading=root_heading)
    resting, switches = rest_carriers(target, bone_map), set_switches(target, bone_map)
    action = _write(target, ours, moved, sampled.frames)
    action.name = f"{source.animation_data.action.name} on {target.name}"
    if (rate_hz := noted_rate(source.animation_data.action)) is not None:
        note_rate(action, rate_hz)
    hold_by_keys(target, switches, resting, float(sampled.frames[0]))
    # Only in a rig of controls can something hold a bone: others were refused for it.
    # One that is shown in Rest Position shows nothing of where its bones go.
    looked_at = bone_map.settings and target.data.pose_position == "POSE"
    held = astray(context, target, ours, moved, sampled.frames) if looked_at else None
    if push_nla:
        push_down(target)
    return Retargeted(action, bone_map, before, after, held, (*doubts, *more))


def chosen_map(armature: bpy.types.Object, given: BoneMap | None) -> tuple[BoneMap, tuple[str, ...]]:
    """The armature's map, and the roles that it is unsure of."""
    if given is not None:
        return given, ()
    if (kept := kept_map(armature)) is not None:
        return kept, unsure_roles(armature)
    found = recognise(skeleton_of(armature))
    return found.bone_map, unsure(found)


def _write(target: bpy.types.Object, body: RestBody, posed: Posed, frames: np.ndarray) -> bpy.types.Action:
    animation = target.animation_data
    before = None if animation is None else animation.action
    if before is not None and before.library is None:
        before.use_fake_user = True
    rotations = own_rotations(body, posed)
    # What hangs from no bone of the body, as feet that follow a control, is carried by its keys.
    travelling = body.loose
    action = new_action(target.name, target)
    curves = curves_of(target)
    for index, name in enumerate(body.skeleton.names):
        bone = target.pose.bones[name]
        group = curves.groups.new(name)
        if index in travelling:
            for axis, values in enumerate(own_location(body, posed, index).T):
                write_curve(curves, location_path(bone), axis, frames, values, group)
        for part, values in enumerate(bone_values(bone, rotations[:, index]).T):
            write_curve(curves, rotation_path(bone), part, frames, values, group)
    return action
