"""Operators do what the functions behind them do, and say in words what went wrong."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import addon_utils
import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.preferences import solver_in_words
from bl_ext.user_default.ikol.ikol_blender.runtime.job import SolveJob
from bl_ext.user_default.ikol.ikol_blender.runtime.process import SolverProcess
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of
from bl_ext.user_default.ikol.ikol_blender.ui.session import SESSION
from bl_ext.user_default.ikol.ikol_blender.ui.ticking import Ticking
from bl_ext.user_default.ikol.ikol_blender.words import counted

from solver.take import Take, read_take
from tests.shared_data import shared

_PREFERENCES = bpy.context.preferences
_STANDIN = """#!{python}
import json, pathlib, shutil, sys
assert sys.argv[1:4] == ["-m", "solver", "solve"], sys.argv
assert pathlib.Path("solver/__main__.py").is_file(), "the working directory holds the solver"
pathlib.Path({record!r}).write_text(json.dumps(sys.argv[4:]))
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
out.mkdir(parents=True, exist_ok=True)
shutil.copy({take!r}, out / "take_p1.npz")
print(json.dumps({{"event": "take", "person": 1, "path": str(out / "take_p1.npz")}}))
print(json.dumps({{"event": "done"}}))
"""


@pytest.fixture
def solver_of_own():
    """Sets the preferences' own Python of the solver, and clears it afterwards."""
    preferences = _PREFERENCES.addons["bl_ext.user_default.ikol"].preferences

    def use(python: Path) -> None:
        preferences.solver_python = str(python)

    yield use
    preferences.solver_python = ""


@pytest.fixture
def stand_in(tmp_path: Path, solver_of_own):
    """Puts a program in the solver's place that writes a given take; gives where it records its arguments."""
    if os.name == "nt":
        pytest.skip("the stand-in is a script with a first line")

    def install(take: Path) -> Path:
        record, script = tmp_path / "arguments.json", tmp_path / "python"
        script.write_text(_STANDIN.format(python=sys.executable, take=str(take), record=str(record)))
        script.chmod(0o755)
        solver_of_own(script)
        return record

    return install


def _motion(armature: bpy.types.Object) -> dict[tuple[str, int], np.ndarray]:
    motion = {}
    for curve in curves_of(armature).fcurves:
        points = np.empty(2 * len(curve.keyframe_points), np.float32)
        curve.keyframe_points.foreach_get("co", points)
        motion[curve.data_path, curve.array_index] = points
    return motion


def test_operator_and_function_give_the_same_action(empty_scene: bpy.types.Scene, take_file: Path) -> None:
    by_function = import_take(bpy.context, take_file).armature
    assert bpy.ops.ikol.import_take(filepath=str(take_file)) == {"FINISHED"}
    by_operator = bpy.context.object
    assert by_operator is not by_function and by_operator.animation_data.action != by_function.animation_data.action
    expected, found = _motion(by_function), _motion(by_operator)
    assert expected.keys() == found.keys() and len(found) == 24 * 4 + 3 + 24, "rotations, location, confidence"
    assert all(np.array_equal(expected[key], found[key]) for key in expected)


def test_import_is_one_undo_step(empty_scene: bpy.types.Scene, take_file: Path) -> None:
    empty_scene.render.fps = 25
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.ikol.import_take("EXEC_DEFAULT", True, filepath=str(take_file))
    assert len(bpy.data.objects) == 4 and bpy.context.scene.render.fps == 30
    bpy.ops.ed.undo()
    assert [thing.name for thing in bpy.data.objects] == ["Cube"] and bpy.context.scene.render.fps == 25
    assert len(bpy.data.armatures) == len(bpy.data.actions) == len(bpy.data.cameras) == 0
    bpy.ops.ed.redo()
    assert bpy.data.objects["turning p1"].animation_data.action is not None


