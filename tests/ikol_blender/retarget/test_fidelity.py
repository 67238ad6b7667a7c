"""Limbs of every rig family point where the source's do."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import BadInput
from bl_ext.user_default.ikol.ikol_blender.retarget.bone_map import load_map, save_map
from bl_ext.user_default.ikol.ikol_blender.retarget.families import detect
from bl_ext.user_default.ikol.ikol_blender.retarget.run import retarget
from bl_ext.user_default.ikol.ikol_blender.scene.import_take import import_take
from mathutils import Euler, Matrix

from solver.take import write_take
from tests.ikol_blender.retarget.evaluated import evaluated
from tests.ikol_blender.retarget.rigs import FAMILIES, build_rig, family_map
from tests.ikol_blender.retarget.sources import CLIPS, load

# Degrees that the arms hang at rest, and metres in a unit of the armature.
POSES = ((0.0, 0.01), (45.0, 100.0), (0.0, 100.0), (45.0, 0.01), (50.0, 1.0))
NAMES = sorted(path.stem for path in FAMILIES.glob("*.json"))
_LIMBS = [
    (f"{start}.{side}", f"{end}.{side}")
    for start, end in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
    for side in "LR"
]
_NAMED = (*(start for start, _ in _LIMBS), "spine")
_FRAMES = 24


@pytest.fixture
def source(empty_scene, tmp_path, turning_take):
    write_take(turning_take, tmp_path / "take.npz")
    import_take(bpy.context, tmp_path / "take.npz")
    return bpy.context.object


def joints(rig, bone_map):
    """World positions of the roles' joints, and where the spine's line starts, by Blender's own evaluation."""
    at = {role: np.array(rig.matrix_world @ rig.pose.bones[names[0]].head) for role, names in bone_map.bones.items()}
    at["middle"] = (at["thigh.L"] + at["thigh.R"]) / 2
    return at


def angles(source, source_map, target, target_map, frames):
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(int(frame))
        a, b = joints(source, source_map), joints(target, target_map)
        for start, end in [*_LIMBS, ("middle", "neck")]:
            u, v = a[end] - a[start], b[end] - b[start]
            cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
            found.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return np.array(found)


@pytest.mark.parametrize("name", NAMES)
def test_detection_finds_every_bone(name):
    bone_map = family_map(name)
    found = detect([*bone_map.names(), "camera_rig", "weapon"])
    assert dict(found.bone_map.bones) == dict(bone_map.bones)


@pytest.mark.parametrize("clip", CLIPS)
def test_limbs_point_as_the_source(clip, empty_scene, tmp_path, turning_take):
    source = load(clip, tmp_path, turning_take)
    source_map = detect(bone.name for bone in source.pose.bones).bone_map
    for turn, name in enumerate(NAMES):
        # Over the clips, every family meets every rest pose and scale.
        arms_down, scale = POSES[(turn + CLIPS.index(clip)) % len(POSES)]
        bone_map = family_map(name)
        target = build_rig(bone_map, arms_down_deg=arms_down, scale=scale, seed=turn)
        bpy.context.view_layer.objects.active = source
        done = retarget(bpy.context, target, plant_feet=False)
        found = angles(source, source_map, target, bone_map, np.linspace(*done.action.frame_range, _FRAMES))
        limbs = found.reshape(_FRAMES, -1)
        means, worst = limbs.mean(axis=0), limbs.max(axis=0)
        print(f"{clip} {name}: {_NAMED[means.argmax()]} {means.max():.2f} in the mean, {worst.max():.2f} at most")
        assert means.max() < 0.2, (name, _NAMED[means.argmax()])
        assert worst.max() < 0.5, (name, _NAMED[worst.argmax()])
        bpy.data.objects.remove(target)


def test_a_map_comes_back_from_its_file(tmp_path):
    bone_map = family_map("mixamo")
    save_map(bone_map, tmp_path / "mine.json")
    assert load_map(tmp_path / "mine.json")[0] == bone_map
    (tmp_path / "bad.json").write_text('{"bones": 3}')
    with pytest.raises(BadInput):
        load_map(tmp_path / "bad.json")


def test_bones_without_a_body_are_told(source):
    data = bpy.data.armatures.new("crane")
    target = bpy.data.objects.new("crane", data)
    bpy.context.scene.collection.objects.link(target)
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.mode_set(mode="EDIT")
    for place in range(5):
        bone = data.edit_bones.new(f"b{place}")
        bone.head, bone.tail = (0.0, 0.3 * place, place), (0.0, 0.3 * place + 0.3, place + 1.0)
        bone.parent = data.edit_bones[place - 1] if place else None
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.objects.active = source
    with pytest.raises(RuntimeError, match="No body was found"):
        bpy.ops.ikol.retarget(target=target.name)
    assert target.animation_data is None


def test_the_old_action_stays(source):
    target = build_rig(family_map("vrm"), arms_down_deg=30.0)
    old = bpy.data.actions.new("old")
    target.animation_data_create().action = old
    matrix = Matrix(target.matrix_world)
    bpy.ops.ikol.retarget(target=target.name)
    assert target.animation_data.action != old
    assert old.use_fake_user
    assert target.matrix_world == matrix


def test_what_other_bones_are_posed_as_is_allowed_for(source):
    bone_map = family_map("mixamo")
    frames = np.linspace(*source.animation_data.action.frame_range, 6)
    found = []
    for posed in (False, True):
        target = build_rig(bone_map, arms_down_deg=30.0, seed=4, root="Root")
        if posed:
            target.pose.bones["Root"].location = (0.3, 0.1, 0.2)
            target.pose.bones["Root"].rotation_quaternion = Euler((0.3, 0.5, 0.1)).to_quaternion()
        bpy.context.view_layer.objects.active = source
        retarget(bpy.context, target)
        found.append(evaluated(target, bone_map.names(), frames)[0])
    assert np.abs(found[1] - found[0]).max() < 1e-4
