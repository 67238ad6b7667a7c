"""An operator that looks after something in the background, ten times a second, while Blender stays responsive."""

from __future__ import annotations

from bpy.types import Context, Event, Operator, Timer

from .session import SESSION

_TICK_SECONDS = 0.1


class Ticking(Operator):
    """Base of the modal operators: calls `tick` until it returns True, or another file is opened."""

    _timer: Timer | None = None

    def start_ticking(self, context: Context) -> set[str]:
        manager = context.window_manager
        self._timer = manager.event_timer_add(_TICK_SECONDS, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        ended = True
        try:
            ended = self.tick(context)
        finally:
            if ended:
                context.window_manager.event_timer_remove(self._timer)
            redraw(context)
        return {"FINISHED"} if ended else {"PASS_THROUGH"}

    def cancel(self, context: Context) -> None:
        """Blender ends the operator, because it quits or opens another file: nobody is left to look after what runs."""
        SESSION.end()

    def tick(self, context: Context) -> bool:
        """Look after it; whether it has ended."""
        raise NotImplementedError


def redraw(context: Context) -> None:
    """Draw the sidebars and the preferences again."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                for region in area.regions:
                    if region.type in ("UI", "WINDOW") and (area.type == "PREFERENCES" or region.type == "UI"):
                        region.tag_redraw()
