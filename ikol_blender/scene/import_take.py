"""A take file becomes objects of the scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..contract import BadInput, Body, Take, VideoUnreadable, read_body, read_take
from . import timing
from .floor import build_floor
from .footage import Movie, add_footage, build_camera, match_render, probe_movie, turn_camera
from .person import build_person
from .placing import leave_modes, parent_collection, select_only


@dataclass(frozen=True)
class ImportedTake:
    """What one take became.

    Attributes:
        collection: holds every object of the take.
        armature: the skeleton; `action` is its active action.
        mesh: the body, a child of the armature.
        action: the motion.
        camera: where the video was filmed from.
        has_footage: whether the video stands behind the body.
        notices: what the user should know, one sentence each.
    """

    collection: bpy.types.Collection
    armature: bpy.types.Object
    mesh: bpy.types.Object
    action: bpy.types.Action
    camera: bpy.types.Object
    has_footage: bool
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Footage:
    """The movie to show behind the body; None, and why, when there is none that fits."""

    movie: Movie | None
    notices: tuple[str, ...] = ()


def import_take(
    context: bpy.types.Context,
    path: str | Path,
    *,
    body: str | Path = "open",
    video: str | Path | None = None,
    match_scene: bool = True,
    floor: bool = False,
) -> ImportedTake:
    """Import the take at `path` into the context's scene, in a collection of its own.

    As Blender's own importers do, it leaves edit and pose mode, and selects what it brought, the armature active.
    The current frame stays.

    Args:
        body: "open", or the SMPL file that the take was solved with.
        video: the footage; None finds the file that was solved, where it was or beside the take or its folder.
        match_scene: give the scene the take's frame rate, frame range, render size and camera. Otherwise the motion
            keeps its speed at the scene's own rate, and the scene's settings stay.
        floor: add a floor at z = 0.

    Raises:
        BadInput: the take, the body file or `video` cannot be used.
    """
    path = Path(path)
    take = read_take(path)
    shape = _body_for(take, body)
    footage = _named_footage(Path(video), take) if video is not None else _found_footage(take, path)
    name = take_name(take, path)
    scene = context.scene
    leave_modes(context)
    if match_scene:
        timing.match_scene(scene, take)
        match_render(scene, take.camera)
    collection = bpy.data.collections.new(name)
    parent_collection(context).children.link(collection)
    person = build_person(context, take, shape, name, collection)
    camera = build_camera(f"{name} camera", take.camera, collection)
    turn_camera(camera, take, timing.key_frames(take, timing.scene_rate(scene)))
    if footage.movie is not None:
        add_footage(camera, footage.movie, take, scene)
    if match_scene or scene.camera is None:
        scene.camera = camera
    if floor:
        build_floor(collection)
    select_only(context, person.armature)
    shown = footage.movie is not None
    return ImportedTake(collection, person.armature, person.mesh, person.action, camera, shown, footage.notices)


def _body_for(take: Take, body: str | Path) -> Body:
    shape = read_body(body)
    if shape.model != take.model:
        kinds = {"open": "the open body", "smpl": "an SMPL body"}
        solved_with, chosen = kinds.get(take.model, take.model), kinds[shape.model]
        raise BadInput(
            f"This take was solved with {solved_with}; its shape does not fit {chosen}.",
            hint="Choose the body file that the take was solved with, in the add-on's preferences.",
        )
    return shape


def _named_footage(video: Path, take: Take) -> _Footage:
    if not video.is_file():
        raise BadInput(f"There is no video at {video}.", hint="Choose the clip that the take was solved from.")
    return _fitting(probe_movie(video), take)


def _found_footage(take: Take, path: Path) -> _Footage:
    """The solved video: where it was, or near the take when both were moved.

    Nobody asked for this file by name, so one that Blender cannot show does not stop the import.
    """
    clip = str(take.meta.get("clip", ""))
    places = (
        Path(str(take.meta.get("video", ""))),
        path.absolute().parent.parent / clip,
        path.absolute().parent / clip,
    )
    place = next((place for place in places if place.is_file()), None)
    if place is None:
        return _Footage(None, ("The video of this take was not found: the camera comes without it.",))
    try:
        return _fitting(probe_movie(place), take)
    except VideoUnreadable as error:
        return _Footage(None, (f"{error.message} The camera comes without it.",))


def _fitting(movie: Movie, take: Take) -> _Footage:
    if movie.covers(take.camera):
        return _Footage(movie)
    shown, solved = (" x ".join(map(str, size)) for size in (movie.size, take.camera.image_size))
    why = " Blender turns phone clips upright from 4.5 on." if bpy.app.version < (4, 5, 0) else ""
    notice = f"{movie.path.name} shows as {shown} here but was solved as {solved}: it is left out.{why}"
    return _Footage(None, (notice,))


def take_name(take: Take, path: Path) -> str:
    """ "squats p1" for squats_ikol/take_p1.npz of squats.mp4."""
    clip = take.meta.get("clip")
    return f"{Path(clip).stem} {path.stem.removeprefix('take_')}" if isinstance(clip, str) else path.stem
