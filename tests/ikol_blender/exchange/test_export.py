"""Each exporter's file, read back by Blender's importers, has the joints within 1 mm and the moments within 1 ms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import BadInput
from bl_ext.user_default.ikol.ikol_blender.exchange.export_motion import FbxAxes, Format, agreed, export_motion
from bl_ext.user_default.ikol.ikol_blender.exchange.import_motion import ImportedMotion
from bl_ext.user_default.ikol.ikol_blender.exchange.import_motion import import_motion as import_any
from bl_ext.user_default.ikol.ikol_blender.exchange.naming import Naming, naming_of
from bl_ext.user_default.ikol.ikol_blender.exchange.rest_pose import RestPose
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.scene.timing import changed_rate
from mathutils import Quaternion

from solver.take import Take, write_take

MILLIMETRE, MILLISECOND = 1e-3, 1e-3


def import_motion(context: bpy.types.Context, path: Path, **options: Any) -> ImportedMotion:
    def no_solver() -> Path:
        raise AssertionError("asked for the solver")

    return import_any(context, path, solver_python=no_solver, **options)


@pytest.fixture
def body(empty_scene: bpy.types.Scene, take_file: Path) -> bpy.types.Object:
    return import_motion(bpy.context, take_file).armatures[0]


def heads_over_time(armature: bpy.types.Object, frames: np.ndarray) -> np.ndarray:
    """(T, 24, 3) world, by Blender's own evaluation."""
    names = naming_of([bone.name for bone in armature.pose.bones]).bones
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(int(np.floor(frame)), subframe=float(frame - np.floor(frame)))
        found.append([tuple(armature.matrix_world @ armature.pose.bones[name].head) for name in names])
    return np.array(found)


def rate() -> float:
    render = bpy.context.scene.render
    return render.fps / render.fps_base


def armature_of(path: Path, load: Callable[[], object]) -> bpy.types.Object:
    present = set(bpy.data.objects)
    load()
    (found,) = (thing for thing in set(bpy.data.objects) - present if thing.type == "ARMATURE")
    return found


def assert_comes_back(armature: bpy.types.Object, take: Take) -> None:
    """Every moment of the take, at its time from the file's first, has its joints."""
    start = armature.animation_data.action.frame_range[0]
    frames = start + np.arange(len(take)) / take.framerate * rate()
    error = np.linalg.norm(heads_over_time(armature, frames) - take.keypoints3d, axis=-1)
    assert error.max() < MILLIMETRE, f"{error.max() * 1000:.2f} mm at moment {error.max(axis=1).argmax()}"
    seconds = (armature.animation_data.action.frame_range[1] - start) / rate()
    assert abs(seconds - (len(take) - 1) / take.framerate) < MILLISECOND


@pytest.mark.parametrize("rest_pose", RestPose)
def test_amass(
    empty_scene: bpy.types.Scene, take_file: Path, turning_take: Take, tmp_path: Path, rest_pose: RestPose
) -> None:
    import_motion(bpy.context, take_file, rest_pose=rest_pose, naming=Naming.MIXAMO)
    path = export_motion(bpy.context, tmp_path / "out.npz", Format.AMASS)
    with np.load(path, allow_pickle=False) as stored:
        assert np.abs(stored["trans"] - turning_take.trans).max() < 1e-5
        assert np.abs(stored["betas"] - turning_take.betas).max() < 1e-6
        assert abs(float(stored["mocap_framerate"]) - turning_take.framerate) < 1e-4
    bpy.ops.wm.read_homefile(use_empty=True)
    assert_comes_back(import_motion(bpy.context, path).armatures[0], turning_take)


def test_bvh(body: bpy.types.Object, turning_take: Take, tmp_path: Path) -> None:
    path = export_motion(bpy.context, tmp_path / "out", Format.BVH)
    assert path.suffix == ".bvh"
    read = armature_of(path, lambda: bpy.ops.import_anim.bvh(filepath=str(path), global_scale=0.01))
    assert_comes_back(read, turning_take)
    bpy.ops.wm.read_homefile(use_empty=True)
    ours = import_motion(bpy.context, path).armatures[0]
    assert_comes_back(ours, turning_take)
    assert rate() == pytest.approx(turning_take.framerate, rel=1e-6)


