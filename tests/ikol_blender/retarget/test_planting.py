"""Feet on legs a fifth shorter stand where the source's stand, without pops, and no knee flips."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup.gaps import spans
from bl_ext.user_default.ikol.ikol_blender.retarget.body_frame import rest_body
from bl_ext.user_default.ikol.ikol_blender.retarget.contact import by_motion
from bl_ext.user_default.ikol.ikol_blender.retarget.families import detect
from bl_ext.user_default.ikol.ikol_blender.retarget.run import retarget
from bl_ext.user_default.ikol.ikol_blender.retarget.transfer import pose_source
from bl_ext.user_default.ikol.ikol_blender.scene.contact_curves import CONTACTS, read_contacts, write_contacts
from bl_ext.user_default.ikol.ikol_blender.scene.samples import sample

from tests.ikol_blender.retarget.evaluated import evaluated
from tests.ikol_blender.retarget.rigs import build_rig, family_map
from tests.ikol_blender.retarget.sources import CLIPS, load

MIXAMO = family_map("mixamo")
ROLES = tuple(f"{role}.{side}" for side in "LR" for role in ("thigh", "shin", "foot", "toe"))
_EDGE_S = 0.1


@dataclass(frozen=True)
class Legs:
    """Joints of both rigs at every frame, (T, 3) for each role, by Blender's own evaluation."""

    source: dict[str, np.ndarray]
    unplanted: dict[str, np.ndarray]
    planted: dict[str, np.ndarray]
    sides: dict[str, np.ndarray]  # (T, 3) the thigh's own left
    contacts: dict[str, np.ndarray]
    rate_hz: float


def joints(rig, bone_map, frames):
    heads, turns = evaluated(rig, [bone_map.first(role) for role in ROLES], frames)
    return {role: heads[:, index] for index, role in enumerate(ROLES)}, turns


@pytest.fixture(scope="module", params=CLIPS)
def legs(request, tmp_path_factory, turning_take):
    bpy.ops.wm.read_homefile(use_empty=True)
    source = load(request.param, tmp_path_factory.mktemp("takes"), turning_take)
    sampled = sample(bpy.context, source)
    source_map = detect(bone.name for bone in source.pose.bones).bone_map
    body = rest_body(sampled.motion.skeleton, source_map)
    contacts = by_motion(body, pose_source(body, sampled.motion), sampled.motion.rate_hz)
    target = build_rig(MIXAMO, arms_down_deg=45.0, legs=0.8, seed=3)
    rest = {name: np.array(target.matrix_world @ target.pose.bones[name].bone.matrix_local) for name in MIXAMO.names()}
    left = np.array(target.matrix_world)[:3, 0] / target.matrix_world.to_scale()[0]
    retarget(bpy.context, target, plant_feet=False)
    unplanted, _ = joints(target, MIXAMO, sampled.frames)
    done = retarget(bpy.context, target)
    planted, turns = joints(target, MIXAMO, sampled.frames)
    sides = {}
    for side in "LR":
        axes = rest[MIXAMO.first(f"thigh.{side}")][:3, :3]
        axes = axes / np.linalg.norm(axes, axis=0)
        sides[side] = turns[:, ROLES.index(f"thigh.{side}")] @ (axes.T @ left)
    theirs, _ = joints(source, source_map, sampled.frames)
    legs = Legs(theirs, unplanted, planted, sides, contacts, sampled.motion.rate_hz)
    # What the operator reports bounds what Blender shows.
    assert done.slip_after >= slip(legs.planted, contacts) - 1e-4
    return legs


def slip(paths, contacts):
    """m, the farthest apart that a standing joint is from itself within one contact."""
    found = [
        np.linalg.norm(paths[role][a:b, None] - paths[role][None, a:b], axis=-1).max()
        for role, flags in contacts.items()
        for a, b in spans(flags)
    ]
    return max(found, default=0.0)


def bends(paths, side):
    """(T, 3) unit axis about which the knee bends, and (T,) how far, degrees."""
    thigh = paths[f"shin.{side}"] - paths[f"thigh.{side}"]
    shin = paths[f"foot.{side}"] - paths[f"shin.{side}"]
    axis = np.cross(thigh, shin)
    length = np.linalg.norm(axis, axis=1)
    angle = np.degrees(np.arctan2(length, (thigh * shin).sum(axis=1)))
    return axis / np.maximum(length, 1e-12)[:, None], angle


def test_shorter_legs_stand_still_and_do_not_pop(legs):
    before, after = slip(legs.unplanted, legs.contacts), slip(legs.planted, legs.contacts)
    assert before > 0.01
    assert after < 0.005
    half = max(1, round(_EDGE_S * legs.rate_hz))
    for joint in ("foot", "shin"):
        for role, flags in legs.contacts.items():
            side = role[-1]
            jolts = [
                np.linalg.norm(np.diff(paths[f"{joint}.{side}"], 2, axis=0), axis=-1)
                for paths in (legs.source, legs.planted)
            ]
            for edge in (edge for span in spans(flags) for edge in span if 1 < edge < len(flags) - 1):
                near = slice(max(0, edge - 1 - half), edge + half)
                assert jolts[1][near].max() < 2 * jolts[0][near].max(), (joint, role, edge)


def test_knees_bend_forward_and_as_steadily_as_the_source(legs):
    for side in "LR":
        axis, angle = bends(legs.planted, side)
        bent = angle > 5
        assert (axis * legs.sides[side]).sum(axis=1)[bent].min() > 0.5
        steps, source_steps = (
            np.degrees(np.arccos(np.clip((axis[1:] * axis[:-1]).sum(axis=1), -1, 1)))[(a[1:] > 5) & (a[:-1] > 5)]
            for axis, a in ((axis, angle), bends(legs.source, side))
        )
        assert steps.max() < max(source_steps.max(), 10.0) * 1.2


def test_contacts_of_the_take_say_when(empty_scene, tmp_path, turning_take):
    source = load("walk", tmp_path, turning_take)
    frames = sample(bpy.context, source).frames
    flags = np.zeros(len(frames))
    flags[5:12] = 1
    write_contacts(source, frames, {name: flags if name == "contact_right_toe" else 0 * flags for name in CONTACTS})
    assert read_contacts(source, frames)["contact_right_toe"].sum() == 7
    target = build_rig(MIXAMO, arms_down_deg=45.0, legs=0.8, seed=3)
    done = retarget(bpy.context, target)
    path = joints(target, MIXAMO, frames)[0]
    assert slip(path, {"toe.R": flags > 0.5}) < 1e-3
    assert done.slip_before > 0.005
    # The left foot, which the motion says stands too, is let go.
    later = flags * 0
    later[22:31] = 1
    assert slip(path, {"toe.L": later > 0.5}) > 0.01
