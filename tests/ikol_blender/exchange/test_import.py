"""Motion of other tools becomes armatures that move as the files say; wrong files are refused in words."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import IkolError
from bl_ext.user_default.ikol.ikol_blender.exchange.import_motion import ImportedMotion, import_motions, motion_files
from bl_ext.user_default.ikol.ikol_blender.exchange.import_motion import import_motion as import_any
from bl_ext.user_default.ikol.ikol_blender.exchange.naming import Naming, naming_of
from bl_ext.user_default.ikol.ikol_blender.exchange.rest_pose import RestPose
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of

from solver.take import Take
from tests.ikol_blender.exchange.test_export import MILLIMETRE, assert_comes_back, rate
from tests.shared_data import shared

CONVERT_FILES = Path(__file__).resolve().parents[2] / "solver" / "convert"
SOLVER_PYTHON = Path(__file__).resolve().parents[3] / ".venv" / "bin" / "python"


def _no_solver() -> Path:
    raise IkolError("The solver cannot run yet: not installed.")


def import_motion(
    context: bpy.types.Context, path: Path, solver_python: Path | None = None, **options: Any
) -> ImportedMotion:
    return import_any(
        context, path, solver_python=_no_solver if solver_python is None else lambda: solver_python, **options
    )


@pytest.fixture
def solver_python() -> Path:
    if not SOLVER_PYTHON.exists():
        pytest.skip("the solver's environment is not there")
    return SOLVER_PYTHON


@pytest.mark.parametrize("naming", Naming)
@pytest.mark.parametrize("rest_pose", RestPose)
def test_names_and_rest_poses_leave_the_motion(
    empty_scene: bpy.types.Scene, take_file: Path, turning_take: Take, naming: Naming, rest_pose: RestPose
) -> None:
    armature = import_motion(bpy.context, take_file, naming=naming, rest_pose=rest_pose).armatures[0]
    assert naming_of([bone.name for bone in armature.data.bones]) is naming
    assert_comes_back(armature, turning_take)


@pytest.mark.parametrize(("rest_pose", "slope"), [(RestPose.T, 0.0), (RestPose.A, 45.0)])
def test_arms_rest_where_they_should(
    empty_scene: bpy.types.Scene, take_file: Path, rest_pose: RestPose, slope: float
) -> None:
    armature = import_motion(bpy.context, take_file, rest_pose=rest_pose).armatures[0]
    bones = armature.data.bones
    for side, sign in (("L", 1.0), ("R", -1.0)):
        for start, end in (("Shoulder", "Elbow"), ("Elbow", "Wrist")):
            line = np.array(bones[f"{side}_{end}"].head_local) - np.array(bones[f"{side}_{start}"].head_local)
            line /= np.linalg.norm(line)
            aim = (sign * np.cos(np.radians(slope)), 0.0, -np.sin(np.radians(slope)))
            assert np.degrees(np.arccos(np.clip(line @ aim, -1, 1))) < 0.1
        assert np.linalg.norm(np.array(bones[f"{side}_Elbow"].tail_local) - bones[f"{side}_Wrist"].head_local) < 1e-5


@pytest.mark.parametrize("rest_pose", [RestPose.T, RestPose.A])
def test_the_mesh_follows_the_new_rest(empty_scene: bpy.types.Scene, take_file: Path, rest_pose: RestPose) -> None:
    """In the same pose, what hangs on one bone alone stays where it was; the rest moves by linear blending."""
    meshes = []
    for kind in (RestPose.SMPL, rest_pose):
        armature = import_motion(bpy.context, take_file, rest_pose=kind).armatures[0]
        bpy.context.scene.frame_set(20)
        (mesh,) = (child for child in armature.children if child.type == "MESH")
        evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
        points = np.empty(3 * len(evaluated.vertices), np.float32)
        evaluated.vertices.foreach_get("co", points)
        meshes.append(points.reshape(-1, 3))
    rigid = [v.index for v in mesh.data.vertices if max(group.weight for group in v.groups) > 0.9999]
    moved = np.linalg.norm(meshes[1] - meshes[0], axis=1)
    assert len(rigid) > 1000
    assert moved[rigid].max() < MILLIMETRE
    assert moved.max() < 0.06


def test_curves_are_renamed_and_never_flip(empty_scene: bpy.types.Scene, take_file: Path) -> None:
    armature = import_motion(bpy.context, take_file, naming=Naming.MIXAMO, rest_pose=RestPose.A).armatures[0]
    curves = curves_of(armature).fcurves
    assert len(curves) == 24 * 4 + 3 + 24, "rotations, location, confidence"
    for bone in Naming.MIXAMO.bones:
        assert curves.find(f'pose.bones["{bone}"]["confidence"]') is not None
        parts = []
        for index in range(4):
            curve = curves.find(f'pose.bones["{bone}"].rotation_quaternion', index=index)
            points = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get("co", points)
            parts.append(points[1::2])
        assert (np.stack(parts, 1)[1:] * np.stack(parts, 1)[:-1]).sum(axis=1).min() > 0.9, bone


def test_amass_on_the_open_body(empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path) -> None:
    poses = np.zeros((len(turning_take), 156))
    poses[:, :66] = turning_take.poses[:, :66]
    np.savez(tmp_path / "dance.npz", poses=poses, trans=turning_take.trans, betas=np.ones(16), mocap_framerate=120.0)
    imported = import_motion(bpy.context, tmp_path / "dance.npz")
    assert imported.armatures[0].name == "dance" and any("SMPL body" in notice for notice in imported.notices)
    assert rate() == pytest.approx(120.0)
    assert bpy.context.scene.frame_end == len(turning_take)


def test_two_people_of_wham_by_the_solver(empty_scene: bpy.types.Scene, solver_python: Path) -> None:
    imported = import_motion(bpy.context, CONVERT_FILES / "wham_output.pkl", solver_python=solver_python)
    assert [thing.name for thing in imported.armatures] == ["wham_output p1", "wham_output p2"]
    starts = [thing.animation_data.action.frame_range[0] for thing in imported.armatures]
    assert starts == [1.0, 81.0]
    assert bpy.context.scene.frame_end == 90


def test_without_the_solver_it_says_so(empty_scene: bpy.types.Scene) -> None:
    with pytest.raises(IkolError, match="not installed"):
        import_motion(bpy.context, CONVERT_FILES / "wham_output.pkl")


@pytest.mark.parametrize("match_scene", [True, False])
def test_bvh_of_motion_capture(empty_scene: bpy.types.Scene, match_scene: bool) -> None:
    path = shared("mocap/cmu_bvh/005_01.bvh")
    lines = path.read_text().splitlines()
    frame_count = next(int(line.split()[1]) for line in lines if line.startswith("Frames:"))
    frame_time = next(float(line.split()[2]) for line in lines if line.startswith("Frame Time:"))
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = 30, 1.001
    armature = import_motion(bpy.context, path, match_scene=match_scene).armatures[0]
    assert rate() == pytest.approx(1 / frame_time if match_scene else 30 / 1.001, rel=1e-6)
    start, end = armature.animation_data.action.frame_range
    assert abs((end - start) / rate() - (frame_count - 1) * frame_time) < 1e-3
    heads = np.array([armature.matrix_world @ bone.head_local for bone in armature.data.bones])
    assert 1.2 < np.ptp(heads[:, 2]) < 2.2, "upright, in metres"


_BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  End Site
  {
    OFFSET 0 80 0
  }
}
MOTION
Frames: 3
Frame Time: 0.04
0 90 0 0 0 0
0 91 0 0 0 9
0 92 0 0 5 0
"""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("91", "nan", "not numbers"),
        ("91", "inf", "not numbers"),
        ("91", "up", "damaged"),
        ("0.04", "-1", "frames a second"),
        ("0.04", "1e-12", "frames a second|damaged"),
        ("0.04", "nan", "damaged"),
        ("0 92 0 0 5 0", "0 92", "damaged"),
        ("OFFSET 0 80 0", "OFFSET nan 80 0", "damaged"),
        ("ROOT Hips", "ROOT", "damaged"),
    ],
)
def test_wrong_bvh_is_told_and_leaves_the_scene(
    empty_scene: bpy.types.Scene, tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    path = tmp_path / "a.bvh"
    path.write_text(_BVH)
    assert len(import_motion(bpy.context, path).armatures) == 1 and rate() == pytest.approx(25.0)
    bpy.ops.wm.read_homefile(use_empty=True)
    path.write_text(_BVH.replace(right, wrong))
    with pytest.raises(IkolError, match=said):
        import_motion(bpy.context, path)
    assert not bpy.data.objects and rate() == pytest.approx(24.0)


@pytest.mark.parametrize("name", ["a.npz", "a.bvh", "a.fbx", "a.pkl", "a.pt", "a.json", "a.txt"])
@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 broken", b"HIERARCHY\nROOT x\n{", b"Kaydara FBX Binary  \x00\x1a\x00broken"]
)
def test_garbage_is_refused_and_leaves_nothing(
    empty_scene: bpy.types.Scene, tmp_path: Path, solver_python: Path, name: str, content: bytes
) -> None:
    if name.endswith((".pkl", ".pt", ".json")) and content:
        pytest.skip("the solver's own tests have these")
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(IkolError):
        import_motion(bpy.context, path, solver_python=solver_python)
    assert not bpy.data.objects


def test_a_hostile_pickle_is_refused_and_not_run(
    empty_scene: bpy.types.Scene, tmp_path: Path, solver_python: Path
) -> None:
    mark, path = tmp_path / "ran", tmp_path / "wham_output.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR.")
    with pytest.raises(IkolError, match=r"asks to run os\.system"):
        import_motion(bpy.context, path, solver_python=solver_python)
    assert not mark.exists()
    pickle.loads(path.read_bytes())
    assert mark.exists() and sys.platform != "win32"


