"""Confidence and contacts of a take lie on the timeline, and outlast what the other tools do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.armature import BONE_NAMES
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.scene.confidence_curves import read_confidence
from bl_ext.user_default.ikol.ikol_blender.scene.contact_curves import CONTACTS, read_contacts, write_contacts
from bl_ext.user_default.ikol.ikol_blender.scene.nla import push_down

from solver.take import Take, write_take


@pytest.fixture(scope="session")
def doubtful_take(turning_take: Take) -> Take:
    """The turning take with a confidence of every height, and steps: two for each part of the feet."""
    rng = np.random.default_rng(3)
    contacts = np.full((len(turning_take), 4), 0.1)
    contacts[10:30, 0], contacts[12:32, 1], contacts[30:50, 2], contacts[32:, 3] = 0.9, 0.8, 0.7, 0.6
    return replace(turning_take, confidence=rng.uniform(size=(len(turning_take), 24)), contacts=contacts)


@pytest.fixture
def armature(empty_scene: bpy.types.Scene, doubtful_take: Take, tmp_path: Path) -> bpy.types.Object:
    return import_take(bpy.context, write_take(doubtful_take, tmp_path / "take_p1.npz")).armature


@pytest.fixture
def frames(doubtful_take: Take) -> np.ndarray:
    return 1.0 + np.arange(len(doubtful_take))


def test_confidence_of_every_joint_is_on_its_bone(
    armature: bpy.types.Object, doubtful_take: Take, frames: np.ndarray
) -> None:
    found = read_confidence(armature, frames)
    assert set(found) == set(BONE_NAMES)
    assert np.abs(np.stack([found[name] for name in BONE_NAMES], 1) - doubtful_take.confidence).max() < 1e-6
    bpy.context.scene.frame_set(21)
    wrist = armature.pose.bones["L_Wrist"]["confidence"]
    assert wrist == pytest.approx(doubtful_take.confidence[20, BONE_NAMES.index("L_Wrist")], abs=1e-6)


def test_contacts_are_steps_with_a_key_where_they_change(
    armature: bpy.types.Object, doubtful_take: Take, frames: np.ndarray
) -> None:
    found = read_contacts(armature, frames)
    assert found is not None and tuple(found) == CONTACTS
    assert np.array_equal(np.stack([found[name] for name in CONTACTS], 1), doubtful_take.contacts > 0.5)
    curves = {curve.data_path: curve for curve in curves_of(armature).fcurves}
    heel = curves['["contact_left_heel"]'].keyframe_points
    assert [(key.co[0], key.co[1], key.interpolation) for key in heel] == [
        (1, 0, "CONSTANT"), (11, 1, "CONSTANT"), (31, 0, "CONSTANT"),
    ]  # fmt: skip
    bpy.context.scene.frame_set(20)
    assert armature["contact_left_heel"] == 1.0 and armature["contact_right_heel"] == 0.0


def test_they_lie_in_groups_of_their_own(armature: bpy.types.Object) -> None:
    groups: dict[str, int] = {}
    for curve in curves_of(armature).fcurves:
        groups[curve.group.name] = groups.get(curve.group.name, 0) + 1
    assert (groups.pop("Confidence"), groups.pop("Contacts")) == (24, 4)
    assert groups == {name: 7 if name == "Pelvis" else 4 for name in BONE_NAMES}


def test_take_without_contacts_has_no_contact_curves(
    empty_scene: bpy.types.Scene, take_file: Path, frames: np.ndarray
) -> None:
    armature = import_take(bpy.context, take_file).armature
    assert read_contacts(armature, frames) is None
    assert not any("contact" in curve.data_path for curve in curves_of(armature).fcurves)
    # What is sure throughout needs no key for every frame.
    sure = next(curve for curve in curves_of(armature).fcurves if curve.data_path.endswith('["confidence"]'))
    assert [tuple(key.co) for key in sure.keyframe_points] == [(1.0, 1.0), (60.0, 1.0)]


def test_rewritten_part_leaves_the_rest(armature: bpy.types.Object, frames: np.ndarray) -> None:
    before = read_contacts(armature, frames)
    part = frames[4:20]
    write_contacts(armature, part, {"contact_left_heel": np.ones(len(part)), "contact_right_toe": np.zeros(len(part))})
    write_contacts(armature, frames[40:45], {"contact_right_toe": np.zeros(5)})
    after = read_contacts(armature, frames)
    assert before is not None and after is not None
    expected = {name: values.copy() for name, values in before.items()}
    expected["contact_left_heel"][4:20] = 1.0
    expected["contact_right_toe"][40:45] = 0.0
    for name in CONTACTS:
        assert np.array_equal(after[name], expected[name]), name


def test_armature_without_motion_has_neither(empty_scene: bpy.types.Scene, frames: np.ndarray) -> None:
    bpy.ops.object.armature_add()
    thing = bpy.context.object
    assert read_contacts(thing, frames) is None and read_confidence(thing, frames) == {}
    thing.animation_data_create()
    thing.animation_data.action = bpy.data.actions.new("empty")
    assert read_contacts(thing, frames) is None and read_confidence(thing, frames) == {}


def test_what_is_not_a_number_is_no_confidence(
    empty_scene: bpy.types.Scene, doubtful_take: Take, tmp_path: Path, frames: np.ndarray
) -> None:
    confidence = doubtful_take.confidence.copy()
    confidence[5], confidence[6] = np.nan, 7.0
    wrong = replace(doubtful_take, confidence=confidence)
    found = read_confidence(import_take(bpy.context, write_take(wrong, tmp_path / "take_p2.npz")).armature, frames)
    assert all(values[5] == 0.0 and values[6] == 1.0 for values in found.values())


@pytest.mark.parametrize("kind", ["LINEAR", "CONSTANT", "BEZIER", "mixed", "modified"])
def test_curves_are_read_as_blender_evaluates_them(armature: bpy.types.Object, kind: str) -> None:
    curve = curves_of(armature).fcurves.find('pose.bones["L_Wrist"]["confidence"]')
    for index, key in enumerate(curve.keyframe_points):
        key.interpolation = "BEZIER" if kind == "mixed" and index == 7 else kind if kind.isupper() else "LINEAR"
    if kind == "modified":
        curve.modifiers.new("NOISE")
    curve.update()
    frames = np.concatenate([np.arange(-3.0, 65.0), np.arange(1.0, 60.0, 0.37)])
    expected = np.array([curve.evaluate(frame) for frame in frames])
    assert np.abs(read_confidence(armature, frames)["L_Wrist"] - expected).max() < 1e-5


@pytest.mark.parametrize("in_strip", [False, True])
def test_contacts_detected_on_a_library_override_are_there_after_reopening(
    empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path, in_strip: bool
) -> None:
    """Blender keeps their curves, and drops the properties that these move: they are put back."""
    person = import_take(bpy.context, take_file).armature
    assert not set(CONTACTS) & set(person.keys())
    character = bpy.data.collections.new("character")
    character.objects.link(person)
    library, shot = tmp_path / "library.blend", tmp_path / "shot.blend"
    bpy.data.libraries.write(str(library), {character})
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (_, to):
        to.collections = ["character"]
    bpy.context.scene.collection.children.link(to.collections[0])
    made = to.collections[0].override_hierarchy_create(
        bpy.context.scene, bpy.context.view_layer, do_fully_editable=True
    )
    rig = next(thing for thing in made.all_objects if thing.type == "ARMATURE")
    bpy.context.view_layer.objects.active = rig
    bpy.context.scene.frame_end = 60
    assert bpy.ops.ikol.detect_contacts() == {"FINISHED"}
    write_contacts(rig, np.arange(1.0, 61.0), {name: np.arange(60) > 20 for name in CONTACTS})
    if in_strip:
        push_down(rig)
    bpy.ops.wm.save_as_mainfile(filepath=str(shot), check_existing=False)
    bpy.ops.wm.open_mainfile(filepath=str(shot))
    rig = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE" and thing.override_library)
    for frame, stands in ((10, 0.0), (40, 1.0)):
        bpy.context.scene.frame_set(frame)
        assert [rig[name] for name in CONTACTS] == [stands] * 4
