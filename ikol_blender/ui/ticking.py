"""An operator that looks after something in the background, ten times a second, while Blender stays responsive."""

from __future__ import annotations

from bpy.types import Context, Event, Operator, Timer

_TICK_SECONDS = 0.1


class Ticking(Operator):
    """Base of the modal operators: calls `tick` until it returns True."""

    _timer: Timer | None = None

    def start_ticking(self, context: Context) -> set[str]:
        manager = context.window_manager
        self._timer = manager.event_timer_add(_TICK_SECONDS, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        ended = self.tick(context)
        redraw(context)
        if not ended:
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        return {"FINISHED"}

    def cancel(self, context: Context) -> None:
        """Blender ends the operator: it quits, or opens another file."""
        self.abandon()

    def tick(self, context: Context) -> bool:
        """Look after it; whether it has ended."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Stop it: nobody is left to look after it."""
        raise NotImplementedError


def redraw(context: Context) -> None:
    """Draw the sidebars and the preferences again."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                for region in area.regions:
                    if region.type in ("UI", "WINDOW") and (area.type == "PREFERENCES" or region.type == "UI"):
                        region.tag_redraw()
