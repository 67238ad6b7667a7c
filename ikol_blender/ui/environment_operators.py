"""Install and remove the solver."""

from __future__ import annotations

import time

import bpy
from bpy.types import Context, Event, Operator

from ..contract import IkolError
from ..preferences import solver_environment
from ..runtime.base_python import find_base_python
from ..runtime.installation import Installation, installation_steps
from .session import SESSION
from .ticking import redraw

_POLL_SECONDS = 0.1


class IKOL_OT_install_solver(Operator):
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
            installation = SESSION.installation = Installation(environment, steps)
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        if not bpy.app.background:
            # No modal operator, because those end when another file is opened, and this takes minutes.
            bpy.app.timers.register(look_after_installation, persistent=True)
            return {"FINISHED"}
        while look_after_installation() is not None:
            time.sleep(_POLL_SECONDS)
        if installation.failure is not None:
            self.report({"ERROR"}, f"{installation.failure.message} {installation.failure.hint}")
            return {"CANCELLED"}
        self.report({"INFO"}, installation.title)
        return {"FINISHED"}


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


def look_after_installation() -> float | None:
    """Take the installation that runs further; seconds until Blender shall call again, None when there is no need."""
    installation = SESSION.installation
    if installation is None:
        return None
    installation.advance()
    redraw(bpy.context)
    return None if installation.ended else _POLL_SECONDS


def stop_looking() -> None:
    """Take back Blender's timer, which must not outlive the extension: some versions crash at exit then."""
    if bpy.app.timers.is_registered(look_after_installation):
        bpy.app.timers.unregister(look_after_installation)


CLASSES = (IKOL_OT_install_solver, IKOL_OT_remove_solver)