def test_menu_asks_for_a_file_though_one_was_imported_before() -> None:
    """A menu gives an operator its last properties again, except those that are never saved; a call cannot show it."""
    assert bpy.ops.ikol.import_take.get_rna_type().properties["filepath"].is_skip_save


def test_what_is_no_take_is_refused_in_words(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    garbage = tmp_path / "take_p1.npz"
    garbage.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(RuntimeError, match="is not a take file"):
        bpy.ops.ikol.import_take(filepath=str(garbage))
    with pytest.raises(RuntimeError, match="could not be read"):
        bpy.ops.ikol.import_take(filepath=str(tmp_path / "gone.npz"))
    assert len(bpy.data.objects) == 0


def test_motion_of_amass_is_sent_where_it_can_be_imported(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    for name, arrays in {
        "whole": {"poses": np.zeros((3, 156)), "mocap_framerate": 60.0},
        "smplx": {"root_orient": np.zeros((3, 3)), "pose_body": np.zeros((3, 63)), "mocap_frame_rate": 60.0},
    }.items():
        np.savez(tmp_path / f"{name}.npz", trans=np.zeros((3, 3)), **arrays)
        with pytest.raises(RuntimeError, match=r"is motion in AMASS's format, not a take.*Press Import motion"):
            bpy.ops.ikol.import_take(filepath=str(tmp_path / f"{name}.npz"))
    np.savez(tmp_path / "other.npz", meta=np.array("{"), poses=np.zeros(3), trans=np.zeros(3))
    with pytest.raises(RuntimeError, match="lacks a part of a take"):
        bpy.ops.ikol.import_take(filepath=str(tmp_path / "other.npz"))


def test_solve_waits_in_background_lists_the_take_and_imports_it(
    empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path, stand_in
) -> None:
    record = stand_in(take_file)
    clip = tmp_path / "a clip's name 魚.mp4"
    settings = empty_scene.ikol
    settings.start, settings.use_height, settings.height_cm = 1.5, True, 181.0
    assert bpy.ops.ikol.solve(filepath=str(clip), import_takes=True) == {"FINISHED"}
    settings = bpy.context.scene.ikol
    take = tmp_path / "a clip's name 魚_ikol" / "take_p1.npz"
    assert [(entry.name, entry.path) for entry in settings.takes] == [("turning p1", str(take))]
    assert bpy.data.objects["turning p1"].animation_data.action is not None
    video, *options = json.loads(record.read_text(encoding="utf-8"))
    assert video == str(clip) and options[:2] == ["--out", str(take.parent)]
    assert options[-4:] == ["--start", "1.5", "--height", "181.0"], "what was switched off is not asked for"


def test_takes_are_listed_by_the_names_of_their_armatures(
    empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path, stand_in
) -> None:
    stand_in(take_file)
    for folder in ("opts", "more"):
        bpy.ops.ikol.solve(filepath=str(tmp_path / "turning.mp4"), directory=str(tmp_path / folder), import_takes=True)
    assert [entry.name for entry in bpy.context.scene.ikol.takes] == ["turning p1", "turning p1 (more)"]
    assert bpy.data.objects["turning p1"].type == "ARMATURE"


def test_the_focal_length_is_estimated_where_the_panel_says_so(
    empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path, stand_in
) -> None:
    record = stand_in(take_file)
    empty_scene.ikol.estimate_focal = True
    bpy.ops.ikol.solve(filepath=str(tmp_path / "clip.mp4"), import_takes=True)
    assert json.loads(record.read_text(encoding="utf-8"))[-2:] == ["--focal", "estimate"]


def test_what_is_imported_after_a_solve_has_the_panels_names_and_rest_pose(
    empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path, stand_in
) -> None:
    stand_in(take_file)
    empty_scene.ikol.naming, empty_scene.ikol.rest_pose = "MIXAMO", "T"
    bpy.ops.ikol.solve(filepath=str(tmp_path / "clip.mp4"), import_takes=True)
    arm = bpy.data.objects["turning p1"].data.bones["mixamorig:LeftForeArm"]
    assert abs((arm.tail_local - arm.head_local).normalized().x - 1) < 1e-5


@pytest.mark.filterwarnings("ignore:.*does not support blend relative")
def test_relative_paths_reach_the_solver_whole(
    empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path, stand_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = stand_in(take_file)
    monkeypatch.chdir(tmp_path)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    settings = bpy.context.scene.ikol
    settings.video = "//clip.mp4"
    assert settings.output == str(tmp_path / "clip_ikol")
    settings.output = "//takes"
    bpy.ops.ikol.solve()
    assert json.loads(record.read_text(encoding="utf-8"))[:3] == [
        str(tmp_path / "clip.mp4"),
        "--out",
        str(tmp_path / "takes"),
    ]
    settings = bpy.context.scene.ikol
    settings.video, settings.output = "clip.mp4", "takes"
    bpy.ops.ikol.solve()
    video, _, output, *_ = json.loads(record.read_text(encoding="utf-8"))
    assert (video, output) == (str(tmp_path / "clip.mp4"), str(tmp_path / "takes"))


def test_take_that_cannot_be_imported_stays_on_the_list_and_is_told_in_words(
    empty_scene: bpy.types.Scene, tmp_path: Path, stand_in
) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"PK\x03\x04 nothing")
    stand_in(garbage)
    with pytest.raises(RuntimeError, match="is not a take file") as caught:
        bpy.ops.ikol.solve(filepath=str(tmp_path / "clip.mp4"), import_takes=True)
    assert "Traceback" not in str(caught.value)
    assert [entry.name for entry in bpy.context.scene.ikol.takes] == ["clip p1"]


def test_undoing_what_comes_after_a_solve_keeps_its_takes(
    empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path, stand_in
) -> None:
    bpy.ops.ed.undo_push(message="before")
    stand_in(take_file)
    bpy.ops.ikol.solve("EXEC_DEFAULT", True, filepath=str(tmp_path / "clip.mp4"), import_takes=True)
    assert len(bpy.data.armatures) == 1
    bpy.ops.ed.undo()
    assert len(bpy.data.armatures) == 0 and len(bpy.context.scene.ikol.takes) == 1


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT"])
def test_who_edits_when_a_solve_ends_stays_there(
    empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path, stand_in, mode: str
) -> None:
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    bpy.ops.object.mode_set(mode=mode)
    stand_in(take_file)
    assert bpy.ops.ikol.solve(filepath=str(tmp_path / "clip.mp4"), import_takes=True) == {"FINISHED"}
    assert bpy.context.object == cube and cube.mode == mode and cube.select_get()
    assert len(bpy.data.armatures) == 0 and len(bpy.context.scene.ikol.takes) == 1
    bpy.ops.object.mode_set(mode="OBJECT")
    assert bpy.ops.ikol.import_take(filepath=bpy.context.scene.ikol.takes[0].path) == {"FINISHED"}


def test_who_poses_when_a_solve_ends_goes_on_posing(
    empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path, stand_in
) -> None:
    posed = [import_take(bpy.context, take_file).armature for _ in range(2)]
    bpy.ops.mesh.primitive_cube_add()
    for thing in posed:
        thing.select_set(True)
    bpy.context.view_layer.objects.active = posed[0]
    bpy.ops.object.mode_set(mode="POSE")
    names, frame = [thing.name for thing in posed], bpy.context.scene.frame_current
    bpy.ops.ed.undo_push(message="posing")

    def where() -> tuple:
        things = bpy.context.view_layer.objects
        modes, selected = ({t.name for t in things if t.mode == "POSE"}, {t.name for t in things if t.select_get()})
        return modes, selected, things.active.name, bpy.context.scene.frame_current

    before = where()
    assert before == (set(names), {*names, "Cube"}, names[0], frame)
    stand_in(take_file)
    assert bpy.ops.ikol.solve(filepath=str(tmp_path / "clip.mp4"), import_takes=True) == {"FINISHED"}
    assert where() == before and len(bpy.data.armatures) == 3
    bpy.context.scene.frame_set(17)
    bpy.ops.ed.undo_push(message="what comes next")
    bpy.ops.ed.undo()
    assert where() == before and len(bpy.data.armatures) == 3, "undo takes back just that"
    bpy.ops.ed.undo()
    assert where() == before and len(bpy.data.armatures) == 2 and len(bpy.context.scene.ikol.takes) == 1


def test_opening_another_file_ends_the_solve_and_frees_the_panel(tmp_path: Path) -> None:
    process = SolverProcess([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path)
    SESSION.job = SolveJob(process)
    # What Blender calls of a modal operator that it ends; in background mode none runs.
    Ticking.cancel(SimpleNamespace(), bpy.context)
    assert process.wait(0) and not SESSION.is_solving


def test_solver_that_is_not_installed_is_told_in_words(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"not installed.*Press Install solver"):
        bpy.ops.ikol.solve(filepath=str(tmp_path / "clip.mp4"))


def test_python_of_your_own_is_what_the_preferences_show(
    empty_scene: bpy.types.Scene, tmp_path: Path, solver_of_own
) -> None:
    preferences = _PREFERENCES.addons["bl_ext.user_default.ikol"].preferences
    assert solver_in_words(preferences) == ("Not installed", False)
    solver_of_own(Path(sys.executable))
    assert solver_in_words(preferences) == ("Python of your own", True)
    solver_of_own(tmp_path / "nothing")
    words, can_run = solver_in_words(preferences)
    assert not can_run and words.startswith("There is no Python at")


def test_log_of_a_crash_can_be_copied(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    assert not bpy.ops.ikol.copy_log.poll()
    SESSION.job = SolveJob(SolverProcess([sys.executable, "-c", "import sys; sys.exit('the sky fell')"], tmp_path))
    while not SESSION.job.advance().ended:
        time.sleep(0.01)
    assert bpy.ops.ikol.copy_log.poll() and bpy.ops.ikol.copy_log() == {"FINISHED"}
    SESSION.end()


def test_one_is_one() -> None:
    assert (counted(1, "pin"), counted(2, "pin"), counted(0, "pin")) == ("1 pin", "2 pins", "0 pins")


def test_disabling_the_extension_ends_its_solver(tmp_path: Path) -> None:
    process = SolverProcess([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path)
    SESSION.job = SolveJob(process)
    addon_utils.disable("bl_ext.user_default.ikol")
    assert process.wait(0)
    assert addon_utils.enable("bl_ext.user_default.ikol") is not None


def test_real_solver_solves_the_squats(empty_scene: bpy.types.Scene, tmp_path: Path, solver_of_own) -> None:
    root = Path(__file__).resolve().parents[2]
    clip = shared("clips/squats.mp4")
    python = root / (".venv/Scripts/python.exe" if os.name == "nt" else ".venv/bin/python")
    if not python.is_file():
        pytest.skip("the solver's environment is not in the checkout")
    own = tmp_path / "squats.mp4"
    shutil.copy(clip, own)
    solver_of_own(python)
    empty_scene.ikol.detector, empty_scene.ikol.use_end, empty_scene.ikol.end = "lite", True, 4.0
    assert bpy.ops.ikol.solve(filepath=str(own), import_takes=True) == {"FINISHED"}
    take: Take = read_take(tmp_path / "squats_ikol" / "take_p1.npz")
    bpy.context.scene.frame_set(10)
    armature = bpy.data.objects["squats p1"]
    heads = np.array([armature.pose.bones[bone].head for bone in ("Pelvis", "L_Knee", "Head")])
    assert np.abs(heads - take.keypoints3d[9, [0, 4, 15]]).max() < 1e-3
    assert bpy.context.scene.render.fps == 5
