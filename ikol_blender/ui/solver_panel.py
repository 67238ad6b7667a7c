"""The state of the solver's environment, in the preferences and, while it is missing, in the sidebar."""

from __future__ import annotations

from bpy.types import AddonPreferences, UILayout

from ..preferences import solver_environment, solver_in_words
from ..runtime.environment import EnvironmentState
from .session import SESSION
from .wrapped_text import draw_text

_LOG_LINES_SHOWN = 8


def draw_solver(layout: UILayout, preferences: AddonPreferences) -> None:
    """State, buttons and log."""
    state = solver_environment().state()
    box = layout.box()
    row = box.row()
    words, can_run = solver_in_words(preferences)
    row.label(text=f"Solver: {words}", icon="CHECKMARK" if can_run else "ERROR")
    if SESSION.is_installing:
        draw_installation(box)
    else:
        row = box.row()
        row.operator("ikol.install_solver", icon="IMPORT")
        if state is not EnvironmentState.ABSENT:
            row.operator("ikol.remove_solver", icon="TRASH")
        draw_failure(box)
    box.prop(preferences, "solver_python")


def draw_installation(layout: UILayout) -> None:
    """Progress, Cancel and log of the installation that runs."""
    installation = SESSION.installation
    if installation is None:
        return
    layout.progress(factor=installation.fraction, type="BAR", text=installation.title)
    layout.operator("ikol.cancel", icon="X")
    draw_log(layout, installation.log())


def draw_failure(layout: UILayout) -> None:
    """Why the last installation failed."""
    installation = SESSION.installation
    if installation is not None and installation.failure is not None:
        draw_text(layout, installation.failure.message, "CANCEL")
        draw_text(layout, installation.failure.hint, "BLANK1")
        draw_log(layout, installation.log())


def draw_log(layout: UILayout, lines: list[str]) -> None:
    """The last lines of a log, small."""
    column = layout.column(align=True)
    column.scale_y = 0.7
    for line in lines[-_LOG_LINES_SHOWN:]:
        column.label(text=line)
