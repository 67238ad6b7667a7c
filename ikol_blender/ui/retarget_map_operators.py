"""The bone map of an armature: find, edit, save, load."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy.types import Context, Operator
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..contract import BadInput, IkolError
from ..retarget import stored_map
from ..retarget.bone_map import load_map, save_map
from ..retarget.families import Detection, fitted
from ..retarget.recognise import recognise, unsure
from ..retarget.rig import find_target, skeleton_of
from ..words import counted


class _OfArmature:
    """What the operators share: the armature that they are about."""

    armature: StringProperty(
        name="Armature", description="Its name; empty for the active object", options={"HIDDEN", "SKIP_SAVE"}
    )

    def chosen(self, context: Context) -> bpy.types.Object:
        named = find_target(context.scene, self.armature) if self.armature else context.active_object
        return stored_map.editable(named)

    def execute(self, context: Context) -> set[str]:
        try:
            words = self.edit(self.chosen(context))
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        self.report({"INFO"}, words)
        return {"FINISHED"}


class IKOL_OT_map_detect(_OfArmature, Operator):
    """Find which bones play which part, by names or else by shape, and list them"""

    bl_idname = "ikol.map_detect"
    bl_label = "Find bones"
    bl_options = {"REGISTER", "UNDO"}

    def edit(self, armature: bpy.types.Object) -> str:
        try:
            found = stored_map.find_map(armature)
        except BadInput as error:
            self.report({"WARNING"}, error.message)
            return "All parts are listed: choose their bones"
        doubtful = ", ".join(stored_map.role_title(role).lower() for role in unsure(found))
        return f"{found.bone_map.title}" + (f"; look at: {doubtful}" if doubtful else "")


class IKOL_OT_map_clear(_OfArmature, Operator):
    """Forget the list: bones are found anew at each retargeting"""

    bl_idname = "ikol.map_clear"
    bl_label = "Clear bone map"
    bl_options = {"REGISTER", "UNDO"}

    def edit(self, armature: bpy.types.Object) -> str:
        stored_map.forget_map(armature)
        return f"The bones of {armature.name} are found anew"


class IKOL_OT_map_row(_OfArmature, Operator):
    """Add another bone to the part of the active row, or take the row off"""

    bl_idname = "ikol.map_row"
    bl_label = "Bone map row"
    bl_options = {"REGISTER", "UNDO"}

    change: EnumProperty(name="Change", items=[("ADD", "Add", ""), ("REMOVE", "Remove", "")])

    def edit(self, armature: bpy.types.Object) -> str:
        if not len(armature.ikol_map.rows):
            raise BadInput(f"{armature.name} has no bone map.", hint="Press Find bones first.")
        (stored_map.add_row if self.change == "ADD" else stored_map.remove_row)(armature)
        return "Bone map changed"


class IKOL_OT_map_save(_OfArmature, Operator, ExportHelper):
    """Write the bone map of the armature as a file, for other characters with such bones"""

    bl_idname = "ikol.map_save"
    bl_label = "Save bone map"
    bl_options = {"REGISTER"}

    filename_ext = ".json"
    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def edit(self, armature: bpy.types.Object) -> str:
        path = Path(bpy.path.abspath(self.filepath))
        bone_map = stored_map.kept_map(armature) or recognise(skeleton_of(armature)).bone_map
        save_map(bone_map, path)
        return f"Wrote {path}"


class IKOL_OT_map_load(_OfArmature, Operator, ImportHelper):
    """Read a bone map from a file and list it as the armature's"""

    bl_idname = "ikol.map_load"
    bl_label = "Load bone map"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def edit(self, armature: bpy.types.Object) -> str:
        path = Path(bpy.path.abspath(self.filepath))
        bone_map = fitted(*load_map(path), (bone.name for bone in armature.data.bones))
        stored_map.keep_map(armature, Detection(bone_map, 1.0, {}))
        return f"{bone_map.title}: {counted(len(bone_map.names()), 'bone')}"


CLASSES = (IKOL_OT_map_detect, IKOL_OT_map_clear, IKOL_OT_map_row, IKOL_OT_map_save, IKOL_OT_map_load)
