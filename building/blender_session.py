"""What build.py does inside Blender: run as `python -m building.blender_session TASK ...` in a Blender environment.

BLENDER_USER_RESOURCES must name a scratch folder: the extension is staged and enabled there.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .blender import SPOKEN
from .stage import stage_extension

MODULE = "bl_ext.user_default.ikol"
STILL_SHARES = (0.125, 0.375, 0.625, 0.875)
STILL_SIDE = 640
BODY_COLOR = (0.35, 0.62, 0.9, 1.0)
FLOOR_COLOR = (0.4, 0.4, 0.42, 1.0)


def enable_extension() -> Any:
    """Stage the checkout as an installed extension, enable it as a user does, and give its `scene` package."""
    resources = Path(os.environ["BLENDER_USER_RESOURCES"])
    # Links need a privilege on Windows.
    stage_extension(resources / "extensions" / "user_default" / "ikol", link=os.name != "nt")
    bpy.ops.preferences.addon_enable(module=MODULE)
    if MODULE not in bpy.context.preferences.addons:
        raise RuntimeError("the extension could not be enabled")
    return importlib.import_module(f"{MODULE}.ikol_blender.scene")


def demo(video: Path, take: Path, blend: Path, stills: Path) -> None:
    """Import `take` into an empty scene, save it as `blend` and render four moments into `stills`."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    imported = enable_extension().import_take(bpy.context, take, video=video, floor=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), check_existing=False)
    _say(f"Imported {take.name}: {_moments()} moments at {_rate_hz():g} Hz")
    _say("Rendering four of them")
    imported.mesh.color = BODY_COLOR  # after saving: in the preview the body stands out from people and floors
    _render_stills(imported.camera, stills)


def encode(source: Path, target: Path) -> None:
    """Write `source` again as H.264 in MP4, at its own size and rate."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    clip = bpy.data.movieclips.load(str(source))
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strips.new_movie(name="overlay", filepath=str(source), channel=1, frame_start=1)
    render = scene.render
    render.resolution_x, render.resolution_y = clip.size[:]
    render.fps, render.fps_base = 1000, 1000 / clip.fps
    scene.frame_start, scene.frame_end = 1, clip.frame_duration
    scene.view_settings.view_transform = "Standard"
    settings = render.image_settings
    if hasattr(settings, "media_type"):  # Blender 5.0 and later
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec = "MPEG4", "H264"
    render.ffmpeg.constant_rate_factor = "HIGH"
    render.use_file_extension = False
    render.filepath = str(target)
    bpy.ops.render.render(animation=True)


def _render_stills(camera: Any, stills: Path) -> None:
    """body_<n>.png in `stills`: the body from `camera` on nothing; floor_<n>.png: the same on its floor.

    moments.txt holds the moment of each, seconds from the take's first.
    """
    stills.mkdir(parents=True, exist_ok=True)
    scene = bpy.context.scene
    scene.camera = camera
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.shading.light = "STUDIO"
    scene.display.shading.show_cavity = True
    scene.display.shading.show_shadows = True
    scene.display.shading.color_type = "OBJECT"
    scene.view_settings.view_transform = "Standard"
    longer_side = max(scene.render.resolution_x, scene.render.resolution_y)
    scene.render.resolution_percentage = max(1, min(100, round(100 * STILL_SIDE / longer_side)))
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.film_transparent = True
    floor = bpy.data.objects["Floor"]
    floor.color = FLOOR_COLOR
    moments = []
    for number, share in enumerate(STILL_SHARES):
        scene.frame_set(scene.frame_start + round(share * (_moments() - 1)))
        for name, floor_hidden in (("body", True), ("floor", False)):
            floor.hide_render = floor_hidden
            scene.render.filepath = str(stills / f"{name}_{number}.png")
            bpy.ops.render.render(write_still=True)
        moments.append((scene.frame_current - scene.frame_start) / _rate_hz())
    np.savetxt(stills / "moments.txt", moments)


def _moments() -> int:
    scene = bpy.context.scene
    return scene.frame_end - scene.frame_start + 1


def _rate_hz() -> float:
    render = bpy.context.scene.render
    return render.fps / render.fps_base


def _say(words: str) -> None:
    print(f"{SPOKEN}{words}", flush=True)


def _leave(status: int) -> None:
    """End at once: some Blender versions hang or crash while the interpreter shuts down."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    try:
        {"demo": demo, "encode": encode}[sys.argv[1]](*map(Path, sys.argv[2:]))
    except Exception:
        traceback.print_exc()
        _leave(1)
    _leave(0)
