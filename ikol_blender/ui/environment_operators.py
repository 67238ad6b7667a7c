"""Install and remove the solver."""

from __future__ import annotations

import time

import bpy
from bpy.types import Context, Event, Operator

from ..contract import Cancelled, IkolError
from ..preferences import solver_environment
from ..runtime.base_python import find_base_python
from ..runtime.installation import Installation, installation_steps
from .session import SESSION
from .ticking import Ticking

_POLL_SECONDS = 0.1


class IKOL_OT_install_solver(Ticking):
    """Download the solver's packages into an environment of their own. Needs about 4 GB and a connection"""

    bl_idname = "ikol.install_solver"
    bl_label = "Install solver"

    def execute(self, context: Context) -> set[str]:
        if not bpy.app.online_access:
            self.report({"ERROR"}, "Blender is offline. Allow online access in Preferences > System, then try again.")
            return {"CANCELLED"}
        try:
            SESSION.require_idle()
            environment = solver_environment()
            steps = installation_steps(environment, find_base_python())
            SESSION.installation = Installation(environment, steps)
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        if not bpy.app.background:
            return self.start_ticking(context)
        while not self.tick(context):
            time.sleep(_POLL_SECONDS)
        return {"CANCELLED"} if SESSION.installation.failure else {"FINISHED"}

    def tick(self, context: Context) -> bool:
        installation = SESSION.installation
        if installation is None:  # the extension was disabled and enabled again
            return True
        installation.advance()
        if not installation.ended:
            return False
        if installation.failure is None or isinstance(installation.failure, Cancelled):
            self.report({"INFO"}, installation.title)
        else:
            self.report({"ERROR"}, f"{installation.failure.message} {installation.failure.hint}")
        return True


class IKOL_OT_remove_solver(Operator):
    """Delete the solver's environment"""

    bl_idname = "ikol.remove_solver"
    bl_label = "Remove solver"

    def invoke(self, context: Context, event: Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: Context) -> set[str]:
        try:
            SESSION.require_idle()
            solver_environment().remove()
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        SESSION.installation = None
        return {"FINISHED"}


CLASSES = (IKOL_OT_install_solver, IKOL_OT_remove_solver)
