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


def playing_strips(animation: bpy.types.AnimData) -> list[bpy.types.NlaStrip]:
    """The strips that take effect, the lowest first."""
    solo = any(track.is_solo for track in animation.nla_tracks)
    shown = [track for track in animation.nla_tracks if (track.is_solo if solo else not track.mute)]
    return [strip for track in shown for strip in track.strips if strip.action is not None and not strip.mute]


def refuse_layers(armature: bpy.types.Object) -> None:
    """Raises:
    BadInput: the motion lies in strips of the NLA, not in an action that could be edited.
    """
    animation = armature.animation_data
    if animation is None or not any(track.strips for track in animation.nla_tracks):
        return
    if not playing_strips(animation):
        raise BadInput(
            f"The NLA tracks of {armature.name} are muted, and no action is active.",
            hint="Choose an action in the Action editor, or unmute the tracks in the NLA editor and merge the layers.",
        )
    raise BadInput(f"The motion of {armature.name} lies in NLA layers.", hint="Merge the layers first.")


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
