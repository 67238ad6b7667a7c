"""Films demo_truth.npz as demo.mp4: `.venv-blender-4.5/bin/python addon_assets/demo/render_demo.py`.

With a picture's path and frame numbers after it (`look.png 1 107`) it renders those moments instead of the clip.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parents[1]), str(FOLDER)]

from costume import dress  # noqa: E402  (the paths above make these importable)
from studio import add_person, build_room, film_with, light_room  # noqa: E402

from solver.body import joint_transforms  # noqa: E402
from solver.body_file import Body, read_body  # noqa: E402
from solver.take import Take, read_take  # noqa: E402

CLIP_PATH = FOLDER / "demo.mp4"
TRUTH_PATH = FOLDER / "demo_truth.npz"
KILOBITS_PER_SECOND = 2200

Array = NDArray[Any]


def rotation_matrices(axis_angles: Array) -> Array:
    """(..., 3) axis-angle to (..., 3, 3), Rodrigues' formula."""
    angle = np.linalg.norm(axis_angles, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(axis_angles / np.maximum(angle[..., 0], 1e-12), -1, 0)
    none = np.zeros_like(x)
    cross = np.stack([none, -z, y, z, none, -x, -y, x, none], axis=-1).reshape(*x.shape, 3, 3)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def film(body: Body, take: Take) -> None:
    """Set the scene; the body's mesh then follows the scene's frame, frame 1 being the take's first moment."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    build_room()
    light_room(scene)
    film_with(take.camera, scene)
    person = dress(body, take.betas)
    mesh = add_person(person)
    turned, placed = joint_transforms(rotation_matrices(take.poses.reshape(len(take), 24, 3)), person.joints)
    placed = placed + take.trans[:, None]

    def follow(scene: bpy.types.Scene, *_: object) -> None:
        moment = scene.frame_current - 1
        mesh.vertices.foreach_set("co", person.pose(turned[moment], placed[moment]).astype(np.float32).ravel())
        mesh.update()

    bpy.app.handlers.frame_change_pre.append(follow)
    scene.frame_start, scene.frame_end = 1, len(take)
    scene.render.fps, scene.render.fps_base = round(take.framerate), 1.0


def write_clip(path: Path, constant_rate_factor: str = "NONE") -> None:
    """Render the scene as an H.264 clip, of KILOBITS_PER_SECOND or of a constant quality.

    At a constant quality a clip has the same pixels whenever it is rendered; kept to a bit rate, it has not.
    """
    render = bpy.context.scene.render
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format = "MPEG4"
    render.ffmpeg.codec = "H264"
    render.ffmpeg.constant_rate_factor = constant_rate_factor
    render.ffmpeg.video_bitrate = KILOBITS_PER_SECOND
    render.ffmpeg.maxrate = 2 * KILOBITS_PER_SECOND
    render.ffmpeg.ffmpeg_preset = "BEST"
    render.ffmpeg.gopsize = 60
    render.use_file_extension = False
    render.filepath = str(path)
    bpy.ops.render.render(animation=True)


def write_picture(path: Path, frame: int) -> None:
    """Render one frame as a PNG."""
    bpy.context.scene.render.image_settings.file_format = "PNG"
    bpy.context.scene.render.filepath = str(path)
    bpy.context.scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)


def main(arguments: list[str]) -> None:
    """Render the clip, or the moments named."""
    film(read_body("open"), read_take(TRUTH_PATH))
    if arguments:
        for number in arguments[1:]:
            write_picture(Path(arguments[0]).with_name(f"{Path(arguments[0]).stem}_{number}.png"), int(number))
    else:
        write_clip(CLIP_PATH)
        print(f"Wrote {CLIP_PATH} ({CLIP_PATH.stat().st_size / 1e6:.2f} MB)")


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    # bpy may hang at the interpreter's own exit.
    os._exit(0)
