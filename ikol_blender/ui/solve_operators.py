"""Solve and Cancel."""

from collections.abc import Sequence
from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy.types import Context, Operator
from bpy.types import Event as BlenderEvent

from ..contract import Cancelled, Event, IkolError, Notice, read_take
from ..preferences import preferences_of, solver_python
from ..runtime.job import SolveJob, log_of
from ..runtime.process import solve_blocking, start_solve
from ..scene.placing import keeping_pose_mode
from ..words import counted
from .properties import list_takes, request_of
from .session import SESSION
from .ticking import Ticking


class IKOL_OT_solve(Ticking):
    """Find the motion of the person in the video"""

    bl_idname = "ikol.solve"
    bl_label = "Solve"

    filepath: StringProperty(name="Video", subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: StringProperty(name="Folder for the takes", subtype="DIR_PATH", options={"SKIP_SAVE"})
    import_takes: BoolProperty(name="Import when done", options={"SKIP_SAVE"})

    def invoke(self, context: Context, event: BlenderEvent) -> set[str]:
        # However a person starts it, the panel's switch counts; a script says what it wants.
        if not self.properties.is_property_set("import_takes"):
            self.import_takes = context.scene.ikol.import_when_done
        return self.execute(context)

    def execute(self, context: Context) -> set[str]:
        try:
            SESSION.require_idle()
            preferences = preferences_of(context)
            python = solver_python(preferences)
            request = request_of(context.scene.ikol, preferences, self.filepath, self.directory)
            if bpy.app.background:
                self.finish(context, solve_blocking(request, python, self.tell))
                return {"FINISHED"}
            SESSION.job = SolveJob(start_solve(request, python))
        except IkolError as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        return self.start_ticking(context)

    def tick(self, context: Context) -> bool:
        job = SESSION.job
        if job is None:  # the extension was disabled and enabled again
            return True
        status = job.advance()
        if not status.ended:
            return False
        if status.failure is None:
            self.finish(context, status.takes)
        elif status.failure.code == Cancelled.code:
            self.report({"INFO"}, status.failure.message)
        else:
            self.report({"ERROR"}, f"{status.failure.message} {status.failure.hint}")
        return True

    def tell(self, event: Event) -> None:
        """Pass on what a script should see of a solve that it waits for."""
        if isinstance(event, Notice):
            self.report({"WARNING"}, event.message)

    def finish(self, context: Context, takes: Sequence[Path]) -> None:
        """List the takes, and import them when asked to and when nobody is in the middle of something else."""
        list_takes(context.scene.ikol, takes)
        # The list is part of the file: without a step of its own, undoing what comes next would empty it.
        bpy.ops.ed.undo_push(message="Solve")
        self.report({"INFO"}, f"Solved: {counted(len(takes), 'take')}")
        if not self.import_takes:
            return
        if context.mode == "OBJECT":
            self.import_all(context, takes)
        elif context.mode == "POSE":
            with keeping_pose_mode(context):
                self.import_all(context, takes)
            # Not the imports' own steps: undoing what comes next would lead to where Pose mode was left for them.
            bpy.ops.ed.undo_push(message="Import takes")
        else:
            # Only Object mode makes armatures; and Blender's Undo in these modes knows nothing of new objects.
            mode = context.active_object.bl_rna.properties["mode"].enum_items[context.active_object.mode].name
            notice = f"It was not imported while you were in {mode}: press Import in the list of takes."
            if SESSION.job is not None:
                SESSION.job.note(notice)
            self.report({"WARNING"}, notice)

    def import_all(self, context: Context, takes: Sequence[Path]) -> None:
        """Import the takes as the panel says; one that is refused is told in words."""
        # Where nobody watches nobody can answer: a script says what it wants by importing the take itself.
        ask = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        settings, own_step = context.scene.ikol, context.mode == "OBJECT"
        body = {"naming": settings.naming, "rest_pose": settings.rest_pose}
        # The one that ends last sets the scene; the others then fit into it and nothing need be asked.
        for take in sorted(takes, key=_end_s, reverse=True):
            try:
                bpy.ops.ikol.import_take(ask, own_step, filepath=str(take), **body)
            except RuntimeError as refused:  # how Blender hands on what an operator reported as an error
                self.report({"ERROR"}, str(refused).strip().removeprefix("Error: "))


def _end_s(path: Path) -> float:
    try:
        return float(read_take(path).timestamps[-1])
    except IkolError:
        return 0.0  # its import says what is wrong with it


class IKOL_OT_cancel(Operator):
    """Stop the solve, or the installation of the solver"""

    bl_idname = "ikol.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return SESSION.is_solving or SESSION.is_installing

    def execute(self, context: Context) -> set[str]:
        if SESSION.job is not None and SESSION.is_solving:
            SESSION.job.cancel()
        if SESSION.installation is not None and SESSION.is_installing:
            SESSION.installation.cancel()
        return {"FINISHED"}


class IKOL_OT_copy_log(Operator):
    """Put the log of the last solve on the clipboard, to send it with a report"""

    bl_idname = "ikol.copy_log"
    bl_label = "Copy log"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return SESSION.job is not None and bool(log_of(SESSION.job))

    def execute(self, context: Context) -> set[str]:
        log = log_of(SESSION.job)
        context.window_manager.clipboard = log
        self.report({"INFO"}, f"Copied {counted(len(log.splitlines()), 'line')}")
        return {"FINISHED"}


CLASSES = (IKOL_OT_solve, IKOL_OT_cancel, IKOL_OT_copy_log)
