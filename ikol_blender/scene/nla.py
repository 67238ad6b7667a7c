"""An action that becomes a strip of the NLA."""

from __future__ import annotations

import bpy

from ..contract import BadInput
from .compat import strip_of


def refuse_tweaking(owner: bpy.types.ID) -> None:
    """Raises:
    BadInput: a strip of `owner` is being tweaked, and Blender takes no other action meanwhile.
    """
    animation = owner.animation_data
    if animation is not None and animation.use_tweak_mode:
        raise BadInput(f"A strip of {owner.name} is in tweak mode.", hint="Leave it (Tab in the NLA editor) first.")


def push_down(owner: bpy.types.ID) -> bpy.types.NlaStrip:
    """The active action of `owner` as a strip on a new track above the others, as Blender's own Push Down does.

    No action is active then: it would hide the strips.
    """
    animation = owner.animation_data
    action = animation.action
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = strip_of(animation, track)
    animation.action = None
    return strip
