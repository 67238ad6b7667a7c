"""Import a take."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy.types import Context, Event, Menu, Operator
from bpy_extras.io_utils import ImportHelper

from ..contract import IkolError
from ..exchange.import_motion import import_own_take, read_own_take
from ..exchange.naming import Naming
from ..exchange.rest_pose import RestPose
from ..preferences import preferences_of
from ..scene.timing import fits, has_animation
from .properties import body_file
from .rest_choices import naming_property, rest_pose_property


class IKOL_OT_import_take(Operator, ImportHelper):
    """Bring a take into the scene: armature, body, motion, and the camera with the footage"""

    bl_idname = "ikol.import_take"
    bl_label = "Import take"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".npz"
    # Not remembered: the menu would import the last file again instead of asking for one.
    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: StringProperty(default="*.npz", options={"HIDDEN"})
    match_scene: BoolProperty(
        name="Match the scene",
        description="Set the scene's frame rate, frame range, render size and camera from the take",
        default=True,
        options={"SKIP_SAVE"},
    )
    floor: BoolProperty(name="Floor", description="Add a floor at the person's feet", options={"SKIP_SAVE"})
    naming: naming_property()
    rest_pose: rest_pose_property()

    def invoke(self, context: Context, event: Event) -> set[str]:
        self.match_scene = not has_animation(context.scene)
        if not self.filepath:
            return ImportHelper.invoke(self, context, event)
        if self.match_scene:
            return self.execute(context)
        try:
            take = read_own_take(Path(bpy.path.abspath(self.filepath)))
        except IkolError as error:
            return self._refuse(error)
        if fits(context.scene, take):
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(
            self, width=420, title="The scene has animation", confirm_text="Import"
        )

    def draw(self, context: Context) -> None:
        if has_animation(context.scene):
            self.layout.label(text="A new frame rate changes the speed of what is animated here.", icon="INFO")
        for name in ("match_scene", "floor", "naming", "rest_pose"):
            self.layout.prop(self, name)

    def execute(self, context: Context) -> set[str]:
        try:
            path = Path(bpy.path.abspath(self.filepath))
            body = body_file(preferences_of(context)) if read_own_take(path).model == "smpl" else "open"
            imported = import_own_take(
                context,
                path,
                body=body,
                match_scene=self.match_scene,
                floor=self.floor,
                naming=Naming[self.naming],
                rest_pose=RestPose[self.rest_pose],
            )
        except IkolError as error:
            return self._refuse(error)
        self.report({"INFO"}, f"Imported {imported.armature.name}")
        for notice in imported.notices:
            self.report({"WARNING"}, notice)
        return {"FINISHED"}

    def _refuse(self, error: IkolError) -> set[str]:
        self.report({"ERROR"}, f"{error.message} {error.hint}")
        return {"CANCELLED"}


def draw_menu(menu: Menu, context: Context) -> None:
    """The entry in File > Import."""
    menu.layout.operator(IKOL_OT_import_take.bl_idname, text="IKOL take (.npz)")


CLASSES = (IKOL_OT_import_take,)