@pytest.mark.parametrize("axes", FbxAxes)
def test_fbx(body: bpy.types.Object, turning_take: Take, tmp_path: Path, axes: FbxAxes) -> None:
    path = export_motion(bpy.context, tmp_path / "out.fbx", Format.FBX, fbx_axes=axes)
    seconds = fbx_key_times(path)
    assert np.abs(np.diff(seconds) - 1 / turning_take.framerate).max() < 1e-6
    assert len(seconds) == len(turning_take)
    assert_comes_back(import_motion(bpy.context, path).armatures[0], turning_take)


@pytest.mark.parametrize("match_scene", [True, False])
@pytest.mark.parametrize("form", [Format.AMASS, Format.BVH, Format.FBX])
def test_what_comes_back_starts_on_frame_1(
    body: bpy.types.Object, turning_take: Take, tmp_path: Path, form: Format, match_scene: bool
) -> None:
    path = export_motion(bpy.context, tmp_path / f"out{form.suffix}", form)
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    armature = import_motion(bpy.context, path, match_scene=match_scene).armatures[0]
    start, end = armature.animation_data.action.frame_range
    assert start == pytest.approx(1.0, abs=1e-4)
    if match_scene:
        assert (scene.frame_start, scene.frame_end) == (1, len(turning_take)) and end == pytest.approx(
            len(turning_take)
        )
    assert_comes_back(armature, turning_take)


def test_an_fbx_of_a_later_time_starts_on_frame_1_and_what_carries_it_keeps_step(
    body: bpy.types.Object, tmp_path: Path
) -> None:
    """As from a shot that begins at frame 101, the character on a moving carrier."""
    scene = bpy.context.scene
    carrier = bpy.data.objects.new("Carrier", None)
    scene.collection.objects.link(carrier)
    body.parent = carrier
    for curve in curves_of(body).fcurves:
        for point in curve.keyframe_points:
            point.co[0] += 100
        curve.update()
    for frame, place in ((101, 0.0), (160, 5.0)):
        carrier.location.x = place
        carrier.keyframe_insert("location", frame=frame)
    scene.frame_start, scene.frame_end = 101, 160
    shown = heads_over_time(body, np.array([101.0, 120.0, 160.0]))
    options = {"bake_anim_use_nla_strips": False, "bake_anim_use_all_actions": False, "bake_anim_simplify_factor": 0.0}
    bpy.ops.export_scene.fbx(filepath=str(tmp_path / "shot.fbx"), object_types={"ARMATURE", "EMPTY"}, **options)
    bpy.ops.wm.read_homefile(use_empty=True)
    armature = import_motion(bpy.context, tmp_path / "shot.fbx").armatures[0]
    assert armature.animation_data.action.frame_range[0] == pytest.approx(1.0, abs=1e-4)
    assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (1, 60)
    read = heads_over_time(armature, np.array([1.0, 20.0, 60.0]))
    assert np.linalg.norm(read - shown, axis=-1).max() < MILLIMETRE


# What Autodesk calls Maya's axes with Y up and 3ds Max's with Z up; Unreal's are the latter.
Y_UP = {"UpAxis": 1, "UpAxisSign": 1, "FrontAxis": 2, "FrontAxisSign": 1, "CoordAxis": 0, "CoordAxisSign": 1}
Z_UP = {"UpAxis": 2, "UpAxisSign": 1, "FrontAxis": 1, "FrontAxisSign": -1, "CoordAxis": 0, "CoordAxisSign": 1}


