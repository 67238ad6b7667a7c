"""Any motion file becomes armatures: takes, AMASS, BVH, FBX here; the others by the solver's Python."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ..contract import (
    SOLVER_HOME,
    BadInput,
    IkolError,
    SourceUnreadable,
    Take,
    is_amass,
    read_amass,
    read_body,
    read_take,
    to_takes,
)
from ..runtime.process import SolverProcess, follow
from ..scene import ImportedTake, import_take, timing
from ..scene.person import Person, build_person
from ..scene.placing import leave_modes, parent_collection, select_only
from .naming import Naming, rename_bones
from .rest_pose import RestPose, set_rest_pose
from .skeletons import import_skeletons

HERE = (".npz", ".bvh", ".fbx")
BY_SOLVER = (".pkl", ".pickle", ".pt", ".pth", ".npy", ".json")


@dataclass(frozen=True)
class ImportedMotion:
    """Attributes:
    armatures: one for each person.
    notices: what the user should know, one sentence each.
    """

    armatures: tuple[bpy.types.Object, ...]
    notices: tuple[str, ...]


def import_motion(
    context: bpy.types.Context,
    path: str | Path,
    *,
    naming: Naming = Naming.SMPL,
    rest_pose: RestPose = RestPose.SMPL,
    match_scene: bool = True,
    smpl_body: Path | None = None,
    rate_hz: float | None = None,
    solver_python: Callable[[], Path],
) -> ImportedMotion:
    """Import the people of a motion file. Selects what it brought, the first armature active.

    Args:
        naming, rest_pose: of bodies; armatures of BVH and FBX files keep their own.
        match_scene: give the scene the file's frame rate and range.
        smpl_body: the user's SMPL file, for the people's shapes; without it they have the open body's mean shape.
        rate_hz: moments per second, of bodies whose file does not say; None takes 30, and says so.
        solver_python: names the Python that reads the files which Blender's should not; asked only for those.

    Raises:
        BadInput: the file cannot be read, or is of no tool that is known.
        IkolError: the solver is needed and `solver_python` knows none.
    """
    path = Path(path)
    if path.suffix.lower() in (".bvh", ".fbx"):
        return ImportedMotion(tuple(import_skeletons(context, path, match_scene)), ())
    if path.suffix.lower() not in (*HERE, *BY_SOLVER):
        kinds = ", ".join((*HERE, *BY_SOLVER))
        raise BadInput(f"IKOL does not know {path.suffix or 'such'} files.", hint=f"It reads {kinds}.")
    if path.suffix.lower() == ".npz":
        names = _names_in(path)
        if {"poses", "meta", "camera"} <= names:
            body = smpl_body if smpl_body is not None and read_take(path).model == "smpl" else "open"
            imported = import_own_take(
                context, path, body=body, match_scene=match_scene, naming=naming, rest_pose=rest_pose
            )
            return ImportedMotion((imported.armature,), imported.notices)
        if is_amass(names):
            motions = read_amass(path)
            body = "open" if smpl_body is None or motions[0].model == "open" else smpl_body
            takes = to_takes(motions, read_body(body), rate_hz)
            return _people(context, takes, body, path.stem, naming, rest_pose, match_scene)
    body = "open" if smpl_body is None else smpl_body
    takes = _converted(path, body, rate_hz, solver_python())
    return _people(context, takes, body, path.stem, naming, rest_pose, match_scene)


def import_motions(
    context: bpy.types.Context,
    paths: Iterable[Path],
    *,
    naming: Naming = Naming.SMPL,
    rest_pose: RestPose = RestPose.SMPL,
    match_scene: bool = True,
    smpl_body: Path | None = None,
    rate_hz: float | None = None,
    solver_python: Callable[[], Path],
) -> ImportedMotion:
    """`import_motion` for each of `paths`; those in a folder that `motion_files` gives, for example.

    A file that cannot be read is told among the notices, and the others are imported. The first one that is imported
    sets the scene's frame rate, and the range shows all of them.

    Raises:
        BadInput: none of them could be read.
    """
    armatures: list[bpy.types.Object] = []
    notices: list[str] = []
    for path in paths:
        try:
            done = import_motion(
                context,
                path,
                naming=naming,
                rest_pose=rest_pose,
                match_scene=match_scene and not armatures,
                smpl_body=smpl_body,
                rate_hz=rate_hz,
                solver_python=solver_python,
            )
        except IkolError as error:
            notices.append(f"{path.name}: {error.message}")
            continue
        armatures += done.armatures
        notices += done.notices
    if not armatures:
        said = f" {notices[0]}" if notices else ""
        raise BadInput(f"No motion file could be read.{said}", hint="Choose other files, or another folder.")
    select_only(context, armatures[0])
    for armature in armatures:
        armature.select_set(True)
    if match_scene:
        ends = (armature.animation_data.action.frame_range[1] for armature in armatures)
        context.scene.frame_end = max(context.scene.frame_end, *(int(np.ceil(end - 1e-3)) for end in ends))
    return ImportedMotion(tuple(armatures), tuple(notices))


def motion_files(folder: Path) -> list[Path]:
    """The motion files of a folder, in the order of their names; of EasyMocap's, which are one motion, the first.

    Raises:
        BadInput: there is none.
    """
    try:
        files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (*HERE, *BY_SOLVER)]
    except OSError as error:
        raise SourceUnreadable(f"{folder} could not be read: {error.strerror or error}.") from error
    moments = [path for path in files if path.suffix.lower() == ".json" and path.stem.isdigit()]
    files = [path for path in files if path not in moments[1:]]
    if not files:
        raise BadInput(f"{folder.name} has no motion files.", hint=f"IKOL reads {', '.join((*HERE, *BY_SOLVER))}.")
    return files


def read_own_take(path: Path) -> Take:
    """`read_take`, which tells motion of AMASS from takes that are damaged.

    Raises:
        BadInput: the file is no take.
    """
    try:
        return read_take(path)
    except BadInput as error:
        try:
            names = _names_in(path)
        except SourceUnreadable:
            raise error from None
        if "meta" in names or not is_amass(names):
            raise
        raise BadInput(
            f"{path.name} is motion in AMASS's format, not a take.",
            hint="Press Import motion in the panel Import and export, or File > Import > IKOL: motion of other tools.",
        ) from error


def import_own_take(
    context: bpy.types.Context,
    path: Path,
    *,
    body: str | Path = "open",
    match_scene: bool = True,
    floor: bool = False,
    naming: Naming = Naming.SMPL,
    rest_pose: RestPose = RestPose.SMPL,
) -> ImportedTake:
    """`import_take`, with a choice of bone names and rest pose."""
    imported = import_take(context, path, body=body, match_scene=match_scene, floor=floor)
    _dress(context, Person(imported.armature, imported.mesh, imported.action), naming, rest_pose)
    return imported


def _people(
    context: bpy.types.Context,
    takes: list[Take],
    body: str | Path,
    name: str,
    naming: Naming,
    rest_pose: RestPose,
    match_scene: bool,
) -> ImportedMotion:
    leave_modes(context)
    if match_scene:
        # The one that ends last sets the range that all of them fit into.
        timing.match_scene(context.scene, max(takes, key=lambda take: take.timestamps[-1]))
    shape = read_body(body)
    armatures: list[bpy.types.Object] = []
    for number, take in enumerate(takes, start=1):
        label = name if len(takes) == 1 else f"{name} p{number}"
        collection = bpy.data.collections.new(label)
        parent_collection(context).children.link(collection)
        person = build_person(context, take, shape, label, collection)
        _dress(context, person, naming, rest_pose)
        armatures.append(person.armature)
    select_only(context, armatures[0])
    notices = dict.fromkeys(notice for take in takes for notice in take.meta["warnings"])
    return ImportedMotion(tuple(armatures), tuple(notices))


def _dress(context: bpy.types.Context, person: Person, naming: Naming, rest_pose: RestPose) -> None:
    set_rest_pose(person.armature, person.mesh, rest_pose, context)
    rename_bones(person.armature, naming)


def _names_in(path: Path) -> set[str]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return set(stored.files)
    except OSError as error:
        raise SourceUnreadable(f"{path} could not be read: {error.strerror or error}.") from error
    except Exception as error:  # readers of zip files raise almost anything of damaged bytes
        raise SourceUnreadable(f"{path.name} is no motion file, or it is damaged.") from error


def _converted(path: Path, body: str | Path, rate_hz: float | None, python: Path) -> list[Take]:
    """What `python -m solver convert` makes of the file, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="ikol-") as folder:
        out = Path(folder) / "take.npz"
        command = [python, "-m", "solver", "convert", path.absolute(), "--out", out, "--model", body, "--events"]
        command += [] if rate_hz is None else ["--fps", rate_hz]
        process = SolverProcess([str(part) for part in command], SOLVER_HOME)
        return [read_take(written) for written in follow(process, lambda _: None)]  # notices are in the takes
