"""Import of other tools' motion, and export to other tools."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy.types import Context, Menu, Operator
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..contract import IkolError
from ..exchange.export_motion import FbxAxes, Format, export_motion
from ..exchange.import_motion import BY_SOLVER, HERE, ImportedMotion, import_folder, import_motion
from ..exchange.naming import Naming
from ..exchange.rest_pose import RestPose
from ..preferences import preferences_of, solver_python
from ..scene.timing import has_animation
from .properties import body_file


class IKOL_OT_import_motion(Operator, ImportHelper):
    """Bring in motion of another tool: AMASS, WHAM, 4D-Humans, GVHMR, TRAM, ROMP, EasyMocap, BVH, FBX; or a folder"""

    bl_idname = "ikol.import_motion"
    bl_label = "Import motion"
    bl_options = {"REGISTER", "UNDO"}

    # Not remembered: the menu would import the last file again instead of asking for one.
    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in (*HERE, *BY_SOLVER)), options={"HIDDEN"})
    naming: EnumProperty(
        name="Bone names", items=[(naming.name, naming.title, "Names of the body's bones") for naming in Naming]
    )
    rest_pose: EnumProperty(
        name="Rest pose", items=[(pose.name, pose.title, "How the body stands at rest") for pose in RestPose]
    )
    match_scene: BoolProperty(
        name="Match the scene to the motion",
        description="Set the scene's frame rate and range from the file",
        default=True,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Context, event: object) -> set[str]:
        self.match_scene = not has_animation(context.scene)
        return ImportHelper.invoke(self, context, event)

    def draw(self, context: Context) -> None:
        self.layout.use_property_split = True
        for name in ("naming", "rest_pose", "match_scene"):
            self.layout.prop(self, name)

    def execute(self, context: Context) -> set[str]:
        try:
            imported = self._imported(context, Path(bpy.path.abspath(self.filepath)))
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Imported {', '.join(armature.name for armature in imported.armatures)}")
        for notice in imported.notices:
            self.report({"WARNING"}, notice)
        return {"FINISHED"}

    def _imported(self, context: Context, path: Path) -> ImportedMotion:
        preferences = preferences_of(context)
        load = import_folder if path.is_dir() else import_motion
        return load(
            context,
            path,
            naming=Naming[self.naming],
            rest_pose=RestPose[self.rest_pose],
            match_scene=self.match_scene,
            smpl_body=Path(body_file(preferences)) if preferences.body_file else None,
            solver_python=lambda: solver_python(preferences),
        )


class IKOL_OT_export(Operator, ExportHelper):
    """Write the active armature's motion as a file of another tool"""

    bl_idname = "ikol.export"
    bl_label = "Export motion"
    bl_options = {"REGISTER"}

    filename_ext = ""
    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    format: EnumProperty(
        name="Format",
        items=[(form.name, f"{form.title} ({form.suffix})", "") for form in Format],
        update=lambda self, context: self.check(context),
    )
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
        """Keep the file's suffix that of the format while the user chooses."""
        before = Path(self.filepath)
        wanted = Format[self.format].suffix
        if not before.name or before.suffix.lower() == wanted:
            return False
        self.filepath = str(before.with_suffix(wanted))
        return True

    def invoke(self, context: Context, event: object) -> set[str]:
        self.filepath = f"{context.active_object.name}{Format[self.format].suffix}"
        return ExportHelper.invoke(self, context, event)

    def draw(self, context: Context) -> None:
        self.layout.use_property_split = True
        self.layout.prop(self, "format")
        if self.format == Format.FBX.name:
            self.layout.prop(self, "fbx_axes")

    def execute(self, context: Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        try:
            written = export_motion(context, path, Format[self.format], fbx_axes=FbxAxes[self.fbx_axes])
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Wrote {written}")
        return {"FINISHED"}


def draw_import(menu: Menu, context: Context) -> None:
    """The entry in File > Import."""
    menu.layout.operator(IKOL_OT_import_motion.bl_idname, text="IKOL: motion of other tools")


def draw_export(menu: Menu, context: Context) -> None:
    """The entry in File > Export."""
    menu.layout.operator(IKOL_OT_export.bl_idname, text="IKOL: motion (.npz, .bvh, .fbx, .glb, .usdc)")


CLASSES = (IKOL_OT_import_motion, IKOL_OT_export)