@pytest.mark.parametrize(
    ("axes", "expected", "unit_cm"),
    [(FbxAxes.UNITY, Y_UP, 100.0), (FbxAxes.UNREAL, Z_UP, 1.0), (FbxAxes.MIXAMO, Y_UP, 1.0)],
)
def test_fbx_says_its_axes_and_its_unit(
    body: bpy.types.Object, tmp_path: Path, axes: FbxAxes, expected: dict[str, float], unit_cm: float
) -> None:
    found = fbx_settings(export_motion(bpy.context, tmp_path / "out.fbx", Format.FBX, fbx_axes=axes))
    assert {name: found[name] for name in expected} == expected
    assert found["UnitScaleFactor"] == unit_cm


def fbx_settings(path: Path) -> dict[str, float]:
    """The numbers of the file's GlobalSettings, by the parser alone."""
    from io_scene_fbx import parse_fbx

    elements = parse_fbx.parse(str(path))[0].elems
    (settings,) = (element for element in elements if element.id == b"GlobalSettings")
    (properties,) = (element for element in settings.elems if element.id == b"Properties70")
    return {entry.props[0].decode(): entry.props[4] for entry in properties.elems if len(entry.props) == 5}


def fbx_key_times(path: Path) -> np.ndarray:
    """Seconds of the keys of the file's first curve, by the parser alone: 46186158000 of FBX's ticks are a second."""
    from io_scene_fbx import parse_fbx

    def first(element) -> list[float] | None:
        if element.id == b"KeyTime":
            return list(element.props[0])
        return next((found for child in element.elems if (found := first(child)) is not None), None)

    return np.array(first(parse_fbx.parse(str(path))[0])) / 46186158000


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_gltf(body: bpy.types.Object, turning_take: Take, tmp_path: Path, suffix: str) -> None:
    path = export_motion(bpy.context, tmp_path / f"out{suffix}", Format.GLTF)
    assert_comes_back(armature_of(path, lambda: bpy.ops.import_scene.gltf(filepath=str(path))), turning_take)


def test_usd(body: bpy.types.Object, turning_take: Take, tmp_path: Path) -> None:
    path = export_motion(bpy.context, tmp_path / "out.usdc", Format.USD)
    assert_comes_back(armature_of(path, lambda: bpy.ops.wm.usd_import(filepath=str(path))), turning_take)


def test_the_scene_stays_as_it_was(body: bpy.types.Object, tmp_path: Path) -> None:
    other = bpy.data.objects.new("Other", None)
    bpy.context.scene.collection.objects.link(other)
    other.select_set(True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 5, 9
    scene.frame_set(7)
    bpy.ops.object.mode_set(mode="POSE")
    export_motion(bpy.context, tmp_path / "out.glb", Format.GLTF)
    assert (scene.frame_start, scene.frame_end, scene.frame_current) == (5, 9, 7)
    assert bpy.context.view_layer.objects.active == body and body.mode == "POSE"
    assert other.select_get()


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("mode", ["OBJECT", "POSE"])
def test_what_is_posed_without_a_key_stays(body: bpy.types.Object, tmp_path: Path, form: Format, mode: str) -> None:
    """Whether the file is written or not."""
    scene, bone = bpy.context.scene, body.pose.bones["Spine1"]
    scene.frame_set(7, subframe=0.5)
    bpy.ops.object.mode_set(mode=mode)
    bone.rotation_quaternion = bone.rotation_quaternion @ Quaternion((1.0, 0.0, 0.0), 0.4)
    posed = tuple(bone.rotation_quaternion)
    export_motion(bpy.context, tmp_path / f"out{form.suffix}", form)
    bpy.context.view_layer.update()
    assert tuple(bone.rotation_quaternion) == posed and scene.frame_current_final == 7.5
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput):
        export_motion(bpy.context, tmp_path / "file" / f"out{form.suffix}", form)
    bpy.context.view_layer.update()
    assert tuple(bone.rotation_quaternion) == posed and scene.frame_current_final == 7.5


def test_amass_of_another_skeleton_is_refused(body: bpy.types.Object, tmp_path: Path) -> None:
    body.data.bones["Pelvis"].name = "Root"
    with pytest.raises(BadInput, match="no SMPL body"):
        export_motion(bpy.context, tmp_path / "out.npz", Format.AMASS)


