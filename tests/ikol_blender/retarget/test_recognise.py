"""Bones find their parts: by the names that tools give them, and by shape where names tell nothing."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import BadInput
from bl_ext.user_default.ikol.ikol_blender.retarget.recognise import UNSURE, recognise
from bl_ext.user_default.ikol.ikol_blender.retarget.rig import skeleton_of
from mathutils import Vector

from tests.ikol_blender.retarget.definitions import DEFINITIONS
from tests.ikol_blender.retarget.dressing import defined_rig, editing, meaningless, turned_and_scaled
from tests.ikol_blender.retarget.real_rigs import METARIG, MPFB, QUATERNIUS, mpfb_rig, quaternius
from tests.ikol_blender.retarget.rigify import add_metarig, generated
from tests.shared_data import shared

# A rig of controls doubles every limb; without names nothing tells which of the two an animator means.
_SHAPES = [name for name in DEFINITIONS if name != "Auto-Rig Pro, controls"]


def right(truth, found):
    """Of all bones that are, or are taken for, parts of the body, the share that is right."""
    wanted = {(role, name) for role, names in truth.items() for name in names}
    got = {(role, name) for role, names in found.items() for name in names}
    print(f"missing {sorted(wanted - got)}, wrong {sorted(got - wanted)}")
    return len(wanted & got) / len(wanted | got)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_bone_of_a_tool_is_known_by_name(empty_scene, name):
    definition = DEFINITIONS[name]
    rig = defined_rig(definition, arms_down_deg=30.0)
    found = recognise(skeleton_of(rig))
    assert dict(found.bone_map.bones) == definition.bones()
    assert set(found.sure.values()) == {1.0}


@pytest.mark.parametrize("file", MPFB)
def test_makehumans_own_rigs_are_known(empty_scene, file):
    found = recognise(skeleton_of(mpfb_rig(file)))
    assert dict(found.bone_map.bones) == MPFB[file]
    assert set(found.sure.values()) == {1.0}


@pytest.mark.parametrize("full", [False, True])
def test_rigifys_rigs_are_known(empty_scene, full):
    assert dict(recognise(skeleton_of(add_metarig(full=full))).bone_map.bones) == METARIG
    controls = recognise(skeleton_of(generated(full=full))).bone_map
    sides = {
        f"{role}.{side}": (f"{name}.{side}",)
        for side in "LR"
        for role, name in (
            ("shoulder", "shoulder"), ("upper_arm", "upper_arm_fk"), ("forearm", "forearm_fk"), ("hand", "hand_fk"),
            ("thigh", "thigh_fk"), ("shin", "shin_fk"), ("foot", "foot_fk"), ("toe", "toe_fk"),
        )
    }  # fmt: skip
    assert dict(controls.bones) == {
        "hips": ("torso", "spine_fk"),
        "spine": ("spine_fk.001", "spine_fk.002", "spine_fk.003"),
        "neck": ("neck",),
        "head": ("head",),
        **sides,
    }


def test_character_creator_of_a_bvh_file_is_known(empty_scene):
    bpy.ops.import_anim.bvh(filepath=str(shared("mocap/cmu_bvh/005_01.bvh")))
    found = recognise(skeleton_of(bpy.context.object))
    assert dict(found.bone_map.bones) == DEFINITIONS["Character Creator"].bones()


@pytest.mark.parametrize("arms_down", [0.0, 50.0])
@pytest.mark.parametrize("name", _SHAPES)
def test_meaningless_names_are_found_by_shape(empty_scene, name, arms_down):
    definition = DEFINITIONS[name]
    rig = turned_and_scaled(defined_rig(definition, arms_down_deg=arms_down, seed=1), seed=len(name))
    truth = meaningless(rig, definition.bones(), seed=7)
    found = recognise(skeleton_of(rig))
    assert found.bone_map.title == "Found by shape"
    assert right(truth, found.bone_map.bones) >= 0.9


@pytest.mark.parametrize("file", MPFB)
def test_makehumans_rigs_are_found_by_shape(empty_scene, file):
    rig = turned_and_scaled(mpfb_rig(file), seed=len(file))
    truth = meaningless(rig, MPFB[file], seed=3)
    assert right(truth, recognise(skeleton_of(rig)).bone_map.bones) >= 0.9


@pytest.mark.parametrize("full", [False, True])
def test_rigifys_metarigs_are_found_by_shape(empty_scene, full):
    rig = turned_and_scaled(add_metarig(full=full), seed=4)
    truth = meaningless(rig, METARIG, seed=5)
    assert right(truth, recognise(skeleton_of(rig)).bone_map.bones) >= 0.9


@pytest.mark.parametrize("renamed", [False, True])
def test_a_game_characters_body_is_found(empty_scene, renamed):
    rig = quaternius()
    truth = meaningless(turned_and_scaled(rig, seed=2), QUATERNIUS, seed=6) if renamed else QUATERNIUS
    assert right(truth, recognise(skeleton_of(rig)).bone_map.bones) >= 0.9


@pytest.mark.parametrize("file", MPFB)
def test_bones_that_point_anywhere_are_found_by_their_heads(empty_scene, file):
    """As games' rigs arrive in Blender: bones along axes of their own, the chains only in the heads."""
    rig = mpfb_rig(file)
    random = np.random.default_rng(1)
    with editing(rig) as bones:
        for bone in bones:
            bone.use_connect = False
            bone.tail = bone.head + Vector(random.normal(size=3)).normalized() * 0.05
    truth = meaningless(rig, MPFB[file], seed=3)
    assert right(truth, recognise(skeleton_of(rig)).bone_map.bones) >= 0.9