def test_operator_imports_a_folder_and_tells_of_the_broken_file(
    empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path
) -> None:
    for name, rate_hz in (("a", 60.0), ("c", 30.0)):
        poses = np.zeros((len(turning_take), 72))
        poses[:] = turning_take.poses
        np.savez(tmp_path / f"{name}.npz", poses=poses, trans=turning_take.trans, mocap_framerate=rate_hz)
    (tmp_path / "b.bvh").write_text("HIERARCHY\nROOT x\n{")
    (tmp_path / "notes.txt").write_text("no motion")
    assert bpy.ops.ikol.import_motion(filepath=str(tmp_path), naming="MIXAMO", rest_pose="T") == {"FINISHED"}
    armatures = {thing.name: thing for thing in bpy.data.objects if thing.type == "ARMATURE"}
    assert set(armatures) == {"a", "c"}
    assert rate() == pytest.approx(60.0)
    spans = [np.ptp(armatures[name].animation_data.action.frame_range) for name in ("a", "c")]
    assert spans[1] == pytest.approx(2 * spans[0])
    assert "mixamorig:Hips" in armatures["a"].data.bones


def test_several_files_are_all_in_view_and_selected(
    empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path
) -> None:
    for name, count in (("short", 20), ("long", 60)):
        part = {"poses": turning_take.poses[:count], "trans": turning_take.trans[:count]}
        np.savez(tmp_path / f"{name}.npz", mocap_framerate=30.0, **part)
    files = [{"name": "short.npz"}, {"name": "long.npz"}]
    chosen = str(tmp_path / "long.npz")  # what the file browser gives: the last one clicked, and all of them
    assert bpy.ops.ikol.import_motion(filepath=chosen, directory=str(tmp_path), files=files) == {"FINISHED"}
    assert {thing.name for thing in bpy.context.selected_objects} == {"short", "long"}
    assert bpy.context.object.name == "short"
    assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (1, 60)


