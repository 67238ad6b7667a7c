"""What the panel's fields hold, and the request that they add up to.

Modules with properties do without `from __future__ import annotations`: Blender evaluates such annotations itself,
where it does not find this module's names.
"""

from collections.abc import Sequence
from pathlib import Path

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)
from bpy.types import Context, PropertyGroup

from ..confidence.drawing import redraw_editors
from ..contract import DETECTORS, IkolError, SolveRequest, read_take
from ..preferences import IKOL_Preferences
from ..scene.import_take import take_name
from .rest_choices import naming_property, rest_pose_property

_DETECTOR_NAMES = {"heavy": "Accurate", "full": "Balanced", "lite": "Fast"}
_DETECTOR_HINTS = {
    "heavy": "Rarely confuses left and right",
    "full": "About three times as fast, less sure of left and right",
    "lite": "For a quick look",
}


class IKOL_Take(PropertyGroup):
    """One entry of the list of takes; `name` is what the list shows."""

    path: StringProperty(name="File", subtype="FILE_PATH")


def _propose_output(settings: "IKOL_Settings", context: Context) -> None:
    settings.output = str(default_output(video_path(settings))) if settings.video else ""


def _draw_again(settings: "IKOL_Settings", context: Context) -> None:
    redraw_editors(context)


class IKOL_Settings(PropertyGroup):
    """A scene's settings of the IKOL panel."""

    video: StringProperty(name="Video", description="The clip to solve", subtype="FILE_PATH", update=_propose_output)
    output: StringProperty(name="Folder", description="The folder that the takes are written to", subtype="DIR_PATH")
    speed: FloatProperty(
        name="Speed",
        description="How fast Time warp is to run the motion; key it where the speed is to change, only keys count",
        default=1.0,
        min=0.02,
        soft_max=4.0,
    )
    start: FloatProperty(
        name="In", description="Where to start, in the clip", min=0.0, subtype="TIME_ABSOLUTE", unit="TIME_ABSOLUTE"
    )
    use_end: BoolProperty(name="Out", description="Stop before the end of the clip")
    end: FloatProperty(
        name="Out",
        description="Where to stop, in the clip",
        min=0.0,
        default=10.0,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
    )
    model: EnumProperty(
        name="Body",
        items=[
            ("open", "Open body", "The body that comes with IKOL"),
            ("smpl", "SMPL file", "The body file named in the add-on's preferences"),
        ],
    )
    detector: EnumProperty(
        name="Detector", items=[(key, _DETECTOR_NAMES[key], _DETECTOR_HINTS[key]) for key in DETECTORS]
    )
    use_height: BoolProperty(name="Known height", description="Size the body by the person's height")
    height_cm: FloatProperty(name="Height (cm)", min=50.0, max=250.0, default=170.0, precision=1)
    use_focal: BoolProperty(
        name="Known focal length", description="Otherwise the file's own, or one assumed from the image size"
    )
    focal_px: FloatProperty(
        name="Focal (px)", description="In pixels of the upright image", min=10.0, default=1500.0, precision=1
    )
    estimate_focal: BoolProperty(
        name="Focal from walking",
        description="Where neither you nor the file tells it: find at which focal length the first person's steps, "
        "nearer or away, fit best. Takes some seconds more",
    )
    use_rate: BoolProperty(name="Own frame rate", description="Otherwise the take keeps the video's frame rate")
    rate_hz: FloatProperty(name="Frame rate (Hz)", min=1.0, max=240.0, default=30.0, precision=3)
    import_when_done: BoolProperty(name="Import when done", default=True)
    naming: naming_property()
    rest_pose: rest_pose_property()
    show_confidence: BoolProperty(
        name="Strip on the time axis",
        description="In the dope sheet and the graph editor: confidence of the selected bones (all when none is), "
        "red where it is low, and when the feet stand",
        update=_draw_again,
    )
    tint_doubtful: BoolProperty(
        name="Tint doubtful bones", description="In the viewport, on this frame", update=_draw_again
    )
    doubt_threshold: FloatProperty(
        name="Doubtful below",
        description="Confidence under which a bone is doubtful",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        update=_draw_again,
    )
    doubt_shortest: FloatProperty(
        name="Shortest",
        description="Jumps pass over ranges that are shorter",
        default=0.1,
        min=0.0,
        soft_max=2.0,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
    )
    character: PointerProperty(
        name="Character",
        description="The armature that gets the motion, unless another one is selected beside the active one",
        type=bpy.types.Object,
        poll=lambda settings, thing: thing.type == "ARMATURE",
    )
    takes: CollectionProperty(type=IKOL_Take)
    active_take: IntProperty(name="Take")


CLASSES = (IKOL_Take, IKOL_Settings)


def absolute(path: str) -> Path:
    """The place that `path` means in Blender, `//` being beside the open file: the solver runs in another folder."""
    return Path(bpy.path.abspath(path)).absolute()


def video_path(settings: IKOL_Settings) -> Path:
    """The chosen clip."""
    return absolute(settings.video)


def default_output(video: Path) -> Path:
    """A folder beside the clip, named for it."""
    return video.with_name(f"{video.stem}_ikol")


def request_of(settings: IKOL_Settings, preferences: IKOL_Preferences, filepath: str, directory: str) -> SolveRequest:
    """What the settings ask for.

    Args:
        filepath: a clip to solve instead of the chosen one; may be empty.
        directory: a folder for its takes; when empty, the chosen clip's folder, or the default one of `filepath`.

    Raises:
        IkolError: no clip, or no body file, was chosen.
    """
    video = absolute(filepath) if filepath else video_path(settings)
    if not filepath and not settings.video:
        raise IkolError("No video was chosen.", hint="Choose a clip in the IKOL panel.")
    if directory:
        output = absolute(directory)
    elif settings.output and (not filepath or video == video_path(settings)):
        output = absolute(settings.output)
    else:
        output = default_output(video)
    return SolveRequest(
        video=str(video),
        out=str(output),
        start=settings.start or None,
        end=settings.end if settings.use_end else None,
        model="open" if settings.model == "open" else body_file(preferences),
        detector=settings.detector,
        device=preferences.device,
        focal_px=settings.focal_px if settings.use_focal else None,
        estimate_focal=settings.estimate_focal and not settings.use_focal,
        height_cm=settings.height_cm if settings.use_height else None,
        rate_hz=settings.rate_hz if settings.use_rate else None,
    )


def body_file(preferences: IKOL_Preferences) -> str:
    """The SMPL file named in the preferences.

    Raises:
        IkolError: none is.
    """
    if not preferences.body_file:
        raise IkolError(
            "No SMPL body file was chosen.",
            hint="Name your SMPL file in the add-on's preferences, or use the open body.",
        )
    return str(absolute(preferences.body_file))


def list_takes(settings: IKOL_Settings, paths: Sequence[Path]) -> None:
    """Put takes on the list, the first of them active; one that is there already is not listed twice."""
    listed = [entry.path for entry in settings.takes]
    for path in paths:
        if str(path) not in listed:
            entry = settings.takes.add()
            entry.name, entry.path = _listed_name(path, {other.name for other in settings.takes}), str(path)
            listed.append(str(path))
    if paths:
        settings.active_take = listed.index(str(paths[0]))


def _listed_name(path: Path, taken: set[str]) -> str:
    """What its armature will be called, with its folder where that is `taken`; of what is no take, its folder."""
    try:
        name = take_name(read_take(path), path)
    except IkolError:  # its import says what is wrong with it
        return f"{path.parent.name.removesuffix('_ikol')} {path.stem.removeprefix('take_')}"
    return f"{name} ({path.parent.name})" if name in taken else name