@pytest.mark.parametrize("legs", [0.5, 1.4])
def test_short_and_long_legs_are_legs(empty_scene, legs):
    definition = DEFINITIONS["Unreal 5"]
    rig = turned_and_scaled(defined_rig(definition, arms_down_deg=20.0, legs=legs), seed=3)
    truth = meaningless(rig, definition.bones(), seed=2)
    assert right(truth, recognise(skeleton_of(rig)).bone_map.bones) >= 0.9


def test_wings_and_a_tail_are_no_limbs(empty_scene):
    rig = mpfb_rig("rig.default.json")
    with editing(rig) as bones:
        for side, sign in (("L", 1), ("R", -1)):
            at, above = Vector((sign * 0.05, 0.1, 0.5)), "spine01"
            for place in range(3):
                bone = bones.new(f"wing{place}.{side}")
                bone.head, bone.tail, bone.parent = at, at + Vector((sign * 0.3, 0.05, 0.1)), bones[above]
                at, above = bone.tail.copy(), bone.name
        at, above = Vector((0, 0.1, 0)), "root"
        for place in range(6):
            bone = bones.new(f"tail{place}")
            bone.head, bone.tail, bone.parent = at, at + Vector((0, 0.12, -0.05)), bones[above]
            at, above = bone.tail.copy(), bone.name
    truth = meaningless(rig, MPFB["rig.default.json"], seed=3)
    assert right(truth, recognise(skeleton_of(rig)).bone_map.bones) >= 0.9


def test_the_unsure_part_is_told(empty_scene):
    """Two equal bones where the toes are: one of them is it, and nobody knows which."""
    rig = defined_rig(DEFINITIONS["Unreal 4"], arms_down_deg=30.0)
    with editing(rig) as bones:
        for side in "lr":
            twin = bones.new(f"twin_{side}")
            ball = bones[f"ball_{side}"]
            twin.head, twin.tail, twin.parent = ball.head, ball.tail, ball.parent
    meaningless(rig, {}, seed=1)
    sure = recognise(skeleton_of(rig)).sure
    assert sure["toe.L"] < UNSURE < sure["thigh.L"]


def test_a_known_name_in_an_odd_place_is_unsure(empty_scene):
    rig = defined_rig(DEFINITIONS["Unreal 4"], arms_down_deg=30.0)
    with editing(rig) as bones:
        bones["hand_l"].parent = bones["root"]
    sure = recognise(skeleton_of(rig)).sure
    assert sure["hand.L"] < UNSURE
    assert sure["hand.R"] == 1.0


def test_no_body_in_a_tail(empty_scene):
    rig = bpy.data.objects.new("tail", bpy.data.armatures.new("tail"))
    bpy.context.scene.collection.objects.link(rig)
    with editing(rig) as bones:
        for place in range(12):
            bone = bones.new(f"tail{place}")
            bone.head, bone.tail = (0, 0.1 * place, np.sin(place)), (0, 0.1 * place + 0.1, np.sin(place + 1))
            bone.parent = bones.get(f"tail{place - 1}")
    with pytest.raises(BadInput, match="No body"):
        recognise(skeleton_of(rig))
