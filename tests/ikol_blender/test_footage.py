"""The footage behind the body shows the moment that the body is in."""

from __future__ import annotations

import shutil
import struct
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.contract import VideoUnreadable
from bl_ext.user_default.ikol.ikol_blender.scene import ImportedTake, import_take
from bl_ext.user_default.ikol.ikol_blender.scene.timing import key_frames, scene_rate

from solver.take import Take, write_take

_CLIP_RATE, _CLIP_FRAMES = 30, 90


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 s at 30 Hz, written by Blender itself."""
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    render = scene.render
    render.engine = "BLENDER_WORKBENCH"
    render.resolution_x, render.resolution_y, render.resolution_percentage = 64, 36, 100
    render.fps, render.fps_base = _CLIP_RATE, 1.0
    scene.frame_start, scene.frame_end = 1, _CLIP_FRAMES
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(scene.camera)
    if bpy.app.version >= (5, 0, 0):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec = "MPEG4", "H264"
    path = tmp_path_factory.mktemp("clip") / "turning.mp4"
    render.filepath = str(path)
    bpy.ops.render.render(animation=True)
    return path


def _shown(imported: ImportedTake, frame: int) -> int:
    """The movie's frame (0 the first) behind the scene's `frame`, as Blender counts it."""
    bpy.context.scene.frame_set(frame)
    camera = imported.camera.evaluated_get(bpy.context.evaluated_depsgraph_get())
    user = camera.data.background_images[0].image_user
    return min(frame - user.frame_start + 1, user.frame_duration) + user.frame_offset - 1


def test_same_rate_starts_at_the_in_point(
    empty_scene: bpy.types.Scene, clip: Path, turning_take: Take, tmp_path: Path
) -> None:
    take = replace(turning_take, framerate=30.0, timestamps=0.5 + np.arange(60) / 30)
    imported = import_take(bpy.context, write_take(take, tmp_path / "take_p1.npz"), video=clip)
    assert imported.has_footage and imported.camera.data.show_background_images
    assert Path(imported.camera.data.background_images[0].image.filepath) == clip
    assert imported.camera.data.animation_data is None
    assert [_shown(imported, frame) for frame in (1, 2, 60)] == [15, 16, 74]


@pytest.mark.parametrize("rate", [12.0, 60.0])
def test_other_rates_show_the_nearest_frame(
    empty_scene: bpy.types.Scene, clip: Path, turning_take: Take, tmp_path: Path, rate: float
) -> None:
    times = 0.5 + np.arange(25) / rate
    parts = {name: getattr(turning_take, name)[:25] for name in _OVER_TIME}
    take = replace(turning_take, **parts, framerate=rate, timestamps=times)
    imported = import_take(bpy.context, write_take(take, tmp_path / "take_p1.npz"), video=clip)
    for index in (0, 1, 7, 24):
        assert abs(_shown(imported, 1 + index) - times[index] * _CLIP_RATE) <= 0.5 + 1e-6


def test_solved_video_is_found_by_itself(
    empty_scene: bpy.types.Scene, clip: Path, turning_take: Take, tmp_path: Path
) -> None:
    take = replace(turning_take, meta={"clip": clip.name, "video": str(clip)})
    assert import_take(bpy.context, write_take(take, tmp_path / "take_p1.npz")).has_footage


def test_video_that_moved_with_its_takes_is_found(
    empty_scene: bpy.types.Scene, clip: Path, turning_take: Take, tmp_path: Path
) -> None:
    moved = Path(shutil.copy(clip, tmp_path))
    take = replace(turning_take, meta={"clip": clip.name, "video": "/gone/turning.mp4"})
    imported = import_take(bpy.context, write_take(take, tmp_path / "turning_ikol" / "take_p1.npz"))
    assert Path(imported.camera.data.background_images[0].image.filepath) == moved


def test_phone_clip_stands_upright_or_is_left_out(
    empty_scene: bpy.types.Scene, clip: Path, turning_take: Take, tmp_path: Path
) -> None:
    data = bytearray(clip.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    struct.pack_into(">9i", data, matrix, 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)  # a quarter turn clockwise
    phone = tmp_path / "phone.mp4"
    phone.write_bytes(data)
    upright = replace(turning_take, camera=replace(turning_take.camera, image_size=(360, 640)))
    imported = import_take(bpy.context, write_take(upright, tmp_path / "take_p1.npz"), video=phone)
    if bpy.app.version >= (4, 5, 0):
        assert imported.has_footage and imported.notices == ()
    else:
        assert not imported.has_footage and "shows as 64 x 36 here but was solved as 360 x 640" in imported.notices[0]


def test_what_is_no_movie_is_refused(empty_scene: bpy.types.Scene, take_file: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a movie", encoding="utf-8")
    with pytest.raises(VideoUnreadable, match=r"notes\.mp4"):
        import_take(bpy.context, take_file, video=text)
    assert len(bpy.data.objects) == 0 and len(bpy.data.images) == len(bpy.data.movieclips) == 0


def test_solved_video_that_blender_cannot_show_does_not_stop_the_import(
    empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path
) -> None:
    odd = tmp_path / "turning.mp4"
    odd.write_text("not a movie", encoding="utf-8")
    take = replace(turning_take, meta={"clip": odd.name, "video": str(odd)})
    imported = import_take(bpy.context, write_take(take, tmp_path / "take_p1.npz"))
    assert not imported.has_footage and imported.action.users > 0
    assert imported.notices == ("Blender cannot show turning.mp4 as a movie. The camera comes without it.",)


_OVER_TIME = ("poses", "trans", "keypoints3d", "confidence", "contacts", "landmarks2d")


def test_a_camera_that_turned_turns_in_blender(
    empty_scene: bpy.types.Scene, turning_take: Take, tmp_path: Path
) -> None:
    turns = np.linspace((0.0, 0.0, 0.0), (0.1, -0.3, 0.05), len(turning_take))
    take = replace(turning_take, camera_turns=turns)
    imported = import_take(bpy.context, write_take(take, tmp_path / "take_p1.npz"))
    frames = key_frames(take, scene_rate(empty_scene))
    for moment in (0, len(take) // 2, len(take) - 1):
        empty_scene.frame_set(round(frames[moment]))
        held = np.array(imported.camera.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world)
        expected = np.asarray(take.camera_at(moment).rotation) @ np.diag([1.0, -1.0, -1.0])
        np.testing.assert_allclose(held[:3, :3], expected, atol=1e-5)
    assert imported.camera.matrix_world.translation[:] == pytest.approx(take.camera.position)
