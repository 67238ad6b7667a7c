"""The camera that filmed the take, with the footage behind the body."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..contract import Camera, Take, VideoUnreadable
from .action import write_curve
from .compat import curves_of, new_action
from .rotations import matrices_from_axis_angle, quaternions_from_matrices, without_sign_flips
from .timing import FIRST_FRAME, last_frame, scene_rate

_SENSOR_MM = 36.0
_SAME_SHAPE = 0.02
_OFFSET_PATH = "background_images[0].image_user.frame_offset"


def build_camera(name: str, camera: Camera, collection: bpy.types.Collection) -> bpy.types.Object:
    """A camera object that sees the world as `camera` does, when the render has its image size."""
    width, height = camera.image_size
    longer = max(width, height)
    data = bpy.data.cameras.new(name)
    data.sensor_fit, data.sensor_width = "AUTO", _SENSOR_MM
    data.lens = camera.focal_px * _SENSOR_MM / longer
    data.shift_x = (width / 2 - camera.center_px[0]) / longer
    data.shift_y = (camera.center_px[1] - height / 2) / longer
    data.clip_start = 0.01
    thing = bpy.data.objects.new(name, data)
    pose = np.eye(4)
    # Blender's cameras look along -Z with Y up; ours along +Z with Y down.
    pose[:3, :3] = np.asarray(camera.rotation) @ np.diag([1.0, -1.0, -1.0])
    pose[:3, 3] = camera.position
    thing.matrix_world = Matrix(pose)
    collection.objects.link(thing)
    return thing


def turn_camera(camera: bpy.types.Object, take: Take, frames: NDArray[np.float64]) -> None:
    """Let `camera` turn as the one that filmed: a key for each of `frames` (T,), none for a camera that stood still."""
    if take.camera_turns is None:
        return
    held = np.asarray(take.camera.rotation) @ matrices_from_axis_angle(take.camera_turns)
    quaternions = without_sign_flips(quaternions_from_matrices(held @ np.diag([1.0, -1.0, -1.0])))
    camera.rotation_mode = "QUATERNION"
    new_action(camera.name, camera)
    curves = curves_of(camera)
    for part in range(4):
        write_curve(curves, "rotation_quaternion", part, frames, quaternions[:, part])


def match_render(scene: bpy.types.Scene, camera: Camera) -> None:
    """Give the render the size of the footage, with square pixels."""
    render = scene.render
    render.resolution_x, render.resolution_y = camera.image_size
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0


@dataclass(frozen=True)
class Movie:
    """A video file that Blender can show.

    Attributes:
        path: the file.
        rate_hz: its frames per second, as Blender counts them.
        size: (width, height), pixels, as Blender shows it. Before 4.5, Blender did not obey the rotation that phones
            write: their clips lie on their side there.
    """

    path: Path
    rate_hz: float
    size: tuple[int, int]

    def covers(self, camera: Camera) -> bool:
        """Whether it has the shape of the camera's image, so that the body lies on the person."""
        width, height = camera.image_size
        return abs(self.size[0] * height / (self.size[1] * width) - 1) < _SAME_SHAPE


def probe_movie(path: Path) -> Movie:
    """What Blender knows of a video file. Leaves nothing behind in the file that is open.

    Raises:
        VideoUnreadable: Blender cannot read it.
    """
    try:
        clip = bpy.data.movieclips.load(str(path))
    except RuntimeError as error:
        raise VideoUnreadable(f"Blender cannot read {path.name}.") from error
    rate_hz, frame_count, is_movie = float(clip.fps), clip.frame_duration, clip.source == "MOVIE"
    size = (clip.size[0], clip.size[1])
    bpy.data.movieclips.remove(clip)
    if rate_hz <= 0 or frame_count < 1 or min(size) < 1 or not is_movie:
        raise VideoUnreadable(f"Blender cannot show {path.name} as a movie.")
    return Movie(path, rate_hz, size)


def add_footage(camera: bpy.types.Object, movie: Movie, take: Take, scene: bpy.types.Scene) -> None:
    """Show `movie` behind what `camera` sees, each frame at the moment it was filmed."""
    image = bpy.data.images.load(str(movie.path), check_existing=True)
    background = camera.data.background_images.new()
    background.source, background.image = "IMAGE", image
    background.alpha, background.display_depth, background.frame_method = 1.0, "BACK", "FIT"
    camera.data.show_background_images = True
    end = last_frame(take, scene_rate(scene))
    start_s = float(take.timestamps[0]) - take.entrance_s
    user = background.image_user
    user.frame_start, user.frame_duration, user.use_auto_refresh = FIRST_FRAME, end, True
    offsets = movie_offsets(np.array([FIRST_FRAME, end]), start_s, scene_rate(scene), movie.rate_hz)
    user.frame_offset = round(offsets[0])
    if abs(offsets[1] - offsets[0]) > 0.5:
        # Blender plays one frame of a movie per frame of the scene, at any rate: the offset makes up the difference.
        new_action(f"{camera.name} footage", camera.data)
        frames = np.arange(FIRST_FRAME, end + 1)
        values = np.round(movie_offsets(frames, start_s, scene_rate(scene), movie.rate_hz))
        write_curve(curves_of(camera.data), _OFFSET_PATH, 0, frames.astype(np.float64), values)


def movie_offsets(
    frames: NDArray[np.int64], start_s: float, scene_rate_hz: float, movie_rate_hz: float
) -> NDArray[np.float64]:
    """What `frame_offset` must be at the scene's `frames`, so that the movie shows its moment.

    Args:
        start_s: the moment of the clip that falls on the scene's first frame.
    """
    since = (frames - FIRST_FRAME) / scene_rate_hz
    return (start_s + since) * movie_rate_hz - (frames - FIRST_FRAME)
