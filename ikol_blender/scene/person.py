"""A take's person in the scene: armature, body and action, and what the armature remembers of them."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..contract import Body, Take
from . import timing
from .action import build_action
from .armature import BONE_NAMES, build_armature, rest_body
from .body_mesh import build_body
from .confidence_curves import write_confidence
from .contact_curves import CONTACTS, PLANTED, write_contacts

Array = NDArray[np.float64]

_MODEL, _GENDER, _BETAS, _PELVIS = "ikol_model", "ikol_gender", "ikol_betas", "ikol_rest_pelvis"


@dataclass(frozen=True)
class Person:
    """Attributes:
    armature: the skeleton; `action` is its active action.
    mesh: the body, a child of the armature.
    action: the motion.
    """

    armature: bpy.types.Object
    mesh: bpy.types.Object
    action: bpy.types.Action


@dataclass(frozen=True)
class Identity:
    """Whose body an armature is.

    Attributes:
        model: "open" or "smpl".
        gender: "neutral", "female" or "male".
        betas: (10,).
        rest_pelvis: (3,) m, SMPL's J_0 in its own rest frame.
    """

    model: str
    gender: str
    betas: Array
    rest_pelvis: Array


def build_person(
    context: bpy.types.Context, take: Take, body: Body, name: str, collection: bpy.types.Collection
) -> Person:
    """`take`'s armature, body and motion at the scene's frame rate, in `collection`."""
    betas = take.betas.astype(np.float64)
    rest = rest_body(body, betas)
    armature = build_armature(name, rest, context, collection)
    mesh = build_body(f"{name} body", body, betas, rest, armature, collection)
    frames = timing.key_frames(take, timing.scene_rate(context.scene))
    action = build_action(name, take, rest, armature, frames)
    timing.note_rate(action, timing.scene_rate(context.scene))
    write_confidence(armature, BONE_NAMES, frames, take.confidence)
    # Files of other tools do not tell of contacts: no curves then, rather than feet that never stand.
    if take.contacts.any():
        write_contacts(armature, frames, dict(zip(CONTACTS, (take.contacts > PLANTED).T, strict=True)))
    armature[_MODEL], armature[_GENDER] = take.model, take.gender
    armature[_BETAS], armature[_PELVIS] = betas.tolist(), body.rest_joints(betas)[0].tolist()
    return Person(armature, mesh, action)


def identity_of(armature: bpy.types.Object) -> Identity | None:
    """What `build_person` noted; None for another armature."""
    if _PELVIS not in armature:
        return None
    return Identity(
        str(armature[_MODEL]), str(armature[_GENDER]), np.array(armature[_BETAS]), np.array(armature[_PELVIS])
    )
