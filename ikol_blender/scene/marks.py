"""What an edit does to the marks that lie on a motion: when its feet stand, and what its pins hold."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..cleanup.retime import TimeMap
from ..pins.stored import pin_name
from ..words import counted


@dataclass(frozen=True)
class Marked:
    """Attributes:
    action: the new action, active on the armature; the one before it is kept.
    contacts_dropped: feet stood by the contact curves where they slide now, so that these no longer say so.
    pins_cleared: pins whose places the edit took away.
    """

    action: bpy.types.Action
    contacts_dropped: bool = False
    pins_cleared: int = 0

    @property
    def words(self) -> str:
        """What people must know; empty when nothing went."""
        contacts = "; contacts dropped, as the feet no longer stay in place" if self.contacts_dropped else ""
        pins = counted(self.pins_cleared, "pin")
        return contacts + (f"; {pins} cleared" if self.pins_cleared else "")


def clear_pins_between(armature: bpy.types.Object, first: float, last: float) -> int:
    """Remove the pins from frame `first` to `last`. Returns how many."""
    pins = armature.ikol_pins
    doomed = [index for index, pin in enumerate(pins) if first <= pin.frame <= last]
    for index in reversed(doomed):
        pins.remove(index)
    return len(doomed)


def retime_pins(armature: bpy.types.Object, time_map: TimeMap) -> None:
    """Put pins on the whole frames nearest to where their moments come. Of two that meet, the one nearer stays."""
    pins = armature.ikol_pins
    kept: dict[tuple[str, int], tuple[float, int]] = {}
    for index, pin in enumerate(pins):
        exact = float(time_map.later(np.array([pin.frame], np.float64))[0])
        pin.frame = round(exact)
        pin.name = pin_name(pin.bone, pin.frame)
        off = abs(exact - pin.frame)
        kept[pin.bone, pin.frame] = min(kept.get((pin.bone, pin.frame), (off, index)), (off, index))
    staying = {index for _, index in kept.values()}
    for index in reversed(range(len(pins))):
        if index not in staying:
            pins.remove(index)
