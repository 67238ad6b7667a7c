"""Import of other tools' motion, and export to other tools."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, StringProperty
from bpy.types import Context, Menu, Operator, OperatorFileListElement
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..contract import IkolError
from ..exchange.export_motion import FbxAxes, Format, agreed, export_motion, format_of
from ..exchange.import_motion import BY_SOLVER, HERE, ImportedMotion, import_motion, import_motions, motion_files
from ..exchange.naming import Naming
from ..exchange.rest_pose import RestPose
from ..preferences import preferences_of, solver_python
from ..scene.timing import changed_rate, has_animation
from .properties import body_file
from .rest_choices import naming_property, rest_pose_property


class IKOL_OT_import_motion(Operator, ImportHelper):
    """Bring in motion of other tools, as AMASS, WHAM, GVHMR, EasyMocap, BVH or FBX: a file, several, or a folder"""

    bl_idname = "ikol.import_motion"
    bl_label = "Import motion"
    bl_options = {"REGISTER", "UNDO"}

    # Not remembered: the menu would import the last file again instead of asking for one.
    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: CollectionProperty(type=OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in (*HERE, *BY_SOLVER)), options={"HIDDEN"})
    naming: naming_property()
    rest_pose: rest_pose_property()
    use_rate: BoolProperty(
        name="Known frame rate", description="Otherwise 30 Hz, where the file does not say", options={"SKIP_SAVE"}
    )
    rate_hz: FloatProperty(
        name="Frame rate (Hz)",
        description="Of files that do not say: WHAM, 4D-Humans, TRAM, PromptHMR, ROMP and EasyMocap",
        min=1.0,
        max=1000.0,
        default=30.0,
        precision=3,
    )
    match_scene: BoolProperty(
        name="Match the scene",
        description="Set the scene's frame rate and range from the file",
        default=True,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Context, event: object) -> set[str]:
        self.match_scene = not has_animation(context.scene)
        return ImportHelper.invoke(self, context, event)

    def draw(self, context: Context) -> None:
        self.layout.use_property_split = True
        for name in ("naming", "rest_pose", "use_rate"):
            self.layout.prop(self, name)
        if self.use_rate:
            self.layout.prop(self, "rate_hz")
        self.layout.prop(self, "match_scene")

    def execute(self, context: Context) -> set[str]:
        try:
            imported = self._imported(context)
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Imported {', '.join(armature.name for armature in imported.armatures)}")
        for notice in imported.notices:
            self.report({"WARNING"}, notice)
        return {"FINISHED"}

    def _imported(self, context: Context) -> ImportedMotion:
        preferences = preferences_of(context)
        options = {
            "naming": Naming[self.naming],
            "rest_pose": RestPose[self.rest_pose],
            "match_scene": self.match_scene,
            "smpl_body": Path(body_file(preferences)) if preferences.body_file else None,
            "rate_hz": self.rate_hz if self.use_rate else None,
            "solver_python": lambda: solver_python(preferences),
        }
        path = Path(bpy.path.abspath(self.filepath))
        if len(self.files) > 1:  # chosen together in the file browser
            folder = Path(bpy.path.abspath(self.directory))
            return import_motions(context, [folder / chosen.name for chosen in self.files], **options)
        if path.is_dir():
            return import_motions(context, motion_files(path), **options)
        return import_motion(context, path, **options)


class IKOL_OT_export(Operator, ExportHelper):
    """Write the active armature's motion as a file of another tool"""

    bl_idname = "ikol.export"
    bl_label = "Export motion"
    bl_options = {"REGISTER"}

    filename_ext = ""
    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    format: EnumProperty(
        name="Format",
        description="A script may leave it to the file's suffix",
        items=[(form.name, f"{form.title} ({form.suffix})", "") for form in Format],
    )
    # The format when it last agreed with the file's suffix: tells which of them the user has changed.
    agreed_format: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    fbx_axes: EnumProperty(
        name="For", description="Axes and units", items=[(axes.name, axes.title, "") for axes in FbxAxes]
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        armature = context.active_object
        if armature is None or armature.type != "ARMATURE":
            cls.poll_message_set("Make the armature with the motion active")
            return False
        return True

    def check(self, context: Context) -> bool:
        """Keep the file's suffix that of the format while the user chooses either."""
        path, form = Path(self.filepath), Format[self.format]
        followed = path, form
        if path.name and not path.is_dir():
            followed = agreed(path, form, Format[self.agreed_format or self.format])
        self.agreed_format = followed[1].name
        if followed == (path, form):
            return False
        self.filepath, self.format = str(followed[0]), followed[1].name
        return True

    def invoke(self, context: Context, event: object) -> set[str]:
        self.filepath = f"{bpy.path.clean_name(context.active_object.name)}{Format[self.format].suffix}"
        self.agreed_format = self.format
        return ExportHelper.invoke(self, context, event)

    def draw(self, context: Context) -> None:
        self.layout.use_property_split = True
        self.layout.prop(self, "format")
        if self.format == Format.FBX.name:
            self.layout.prop(self, "fbx_axes")

    def execute(self, context: Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        told = None if self.properties.is_property_set("format") else format_of(path)
        try:
            written = export_motion(context, path, told or Format[self.format], fbx_axes=FbxAxes[self.fbx_axes])
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Wrote {written}")
        if (told := changed_rate(context.scene, context.active_object)) is not None:
            self.report({"WARNING"}, told)
        return {"FINISHED"}


def draw_import(menu: Menu, context: Context) -> None:
    """The entry in File > Import."""
    menu.layout.operator(IKOL_OT_import_motion.bl_idname, text="IKOL: motion of other tools")


def draw_export(menu: Menu, context: Context) -> None:
    """The entry in File > Export."""
    menu.layout.operator(IKOL_OT_export.bl_idname, text="IKOL: motion (.npz, .bvh, .fbx, .glb, .usdc)")


CLASSES = (IKOL_OT_import_motion, IKOL_OT_export)
