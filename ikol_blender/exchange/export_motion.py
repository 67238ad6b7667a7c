"""The active armature's motion as a file of another tool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..contract import BadInput
from ..scene.places import refuse_misplaced
from ..scene.samples import Sampled, active_armature, sample
from ..scene.unkeyed import poses_kept
from .bvh_file import write_bvh
from .naming import naming_of
from .refusal import unwritable
from .smpl_file import write_amass


class Format(Enum):
    """The value is (title, suffixes, the usual one first)."""

    AMASS = ("AMASS", (".npz",))
    BVH = ("BVH", (".bvh",))
    FBX = ("FBX", (".fbx",))
    GLTF = ("glTF", (".glb", ".gltf"))
    USD = ("USD", (".usdc", ".usda", ".usd", ".usdz"))

    @property
    def title(self) -> str:
        return self.value[0]

    @property
    def suffixes(self) -> tuple[str, ...]:
        return self.value[1]

    @property
    def suffix(self) -> str:
        return self.suffixes[0]

    def named(self, path: Path) -> Path:
        """`path` with a suffix of this format: its own when it is one, else in place of another format's."""
        if path.suffix.lower() in self.suffixes:
            return path
        stem = path.stem if format_of(path) is not None else path.name
        return path.with_name(stem + self.suffix)


def format_of(path: Path) -> Format | None:
    """The format that a file's suffix tells of."""
    return next((form for form in Format if path.suffix.lower() in form.suffixes), None)


def agreed(path: Path, form: Format, before: Format) -> tuple[Path, Format]:
    """The path and the format of a dialog after one of them was changed: the other follows.

    Args:
        form, before: the format now, and when both last agreed.
    """
    if form is before:  # so the path was typed
        form = format_of(path) or form
    return form.named(path), form


class FbxAxes(Enum):
    """For whom an FBX file is; the value is (title, the exporter's settings).

    Unity: Y up, metres as the file's unit, so that nothing is scaled. Unreal: Z up with Unreal's own front, so that
    nothing is turned; once Unreal has mirrored Y the character faces as its Mannequin does. Mixamo: Y up. The last two
    are in centimetres, which both expect, by a scale of 100 on the armature.
    """

    UNITY = ("Unity", {"axis_forward": "-Z", "axis_up": "Y", "apply_scale_options": "FBX_SCALE_ALL"})
    UNREAL = ("Unreal", {"axis_forward": "Y", "axis_up": "Z", "apply_scale_options": "FBX_SCALE_NONE"})
    MIXAMO = ("Mixamo", {"axis_forward": "-Z", "axis_up": "Y", "apply_scale_options": "FBX_SCALE_NONE"})

    @property
    def title(self) -> str:
        return self.value[0]

    @property
    def settings(self) -> dict[str, Any]:
        return self.value[1]


def export_motion(
    context: bpy.types.Context, path: str | Path, form: Format, *, fbx_axes: FbxAxes = FbxAxes.UNITY
) -> Path:
    """Write all of the active armature's motion, with the meshes that it moves where the format has meshes.

    AMASS and BVH have a moment for every key where keys lie evenly, and are written from them; FBX, glTF and USD have
    one for every frame of the scene, as Blender shows it. All are as fast as in the scene: see `timing.changed_rate`.

    Raises:
        BadInput: there is no motion, the armature does not suit the format, something beside the keys moves what is
            written from them, or the file cannot be written.
    """
    path = form.named(Path(path))
    armature = active_armature(context, to_write=False)
    sampled = sample(context, armature)
    if form is Format.AMASS:
        naming = naming_of(sampled.motion.skeleton.names)
        _refuse_more_than_keys(context, sampled, () if naming is None else naming.bones)
        return write_amass(armature, sampled.motion, path)
    if form is Format.BVH:
        _refuse_more_than_keys(context, sampled, sampled.motion.skeleton.names)
        return write_bvh(sampled.motion, path)
    with poses_kept(context), _alone(context, sampled):
        try:
            _blender_export(path, form, fbx_axes)
        except RuntimeError as error:  # how Blender hands on what an exporter reported
            raise unwritable(path, _last_words(error)) from error
    if not path.is_file():
        raise unwritable(path, "the exporter left no file")
    return path


def _refuse_more_than_keys(context: bpy.types.Context, sampled: Sampled, names: Iterable[str]) -> None:
    index = sampled.motion.skeleton.names.index
    try:
        refuse_misplaced(context, sampled, [index(name) for name in names])
    except BadInput as error:
        other = "Export FBX, glTF or USD, which hold what Blender shows. Or: "
        raise BadInput(error.message, hint=other + error.hint) from error


def _blender_export(path: Path, form: Format, fbx_axes: FbxAxes) -> None:
    if form is Format.FBX:
        bpy.ops.export_scene.fbx(
            filepath=str(path),
            use_selection=True,
            object_types={"ARMATURE", "MESH"},
            add_leaf_bones=False,
            bake_anim=True,
            bake_anim_use_all_actions=False,
            bake_anim_use_nla_strips=False,
            bake_anim_force_startend_keying=True,
            bake_anim_simplify_factor=0.0,
            **fbx_axes.settings,
        )
    elif form is Format.GLTF:
        bpy.ops.export_scene.gltf(
            filepath=str(path),
            export_format="GLTF_SEPARATE" if path.suffix.lower() == ".gltf" else "GLB",
            use_selection=True,
            export_animation_mode="ACTIVE_ACTIONS",
            export_force_sampling=True,
            export_optimize_animation_size=False,
            export_morph_animation=False,
        )
    else:
        bpy.ops.wm.usd_export(filepath=str(path), selected_objects_only=True, export_animation=True)


@contextmanager
def _alone(context: bpy.types.Context, sampled: Sampled) -> Iterator[None]:
    """The armature and its meshes selected, the scene's range over its motion; then all as it was."""
    scene, layer = context.scene, context.view_layer
    armature = sampled.armature
    chosen = [thing for thing in layer.objects if thing.select_get()]
    mode, active = armature.mode, layer.objects.active
    ends, here = (scene.frame_start, scene.frame_end), (scene.frame_current, scene.frame_subframe)
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    try:
        for thing in layer.objects:
            thing.select_set(thing == armature or (thing.type == "MESH" and thing.find_armature() == armature))
        scene.frame_start = int(np.floor(sampled.frames[0] + 1e-3))
        scene.frame_end = int(np.ceil(sampled.frames[-1] - 1e-3))
        yield
    finally:
        scene.frame_start, scene.frame_end = ends
        scene.frame_set(here[0], subframe=here[1])
        for thing in layer.objects:
            thing.select_set(thing in chosen)
        layer.objects.active = active
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)


def _last_words(error: RuntimeError) -> str:
    """The exporter's sentence; before it may stand where in its code it came from."""
    return str(error).strip().splitlines()[-1].removeprefix("Error: ").rstrip(".")
