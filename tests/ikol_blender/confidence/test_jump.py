"""The jump lands where the take's confidence is low, and the strip shows what the curves say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import addon_utils
import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.confidence import drawing
from bl_ext.user_default.ikol.ikol_blender.confidence.chosen import active_timeline, chosen_columns
from bl_ext.user_default.ikol.ikol_blender.confidence.colors import confidence_colors
from bl_ext.user_default.ikol.ikol_blender.confidence.jump import jump_to_doubt
from bl_ext.user_default.ikol.ikol_blender.confidence.strip import FULL, THIN, place_strip, strip_triangles
from bl_ext.user_default.ikol.ikol_blender.confidence.timeline import forget_timeline, timeline_of
from bl_ext.user_default.ikol.ikol_blender.contract import BadInput
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.armature import BONE_NAMES
from bl_ext.user_default.ikol.ikol_blender.scene.compat import curves_of

from solver.take import Take, write_take

_WRIST, _KNEE = BONE_NAMES.index("L_Wrist"), BONE_NAMES.index("R_Knee")


@pytest.fixture
def armature(empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path) -> bpy.types.Object:
    """The left wrist is doubtful for 6 frames from frame 11, the right knee for 12 from frame 31."""
    confidence = np.full((len(turning_take), 24), 0.9)
    confidence[10:16, _WRIST], confidence[30:42, _KNEE], confidence[20, _KNEE] = 0.2, 0.4, 0.1
    contacts = np.zeros((len(turning_take), 4))
    contacts[20:40, 2] = 1.0
    take = replace(turning_take, confidence=confidence, contacts=contacts)
    return import_take(bpy.context, write_take(take, tmp_path / "take_p1.npz")).armature


def _select(armature: bpy.types.Object, *names: str) -> None:
    bpy.ops.object.mode_set(mode="POSE")
    for bone in armature.pose.bones:
        (bone if bpy.app.version >= (5, 0, 0) else bone.bone).select = bone.name in names


def test_jump_goes_from_range_to_range_and_says_how_long(armature: bpy.types.Object) -> None:
    scene = bpy.context.scene
    first = jump_to_doubt(bpy.context)
    assert first is not None and (first.frame, first.bones) == (11, ("L_Wrist",)) and scene.frame_current == 11
    assert first.seconds == pytest.approx(6 * 1001 / 30000) and first.lowest == pytest.approx(0.2)
    second = jump_to_doubt(bpy.context)
    assert second is not None and (second.frame, second.bones) == (31, ("R_Knee",)) and scene.frame_current == 31
    assert jump_to_doubt(bpy.context) is None and scene.frame_current == 31
    back = jump_to_doubt(bpy.context, backwards=True)
    assert back == first and scene.frame_current == 11
    assert jump_to_doubt(bpy.context, backwards=True) is None


def test_shortest_and_threshold_count(armature: bpy.types.Object) -> None:
    found = jump_to_doubt(bpy.context, shortest_s=0.0)
    assert found is not None and found.frame == 11
    found = jump_to_doubt(bpy.context, shortest_s=0.0)
    assert found is not None and (found.frame, found.seconds) == (21, pytest.approx(1001 / 30000))
    bpy.context.scene.frame_set(1)
    found = jump_to_doubt(bpy.context, shortest_s=0.3)
    assert found is not None and found.frame == 31
    bpy.context.scene.frame_set(12)
    assert jump_to_doubt(bpy.context, threshold=0.3) is None


def test_selected_bones_alone_count_in_pose_mode(armature: bpy.types.Object) -> None:
    _select(armature, "R_Knee", "Head")
    found = jump_to_doubt(bpy.context)
    assert found is not None and (found.frame, found.bones) == (31, ("R_Knee",))
    assert armature.mode == "POSE"
    _select(armature)
    bpy.context.scene.frame_set(1)
    found = jump_to_doubt(bpy.context)
    assert found is not None and found.frame == 11, "none selected: all count"


def test_operators_do_the_same_in_words(armature: bpy.types.Object) -> None:
    scene = bpy.context.scene
    assert bpy.ops.ikol.next_doubtful() == {"FINISHED"} and scene.frame_current == 11
    assert bpy.ops.ikol.next_doubtful(threshold=0.5, shortest=0.3) == {"FINISHED"} and scene.frame_current == 31
    assert bpy.ops.ikol.next_doubtful() == {"CANCELLED"} and scene.frame_current == 31
    assert bpy.ops.ikol.previous_doubtful(shortest=0.0) == {"FINISHED"} and scene.frame_current == 21


def test_armature_without_confidence_is_told_in_words(empty_scene: bpy.types.Scene) -> None:
    bpy.ops.object.armature_add()
    with pytest.raises(BadInput, match="no confidence"):
        jump_to_doubt(bpy.context)
    with pytest.raises(RuntimeError, match=r"no confidence.*armature that IKOL imported"):
        bpy.ops.ikol.next_doubtful()


def test_jump_follows_edits_of_the_curves(armature: bpy.types.Object) -> None:
    assert timeline_of(armature) is timeline_of(armature), "sampled once"
    curve = curves_of(armature).fcurves.find('pose.bones["Head"]["confidence"]')
    curve.keyframe_points[0].co.y = 0.0
    curve.update()
    bpy.context.view_layer.update()
    bpy.context.scene.frame_set(0)
    found = jump_to_doubt(bpy.context)
    assert found is not None and (found.frame, found.bones[0]) == (1, "Head")


def test_another_action_has_its_own_timeline(armature: bpy.types.Object) -> None:
    assert timeline_of(armature) is not None
    kept = armature.animation_data.action
    armature.animation_data.action = bpy.data.actions.new("empty")
    assert timeline_of(armature) is None
    armature.animation_data.action = kept
    if hasattr(armature.animation_data, "action_slot"):
        armature.animation_data.action_slot = kept.slots[0]
    assert timeline_of(armature) is not None


def test_strip_has_the_colours_and_the_steps_of_the_take(armature: bpy.types.Object) -> None:
    found = active_timeline(bpy.context)
    assert found is not None
    _select(armature, "L_Wrist")
    columns = chosen_columns(armature, found[1])
    assert [found[1].bones[column] for column in columns] == ["L_Wrist"]
    positions, colors, height = strip_triangles(found[1], columns)
    assert len(positions) == len(colors) == 6 * (1 + 1 + 59), "background, one bar, a ribbon of 59 pieces"
    bar = positions[6:12]
    assert (bar[:, 0].min(), bar[:, 0].max()) == (20, 40)
    ribbon, shades = positions[12:], colors[12:]
    assert ribbon[:, 0].min() == 0 and ribbon[:, 0].max() == 59 and ribbon[:, 1].max() < height
    low, high = confidence_colors(np.array([0.2, 0.9]))
    assert np.abs(shades[ribbon[:, 0] == 12] - low).max() < 1e-6
    assert np.abs(shades[ribbon[:, 0] == 40] - high).max() < 1e-6


def test_strip_shows_in_the_low_timeline_of_blenders_own_layout(armature: bpy.types.Object) -> None:
    timeline = timeline_of(armature)
    assert timeline is not None
    layout, bottom = place_strip(timeline, 52.0, has_markers=False)
    # At 1920 x 1080 the region is 52 high: frame numbers from 29 on, keys up to 22.
    assert layout is THIN and bottom >= 21 and bottom + layout.height(timeline) <= 29
    layout, bottom = place_strip(timeline, 52.0, has_markers=True)
    assert layout is THIN and bottom >= 12 and bottom + layout.height(timeline) <= 21, "markers are from 21 on"
    assert place_strip(timeline, 200.0, has_markers=False) == (FULL, 18.0)
    assert place_strip(timeline, 200.0, has_markers=True) == (FULL, 44.0)
    assert place_strip(timeline, 30.0, has_markers=False) is None
    positions, _, height = strip_triangles(timeline, (0,), THIN)
    assert positions[:, 1].min() == 0 and positions[:, 1].max() == height == THIN.height(timeline)


def test_strip_is_drawn_of_a_take_of_one_frame(
    empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path
) -> None:
    names = ("poses", "trans", "timestamps", "keypoints3d", "confidence", "contacts", "landmarks2d")
    still = replace(turning_take, **{name: getattr(turning_take, name)[:1] for name in names})
    armature = import_take(bpy.context, write_take(still, tmp_path / "take_p1.npz")).armature
    timeline = timeline_of(armature)
    assert timeline is not None and len(timeline.frames) == 1
    positions, _, _ = strip_triangles(timeline, (0,))
    assert np.isfinite(positions).all() and timeline.at(1.0) == pytest.approx(np.ones(24))


def test_disabling_leaves_no_handler(armature: bpy.types.Object) -> None:
    handlers = bpy.app.handlers
    lists = (handlers.depsgraph_update_post, handlers.load_post, handlers.undo_post, handlers.redo_post)

    def ours() -> int:
        return sum("ikol" in function.__module__ for functions in lists for function in functions)

    assert ours() == 5 and len(drawing._hooks) == 3
    addon_utils.disable("bl_ext.user_default.ikol")
    assert ours() == 0 and len(drawing._hooks) == 0
    assert addon_utils.enable("bl_ext.user_default.ikol") is not None
    bpy.ops.wm.read_homefile(use_empty=True)
    assert ours() == 5, "they outlast the opening of another file"
    forget_timeline()


def test_undo_takes_the_strip_back_too(armature: bpy.types.Object) -> None:
    name = armature.name
    bpy.ops.ed.undo_push(message="imported")
    curve = curves_of(armature).fcurves.find('pose.bones["Head"]["confidence"]')
    curve.keyframe_points[0].co.y = 0.0
    curve.update()
    bpy.context.view_layer.update()
    bpy.ops.ed.undo_push(message="edited")
    edited = timeline_of(armature)
    assert edited is not None and edited.confidence[0, edited.bones.index("Head")] == 0.0
    bpy.ops.ed.undo()
    undone = timeline_of(bpy.data.objects[name])
    assert undone is not None and undone.confidence[0, undone.bones.index("Head")] == pytest.approx(0.9)


def _lean(armature: bpy.types.Object) -> None:
    bpy.context.scene.frame_set(1)
    armature.pose.bones["Spine1"].rotation_quaternion = (0.9, 0.4, 0.0, 0.0)
    assert bpy.ops.ikol.add_offset_layer() == {"FINISHED"}
    assert armature.animation_data.action is None


def test_under_layers_confidence_stays_where_the_motion_plays(armature: bpy.types.Object) -> None:
    before = timeline_of(armature)
    _lean(armature)
    under = timeline_of(armature)
    assert before is not None and under is not None and under is timeline_of(armature), "sampled once"
    assert np.array_equal(under.frames, before.frames) and np.allclose(under.confidence, before.confidence)
    assert np.array_equal(under.planted, before.planted)
    assert jump_to_doubt(bpy.context) is not None and bpy.context.scene.frame_current == 11
    strip = armature.animation_data.nla_tracks[0].strips[0]
    strip.frame_start, strip.frame_end = strip.frame_start + 5, strip.frame_end + 5
    bpy.context.scene.frame_set(1)
    assert jump_to_doubt(bpy.context) is not None and bpy.context.scene.frame_current == 16
    strip.mute = True
    assert active_timeline(bpy.context) is None


def test_muted_tracks_leave_a_way_out_in_words(armature: bpy.types.Object) -> None:
    _lean(armature)
    for track in armature.animation_data.nla_tracks:
        track.mute = True
    for edit in (bpy.ops.ikol.smooth, bpy.ops.ikol.merge_layers):
        with pytest.raises(RuntimeError, match=r"are muted.*Action editor.*unmute"):
            edit()
    armature.animation_data.nla_tracks[0].mute = False
    with pytest.raises(RuntimeError, match=r"lies in NLA layers. Merge the layers first"):
        bpy.ops.ikol.smooth()
