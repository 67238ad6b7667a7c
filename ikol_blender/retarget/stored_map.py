"""A rig's bone map as it is kept with its armature, in the .blend file: a list that people edit.

Modules with properties do without `from __future__ import annotations`: Blender evaluates such annotations itself.
"""

import json

import bpy
from bpy.props import CollectionProperty, FloatProperty, IntProperty, StringProperty
from bpy.types import PropertyGroup

from ..contract import BadInput
from .bone_map import NEEDED, ROLES, BoneMap
from .families import Detection
from .recognise import UNSURE, recognise, unsure
from .rig import skeleton_of

_SIDES = {"L": "Left ", "R": "Right "}


def role_title(role: str) -> str:
    """ "Left upper arm" for people."""
    part, _, side = role.partition(".")
    words = f"{_SIDES.get(side, '')}{part.replace('_', ' ')}"
    return words[0].upper() + words[1:]


def _row_title(role: str) -> str:
    """ "Upper arm L": short enough for the sidebar."""
    part, _, side = role.partition(".")
    return f"{part.replace('_', ' ').capitalize()} {side}".strip()


def _chosen_by_hand(row: "IKOL_MappedBone", context: bpy.types.Context) -> None:
    row.sure = 1.0


class IKOL_MappedBone(PropertyGroup):
    """One row: a part of the body and a bone that plays it. Parts of several bones have a row for each, in order."""

    name: StringProperty(name="Part", override={"LIBRARY_OVERRIDABLE"})
    role: StringProperty(name="Role", override={"LIBRARY_OVERRIDABLE"})
    bone: StringProperty(
        name="Bone",
        description="The bone that plays this part; empty when none does",
        update=_chosen_by_hand,
        override={"LIBRARY_OVERRIDABLE"},
    )
    sure: FloatProperty(
        name="Sure", description="How sure IKOL is, 0 to 1", default=1.0, override={"LIBRARY_OVERRIDABLE"}
    )

    @property
    def doubtful(self) -> bool:
        """Somebody should look at this row."""
        if not self.bone:
            return self.role in NEEDED and all(row.role != self.role or not row.bone for row in self._map().rows)
        return self.sure < UNSURE or self.bone not in self.id_data.data.bones

    def _map(self) -> "IKOL_BoneMap":
        return self.id_data.ikol_map


class IKOL_BoneMap(PropertyGroup):
    """The map of one armature; without rows the map is found anew each time."""

    title: StringProperty(name="Rig", override={"LIBRARY_OVERRIDABLE"})
    settings: StringProperty(description="Switches of a rig of controls, JSON", override={"LIBRARY_OVERRIDABLE"})
    rows: CollectionProperty(type=IKOL_MappedBone, override={"LIBRARY_OVERRIDABLE", "USE_INSERTION"})
    active: IntProperty(name="Row", override={"LIBRARY_OVERRIDABLE"})


CLASSES = (IKOL_MappedBone, IKOL_BoneMap)


def find_map(armature: bpy.types.Object) -> Detection:
    """Find the armature's map and keep it with the armature, to look at and to edit.

    Raises:
        BadInput: no body was found. All parts are listed then, without bones.
    """
    try:
        found = recognise(skeleton_of(editable(armature)))
    except BadInput:
        keep_map(armature, Detection(BoneMap("By hand", {}), 0.0, {}))
        raise
    keep_map(armature, found)
    return found


def keep_map(armature: bpy.types.Object, found: Detection) -> None:
    """List `found` as the armature's map."""
    kept = editable(armature).ikol_map
    kept.title, kept.settings = found.bone_map.title, json.dumps(found.bone_map.settings)
    kept.rows.clear()
    for role in ROLES:
        for bone in found.bone_map.bones.get(role, ("",)):
            row = kept.rows.add()
            row.name, row.role, row.bone = _row_title(role), role, bone
            row.sure = found.sure.get(role, 1.0)
    kept.active = 0


def list_unsure(armature: bpy.types.Object) -> None:
    """Find and keep the armature's map when parts of it are unsure, for people to look at them.

    A map that is kept already stays, and so does an armature of another file.
    """
    if len(armature.ikol_map.rows) or not armature.is_editable:
        return
    found = recognise(skeleton_of(armature))
    if unsure(found):
        keep_map(armature, found)


def unsure_roles(armature: bpy.types.Object) -> tuple[str, ...]:
    """Roles of the kept map whose bones were found, but may be wrong; nobody has chosen them since."""
    return tuple(dict.fromkeys(row.role for row in armature.ikol_map.rows if row.bone and row.sure < UNSURE))


def listed_bones(armature: bpy.types.Object) -> dict[str, tuple[str, ...]]:
    """The bones that the kept map has for each role, complete or not."""
    bones: dict[str, tuple[str, ...]] = {}
    for row in armature.ikol_map.rows:
        if row.bone:
            bones[row.role] = (*bones.get(row.role, ()), row.bone)
    return bones


def kept_map(armature: bpy.types.Object) -> BoneMap | None:
    """The map that is kept with the armature, None when none is.

    Raises:
        BadInput: a part that motion needs has no bone.
    """
    kept = armature.ikol_map
    if not len(kept.rows):
        return None
    bones = listed_bones(armature)
    for role in NEEDED:
        if role not in bones:
            raise BadInput(
                f"The bone map of {armature.name} has no bone for: {role_title(role).lower()}.",
                hint="Choose one in the Retarget panel, or clear the map.",
            )
    settings = json.loads(kept.settings) if kept.settings else {}
    return BoneMap(kept.title or "By hand", {role: bones[role] for role in ROLES if role in bones}, settings)


def forget_map(armature: bpy.types.Object) -> None:
    kept = editable(armature).ikol_map
    kept.rows.clear()
    kept.title, kept.settings = "", ""


def add_row(armature: bpy.types.Object) -> None:
    """Another bone for the part of the active row, after it."""
    kept = editable(armature).ikol_map
    before = kept.rows[kept.active]
    row = kept.rows.add()
    row.name, row.role = before.name, before.role
    kept.active += 1
    kept.rows.move(len(kept.rows) - 1, kept.active)


def remove_row(armature: bpy.types.Object) -> None:
    """Take the active row off; a part's only row is emptied instead."""
    kept = editable(armature).ikol_map
    row = kept.rows[kept.active]
    if sum(1 for other in kept.rows if other.role == row.role) == 1:
        row.bone = ""
        return
    kept.rows.remove(kept.active)
    kept.active = max(0, kept.active - 1)


def editable(armature: bpy.types.Object | None) -> bpy.types.Object:
    """Raises:
    BadInput: it is no armature, or lies in another file.
    """
    if armature is None or armature.type != "ARMATURE":
        raise BadInput("That is no armature.", hint="Choose the character's armature.")
    if not armature.is_editable:
        raise BadInput(f"{armature.name} is linked from another file.", hint="Make a library override of it first.")
    return armature
