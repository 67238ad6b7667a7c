"""The IKOL tab of the 3D viewport's sidebar."""

from __future__ import annotations

from bpy.types import Context, Panel, UILayout, UIList

from ..contract import IkolError
from ..preferences import preferences_of, solver_environment
from ..runtime.environment import EnvironmentState
from ..runtime.job import JobStatus, SolveJob, clock, log_of
from .properties import IKOL_Settings
from .session import SESSION
from .solver_panel import draw_failure, draw_installation, draw_log
from .wrapped_text import draw_text


class _Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "IKOL"


class IKOL_PT_solve(_Sidebar, Panel):
    bl_label = "IKOL Motion Capture"
    bl_order = 0

    def draw(self, context: Context) -> None:
        settings = context.scene.ikol
        column = self.layout.column()
        if SESSION.is_installing:
            draw_installation(column)
            return
        if not _has_solver(context):
            column.label(text="The solver is not installed yet.", icon="INFO")
            column.operator("ikol.install_solver", icon="IMPORT")
            draw_failure(column)
            return
        fields = column.column()
        fields.enabled = not SESSION.is_solving
        _draw_clip(fields, settings)
        column.separator()
        if SESSION.job is not None and SESSION.is_solving:
            _draw_progress(column, SESSION.job.status)
            return
        button = column.row()
        button.scale_y = 1.4
        button.enabled = bool(settings.video)
        button.operator("ikol.solve", icon="PLAY")
        if SESSION.job is not None:
            _draw_outcome(column, SESSION.job)


class IKOL_PT_options(_Sidebar, Panel):
    bl_label = "Options"
    bl_parent_id = "IKOL_PT_solve"
    bl_order = 0
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return _has_solver(context) and not SESSION.is_installing

    def draw(self, context: Context) -> None:
        settings = context.scene.ikol
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = not SESSION.is_solving
        layout.prop(settings, "detector")
        layout.prop(settings, "model")
        _draw_switched(layout, settings, "use_height", "height_cm")
        _draw_switched(layout, settings, "use_focal", "focal_px")
        row = layout.row()
        row.enabled = not settings.use_focal
        row.prop(settings, "estimate_focal")
        _draw_switched(layout, settings, "use_rate", "rate_hz")
        layout.prop(settings, "import_when_done")


class IKOL_UL_takes(UIList):
    def draw_item(self, context, layout, data, item, icon, active_data, active_property) -> None:
        layout.label(text=item.name, icon="ARMATURE_DATA")


class IKOL_PT_takes(_Sidebar, Panel):
    bl_label = "Takes"
    bl_order = 1

    def draw(self, context: Context) -> None:
        settings = context.scene.ikol
        layout = self.layout
        if settings.takes:
            layout.template_list("IKOL_UL_takes", "", settings, "takes", settings, "active_take", rows=3)
        body = layout.column(align=True)
        body.use_property_split = True
        body.use_property_decorate = False
        body.prop(settings, "naming")
        body.prop(settings, "rest_pose")
        row = layout.row(align=True)
        if 0 <= settings.active_take < len(settings.takes):
            _draw_import(row, settings, "Import", "IMPORT", settings.takes[settings.active_take].path)
        _draw_import(row, settings, "Import file...", "FILE_FOLDER", "")


CLASSES = (IKOL_PT_solve, IKOL_PT_options, IKOL_UL_takes, IKOL_PT_takes)


def _has_solver(context: Context) -> bool:
    try:
        own_python = preferences_of(context).solver_python
    except IkolError:
        return False
    return bool(own_python) or solver_environment().state() is EnvironmentState.READY


def _draw_clip(layout: UILayout, settings: IKOL_Settings) -> None:
    layout.prop(settings, "video", text="", icon="FILE_MOVIE")
    if not settings.video:
        layout.label(text="Choose a video of a person.")
        return
    split = layout.column(align=True)
    split.use_property_split = True
    split.use_property_decorate = False
    split.prop(settings, "start")
    _draw_switched(split, settings, "use_end", "end")
    split.prop(settings, "output")


def _draw_switched(layout: UILayout, settings: IKOL_Settings, switch: str, value: str) -> None:
    """A value that counts only when its switch is on."""
    row = layout.row(align=True, heading=settings.bl_rna.properties[value].name)
    row.prop(settings, switch, text="")
    field = row.row(align=True)
    field.enabled = getattr(settings, switch)
    field.prop(settings, value, text="")


def _draw_import(layout: UILayout, settings: IKOL_Settings, text: str, icon: str, path: str) -> None:
    button = layout.operator("ikol.import_take", text=text, icon=icon)
    button.filepath, button.naming, button.rest_pose = path, settings.naming, settings.rest_pose


def _draw_progress(layout: UILayout, status: JobStatus) -> None:
    layout.progress(factor=status.fraction, type="BAR", text=f"{status.text}  {status.fraction:.0%}")
    row = layout.row()
    row.label(text=f"Elapsed {clock(status.elapsed_s)}", icon="TIME")
    if status.remaining_s is not None:
        row.label(text=f"Left {clock(status.remaining_s)}")
    layout.operator("ikol.cancel", icon="X")
    _draw_notices(layout, status)


def _draw_outcome(layout: UILayout, job: SolveJob) -> None:
    status = job.status
    if status.failure is None:
        layout.label(text=f"Done in {clock(status.elapsed_s)}", icon="CHECKMARK")
        _draw_notices(layout, status)
        return
    draw_text(layout, status.failure.message, "ERROR")
    draw_text(layout, status.failure.hint, "BLANK1")
    # Of what the user did or the clip is like, the solver's own words tell nothing more.
    if status.failure.code == IkolError.code and log_of(job):
        draw_log(layout, job.process.log())
        layout.operator("ikol.copy_log", icon="COPYDOWN")


def _draw_notices(layout: UILayout, status: JobStatus) -> None:
    for notice in status.notices:
        draw_text(layout, notice, "INFO")
