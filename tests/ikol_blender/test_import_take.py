"""An imported take moves in Blender as SMPL says it moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import BadInput
from bl_ext.user_default.ikol.ikol_blender.scene import ImportedTake, import_take
from bl_ext.user_default.ikol.ikol_blender.scene.armature import BONE_NAMES
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.scene.timing import has_animation
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from solver.take import Take, write_take


@pytest.fixture
def imported(empty_scene: bpy.types.Scene, take_file: Path) -> ImportedTake:
    return import_take(bpy.context, take_file)


def _bone_heads(armature: bpy.types.Object) -> np.ndarray:
    bpy.context.view_layer.update()
    return np.array([armature.matrix_world @ armature.pose.bones[name].head for name in BONE_NAMES])


def _curves(imported: ImportedTake) -> dict[str, list[np.ndarray]]:
    found: dict[str, list[np.ndarray]] = {}
    for curve in curves_of(imported.armature).fcurves:
        points = np.empty(2 * len(curve.keyframe_points), np.float32)
        curve.keyframe_points.foreach_get("co", points)
        found.setdefault(curve.data_path, []).append(points.reshape(-1, 2))
    return found


def test_bones_stand_where_the_take_has_its_joints(imported: ImportedTake, turning_take: Take) -> None:
    for index in range(0, len(turning_take), 7):
        bpy.context.scene.frame_set(1 + index)
        error = np.abs(_bone_heads(imported.armature) - turning_take.keypoints3d[index]).max()
        assert error < 1e-4, f"{error * 1000:.3f} mm at moment {index}"


def test_body_deforms_as_smpl_skinning_does(imported: ImportedTake, turning_take: Take, skinned_vertices) -> None:
    for index in (0, 19, 44, 59):
        bpy.context.scene.frame_set(1 + index)
        mesh = imported.mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
        vertices = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", vertices)
        error = np.linalg.norm(vertices.reshape(-1, 3) - skinned_vertices(index), axis=1).max()
        assert error < 1e-3, f"{error * 1000:.3f} mm at moment {index}"


def test_curves_are_24_rotations_and_one_location_with_a_key_per_moment(
    imported: ImportedTake, turning_take: Take
) -> None:
    curves = _curves(imported)
    rotations = {path: parts for path, parts in curves.items() if path.endswith("rotation_quaternion")}
    locations = {path: parts for path, parts in curves.items() if path.endswith("location")}
    assert len(rotations) == 24 and all(len(parts) == 4 for parts in rotations.values())
    assert list(locations) == ['pose.bones["Pelvis"].location'] and len(locations['pose.bones["Pelvis"].location']) == 3
    for parts in (*rotations.values(), *locations.values()):
        for points in parts:
            assert np.isfinite(points).all()
            assert np.array_equal(points[:, 0], 1 + np.arange(len(turning_take)))


def test_quaternions_never_flip_though_the_person_turns_once_around(imported: ImportedTake) -> None:
    for path, parts in _curves(imported).items():
        if path.endswith("rotation_quaternion"):
            quaternions = np.stack([points[:, 1] for points in parts], axis=1)
            assert (quaternions[1:] * quaternions[:-1]).sum(axis=1).min() > 0.9, path
            assert np.abs(np.linalg.norm(quaternions, axis=1) - 1).max() < 1e-6


def test_scene_gets_rate_range_and_camera(imported: ImportedTake, turning_take: Take) -> None:
    scene = bpy.context.scene
    assert (scene.render.fps, scene.render.fps_base) == (30, pytest.approx(1.001))
    assert (scene.frame_start, scene.frame_end) == (1, 60)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (640, 360)
    assert scene.camera == imported.camera


def test_camera_projects_as_the_takes_camera_does(imported: ImportedTake, turning_take: Take) -> None:
    bpy.context.view_layer.update()
    points = turning_take.keypoints3d[30].astype(np.float64)
    seen = [world_to_camera_view(bpy.context.scene, imported.camera, Vector(point)) for point in points]
    pixels = np.array([(view.x * 640, (1 - view.y) * 360) for view in seen])
    assert np.abs(pixels - turning_take.camera.project(points)).max() < 0.01


def test_bones_point_at_their_children_and_bend_alike_on_both_sides(imported: ImportedTake) -> None:
    bones = imported.armature.data.bones
    assert {bone.name for bone in bones} == set(BONE_NAMES)
    for bone, child in (("L_Knee", "L_Ankle"), ("Pelvis", "Spine1"), ("Spine3", "Neck"), ("R_Elbow", "R_Wrist")):
        assert (bones[bone].tail_local - bones[child].head_local).length < 1e-6
    assert min(bone.length for bone in bones) > 0.02
    for name in BONE_NAMES:
        if name.startswith("L_"):
            left, right = (np.array(bones[side + name[2:]].matrix_local)[:3, :3] for side in ("L_", "R_"))
            mirrored = np.diag([-1, 1, 1]) @ left @ np.diag([-1, 1, 1])
            # Y and Z are mirrored, so X, which completes them, bends both sides alike.
            assert np.abs(mirrored - right).max() < 0.05, name


def test_body_stands_on_the_floor_at_rest_with_its_betas(imported: ImportedTake, turning_take: Take) -> None:
    imported.armature.data.pose_position = "REST"
    mesh = imported.mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    heights = [vertex.co.z for vertex in mesh.vertices]
    assert min(heights) == pytest.approx(0.0, abs=1e-4)
    keys = imported.mesh.data.shape_keys.key_blocks
    assert [keys[f"Shape{i:03}"].value for i in range(10)] == pytest.approx(turning_take.betas.tolist(), abs=1e-5)


def test_unmatched_scene_keeps_its_settings_and_the_motion_its_speed(
    empty_scene: bpy.types.Scene, take_file: Path, turning_take: Take
) -> None:
    empty_scene.render.fps, empty_scene.frame_end = 60, 1000
    imported = import_take(bpy.context, take_file, match_scene=False)
    assert (empty_scene.render.fps, empty_scene.frame_end, empty_scene.render.resolution_x) == (60, 1000, 1920)
    frames = _curves(imported)['pose.bones["Head"].rotation_quaternion'][0][:, 0]
    assert frames[-1] == pytest.approx(1 + 60 * (turning_take.timestamps[-1] - turning_take.timestamps[0]), abs=1e-3)


def test_whats_imported_is_selected_and_the_frame_stays(empty_scene: bpy.types.Scene, take_file: Path) -> None:
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    bpy.ops.object.mode_set(mode="EDIT")
    empty_scene.frame_set(17)
    imported = import_take(bpy.context, take_file)
    assert bpy.context.mode == "OBJECT"
    assert bpy.context.selected_objects == [imported.armature] and bpy.context.object == imported.armature
    assert not cube.select_get()
    assert empty_scene.frame_current == 17


def test_only_a_scene_with_animation_is_asked_about(empty_scene: bpy.types.Scene) -> None:
    bpy.ops.wm.read_homefile()
    scene = bpy.context.scene
    assert not has_animation(scene)
    scene.sequence_editor_create()
    assert not has_animation(scene)
    scene.objects["Cube"].keyframe_insert("location", frame=1)
    assert has_animation(scene)


def test_animated_shape_keys_are_animation(empty_scene: bpy.types.Scene) -> None:
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    cube.shape_key_add(name="Basis")
    smile = cube.shape_key_add(name="Smile")
    assert not has_animation(empty_scene)
    smile.keyframe_insert("value", frame=1)
    assert has_animation(empty_scene)


@pytest.mark.parametrize("property_name", ["hide_viewport", "exclude"])
def test_take_comes_into_sight_though_the_active_collection_is_hidden(
    empty_scene: bpy.types.Scene, take_file: Path, property_name: str
) -> None:
    hidden = bpy.data.collections.new("hidden")
    empty_scene.collection.children.link(hidden)
    layer = bpy.context.view_layer.layer_collection.children["hidden"]
    bpy.context.view_layer.active_layer_collection = layer
    setattr(layer, property_name, True)
    assert import_take(bpy.context, take_file).armature.visible_get()


def test_take_is_imported_though_the_active_collection_is_of_another_file(
    empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path
) -> None:
    library = tmp_path / "library.blend"
    bpy.data.libraries.write(str(library), {bpy.data.collections.new("theirs")}, fake_user=True)
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.collections = ["theirs"]
    bpy.context.scene.collection.children.link(bpy.data.collections["theirs"])
    view_layer = bpy.context.view_layer
    view_layer.active_layer_collection = view_layer.layer_collection.children["theirs"]
    imported = import_take(bpy.context, take_file)
    assert bpy.context.scene.collection.children[imported.collection.name] == imported.collection


def test_two_people_share_a_scene(empty_scene: bpy.types.Scene, take_file: Path, turning_take: Take) -> None:
    second = write_take(turning_take, take_file.with_name("take_p2.npz"))
    names = [import_take(bpy.context, path).armature.name for path in (take_file, second)]
    assert names == ["turning p1", "turning p2"]


def test_who_enters_later_is_keyed_later(empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path) -> None:
    since = turning_take.timestamps[0]
    later = replace(
        turning_take,
        timestamps=turning_take.timestamps + 20 / turning_take.framerate,
        meta={**turning_take.meta, "in_point_s": since},
    )
    imported = import_take(bpy.context, write_take(later, tmp_path / "take_p2.npz"))
    keys = _curves(imported)['pose.bones["Head"].rotation_quaternion'][0][:, 0]
    assert np.array_equal(keys, 21 + np.arange(len(turning_take)))
    assert (empty_scene.frame_start, empty_scene.frame_end) == (1, 20 + len(turning_take))
    empty_scene.frame_set(21 + 30)
    assert np.abs(_bone_heads(imported.armature) - turning_take.keypoints3d[30]).max() < 1e-4


def test_saved_file_opens_again_with_the_same_motion(
    imported: ImportedTake, turning_take: Take, tmp_path: Path
) -> None:
    blend = tmp_path / "take.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    bpy.context.scene.frame_set(31)
    armature = bpy.data.objects["turning p1"]
    assert armature.animation_data.action.name == "turning p1"
    assert np.abs(_bone_heads(armature) - turning_take.keypoints3d[30]).max() < 1e-4


def test_takes_of_another_body_are_refused_before_anything_changes(
    empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path
) -> None:
    path = write_take(replace(turning_take, model="smpl"), tmp_path / "take_p1.npz")
    with pytest.raises(BadInput, match="solved with an SMPL body"):
        import_take(bpy.context, path)
    assert len(bpy.data.objects) == 0 and empty_scene.render.fps == 24


def test_missing_video_is_refused(empty_scene: bpy.types.Scene, take_file: Path) -> None:
    with pytest.raises(BadInput, match="no video"):
        import_take(bpy.context, take_file, video=take_file.with_suffix(".mp4"))
    assert len(bpy.data.objects) == 0