def test_what_more_than_keys_moves_is_told_and_what_blender_shows_is_written(
    body: bpy.types.Object, tmp_path: Path
) -> None:
    """Files made of keys alone would hold another motion."""
    body.keyframe_insert("location", frame=1)
    body.location.x = 2.0
    body.keyframe_insert("location", frame=60)
    for suffix in (".npz", ".bvh"):
        with pytest.raises(RuntimeError, match=r"itself animated.*Export FBX, glTF or USD"):
            bpy.ops.ikol.export(filepath=str(tmp_path / f"out{suffix}"))
        assert not (tmp_path / f"out{suffix}").exists()
    frames = np.array([1.0, 30.0, 60.0])
    shown = heads_over_time(body, frames)
    path = export_motion(bpy.context, tmp_path / "out.fbx", Format.FBX)
    read = import_motion(bpy.context, path).armatures[0]
    frames += read.animation_data.action.frame_range[0] - 1
    assert np.linalg.norm(heads_over_time(read, frames) - shown, axis=-1).max() < MILLIMETRE


def test_a_held_bone_is_told(body: bpy.types.Object, tmp_path: Path) -> None:
    names = naming_of([bone.name for bone in body.pose.bones]).bones
    constraint = body.pose.bones[names[20]].constraints.new("LIMIT_ROTATION")
    constraint.owner_space, constraint.use_limit_x, constraint.use_limit_z = "LOCAL", True, True
    with pytest.raises(BadInput, match="not where its keys alone put it") as told:
        export_motion(bpy.context, tmp_path / "out.bvh", Format.BVH)
    assert told.value.hint.startswith("Export FBX, glTF or USD")
    constraint.mute = True
    assert export_motion(bpy.context, tmp_path / "out.bvh", Format.BVH).is_file()


@pytest.mark.parametrize("form", Format)
def test_a_folder_that_is_not_there_is_told(body: bpy.types.Object, tmp_path: Path, form: Format) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput):
        export_motion(bpy.context, tmp_path / "file" / f"out{form.suffix}", form)


@pytest.mark.parametrize(
    ("name", "form", "written"),
    [
        ("a.bvh", Format.BVH, "a.bvh"),
        ("a.fbx", Format.GLTF, "a.glb"),
        ("a.gltf", Format.GLTF, "a.gltf"),
        ("a.GLB", Format.GLTF, "a.GLB"),
        ("a.usda", Format.USD, "a.usda"),
        ("take 1.5", Format.FBX, "take 1.5.fbx"),
        ("v2", Format.AMASS, "v2.npz"),
    ],
)
def test_files_have_a_suffix_of_their_format(name: str, form: Format, written: str) -> None:
    assert form.named(Path("folder") / name) == Path("folder") / written


@pytest.mark.parametrize(
    ("name", "form", "before", "expected"),
    [
        ("walk.fbx", Format.AMASS, Format.AMASS, ("walk.fbx", Format.FBX)),
        ("walk.USDA", Format.FBX, Format.FBX, ("walk.USDA", Format.USD)),
        ("walk", Format.BVH, Format.BVH, ("walk.bvh", Format.BVH)),
        ("take 1.5", Format.BVH, Format.BVH, ("take 1.5.bvh", Format.BVH)),
        ("walk.npz", Format.FBX, Format.AMASS, ("walk.fbx", Format.FBX)),
        ("walk.glb", Format.GLTF, Format.GLTF, ("walk.glb", Format.GLTF)),
    ],
)
def test_in_the_dialog_suffix_and_format_follow_each_other(
    name: str, form: Format, before: Format, expected: tuple[str, Format]
) -> None:
    assert agreed(Path("folder") / name, form, before) == (Path("folder") / expected[0], expected[1])


