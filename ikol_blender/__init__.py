"""The part of IKOL that runs inside Blender."""

from . import preferences, ui


def register() -> None:
    preferences.register()
    ui.register()


def unregister() -> None:
    ui.unregister()
    preferences.unregister()