def test_a_folder_of_easymocap_is_one_motion(empty_scene: bpy.types.Scene, tmp_path: Path, solver_python: Path) -> None:
    zeros = {"Rh": [[1.5708, 0, 0]], "Th": [[0, 0, 1]], "poses": [[0] * 72], "shapes": [[0] * 10]}
    for moment in range(5):
        (tmp_path / f"{moment:06}.json").write_text(json.dumps([{"id": 0, **zeros}]))
    assert [path.name for path in motion_files(tmp_path)] == ["000000.json"]
    imported = import_motions(bpy.context, motion_files(tmp_path), rate_hz=50.0, solver_python=lambda: solver_python)
    assert len(imported.armatures) == 1 and not imported.notices
    assert imported.armatures[0].animation_data.action.frame_range[1] == 5 and rate() == pytest.approx(50.0)


def test_rate_counts_where_the_file_does_not_say(
    empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path
) -> None:
    arrays = {"poses": turning_take.poses, "trans": turning_take.trans}
    np.savez(tmp_path / "silent.npz", **arrays)
    np.savez(tmp_path / "told.npz", mocap_framerate=100.0, **arrays)
    for name, rate_hz, expected in (("silent", None, 30.0), ("silent", 25.0, 25.0), ("told", 25.0, 100.0)):
        imported = import_motion(bpy.context, tmp_path / f"{name}.npz", rate_hz=rate_hz)
        assert rate() == pytest.approx(expected)
        assert any("30 were assumed" in notice for notice in imported.notices) == (expected == 30.0)


def test_an_empty_folder_is_told(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no motion")
    with pytest.raises(RuntimeError, match=r"has no motion files.*It reads|has no motion files.*IKOL reads"):
        bpy.ops.ikol.import_motion(filepath=str(tmp_path))


def test_takes_of_our_own_have_the_choice_too(
    empty_scene: bpy.types.Scene, take_file: Path, turning_take: Take
) -> None:
    assert bpy.ops.ikol.import_take(filepath=str(take_file), naming="MIXAMO", rest_pose="T") == {"FINISHED"}
    armature = bpy.context.object
    assert naming_of([bone.name for bone in armature.data.bones]) is Naming.MIXAMO
    arm = armature.data.bones["mixamorig:LeftForeArm"]
    assert abs((arm.tail_local - arm.head_local).normalized().x - 1) < 1e-5
    assert_comes_back(armature, turning_take)


def test_operator_refuses_in_words(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "a.bvh").write_text("broken")
    for path in (tmp_path, tmp_path / "a.bvh", tmp_path / "gone.npz"):
        with pytest.raises(RuntimeError, match=r"read|no file"):
            bpy.ops.ikol.import_motion(filepath=str(path))
    assert not bpy.data.objects