@pytest.mark.parametrize("form", Format)
def test_a_script_may_leave_the_format_to_the_suffix(body: bpy.types.Object, tmp_path: Path, form: Format) -> None:
    for suffix in form.suffixes:
        assert bpy.ops.ikol.export(filepath=str(tmp_path / f"out{suffix}")) == {"FINISHED"}
    magic = {
        ".npz": b"PK", ".bvh": b"HIERARCHY", ".fbx": b"Kaydara", ".glb": b"glTF", ".gltf": b"{", ".usdz": b"PK",
        ".usdc": b"PXR-USDC", ".usda": b"#usda", ".usd": b"PXR-USDC",
    }  # fmt: skip
    for suffix in form.suffixes:
        assert (tmp_path / f"out{suffix}").read_bytes().startswith(magic[suffix]), suffix


@pytest.mark.parametrize("form", Format)
def test_contacts_and_confidence_disturb_no_format(
    empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path, form: Format
) -> None:
    contacts = np.zeros((len(turning_take), 4))
    contacts[10:30, :2] = contacts[30:50, 2:] = 1.0
    confidence = np.random.default_rng(1).uniform(size=(len(turning_take), 24))
    take = replace(turning_take, contacts=contacts, confidence=confidence)
    armature = import_motion(bpy.context, write_take(take, tmp_path / "take_p1.npz")).armatures[0]
    path = export_motion(bpy.context, tmp_path / f"out{form.suffix}", form)
    assert "contact_left_heel" in armature
    read = {
        Format.GLTF: lambda: armature_of(path, lambda: bpy.ops.import_scene.gltf(filepath=str(path))),
        Format.USD: lambda: armature_of(path, lambda: bpy.ops.wm.usd_import(filepath=str(path))),
    }.get(form, lambda: import_motion(bpy.context, path).armatures[0])
    assert_comes_back(read(), take)


def test_another_rate_of_the_scene_is_told(
    body: bpy.types.Object, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scene = bpy.context.scene
    assert changed_rate(scene, body) is None
    bpy.ops.ikol.smooth()  # an edit knows as well
    bpy.ops.ikol.export(filepath=str(tmp_path / "own.npz"))
    assert "fps" not in capfd.readouterr().out
    scene.render.fps, scene.render.fps_base = 24, 1.0
    bpy.ops.ikol.export(filepath=str(tmp_path / "slow.npz"))
    told = changed_rate(scene, body)
    assert told is not None and told in capfd.readouterr().out
    assert "made for 29.97 fps and the scene has 24: it is slower" in told
    assert "Set the scene's frame rate to 29.97 fps in Output properties" in told
    assert scene.render.fps == 24
    body.pose.bones["Head"].rotation_quaternion = (0.0, 1.0, 0.0, 0.0)
    bpy.ops.ikol.add_offset_layer()
    bpy.ops.ikol.merge_layers()
    assert changed_rate(scene, body) == told


@pytest.mark.parametrize("form", [Format.BVH, Format.FBX])
def test_motion_of_other_tools_knows_its_rate(body: bpy.types.Object, tmp_path: Path, form: Format) -> None:
    """Where it was fitted to the scene's rate, that one."""
    path = export_motion(bpy.context, tmp_path / f"out{form.suffix}", form)
    for match_scene, own in ((True, "29.97"), (False, "24")):
        bpy.ops.wm.read_homefile(use_empty=True)
        scene = bpy.context.scene
        armature = import_motion(bpy.context, path, match_scene=match_scene).armatures[0]
        assert changed_rate(scene, armature) is None
        scene.render.fps, scene.render.fps_base = 60, 1.0
        told = changed_rate(scene, armature)
        assert told is not None and f"made for {own} fps and the scene has 60: it is faster" in told


@pytest.mark.parametrize("form", Format)
def test_operator_writes_the_format(body: bpy.types.Object, tmp_path: Path, form: Format) -> None:
    path = tmp_path / f"out{form.suffix}"
    assert bpy.ops.ikol.export(filepath=str(path), format=form.name) == {"FINISHED"}
    assert path.stat().st_size > 1000
