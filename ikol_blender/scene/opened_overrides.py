"""Contacts on library overrides when a file is opened: Blender saves the curves, but no property that an override adds.

Curves of a property that is not there move nothing, and the animation editors strike them out.
"""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from .contact_curves import put_back_properties


@persistent
def _after_opening(*_: object) -> None:
    for thing in bpy.data.objects:
        if thing.type == "ARMATURE" and thing.override_library is not None:
            put_back_properties(thing)


def mend_opened_files() -> None:
    bpy.app.handlers.load_post.append(_after_opening)


def stop_mending() -> None:
    if _after_opening in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_after_opening)
