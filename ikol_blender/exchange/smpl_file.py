"""An armature with SMPL's bones as an AMASS .npz: what its bones do now, edits included.

With W_k the bone's axes in the world and B_k those it has in SMPL's rest pose, the joint's rotation in the world is
G_k = W_k B_k^T A (see scene/rotations.py), and R_k = G_pa^T G_k.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ..cleanup.motion import Motion
from ..contract import PARENTS, BadInput, axis_angles_of
from ..scene.person import identity_of
from ..scene.rotations import ARMATURE_FROM_SMPL
from .naming import naming_of
from .refusal import unwritable
from .rest_pose import smpl_axes


def write_amass(armature: bpy.types.Object, motion: Motion, path: Path) -> Path:
    """Write `motion` of `armature` with AMASS's keys, and the body's `model` beside them.

    Raises:
        BadInput: it has no SMPL bones, or the file cannot be written.
    """
    naming, identity = naming_of(motion.skeleton.names), identity_of(armature)
    if naming is None or identity is None:
        raise BadInput(
            f"{armature.name} is no SMPL body, which is all that AMASS files hold.",
            hint="Choose the armature that IKOL imported, or export BVH, FBX, glTF or USD.",
        )
    posed = motion.posed()
    places = [motion.skeleton.names.index(name) for name in naming.bones]
    axes = smpl_axes(armature, naming.bones)
    turns = posed.turns[:, places] @ np.swapaxes(axes, -1, -2) @ ARMATURE_FROM_SMPL
    local = turns.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            local[:, joint] = np.swapaxes(turns[:, parent], -1, -2) @ turns[:, joint]
    arrays = {
        "poses": axis_angles_of(local).reshape(len(local), 72),
        "trans": posed.heads[:, places[0]] - identity.rest_pelvis,
        "betas": identity.betas,
        "gender": np.array(identity.gender),
        "model": np.array(identity.model),
        "mocap_framerate": np.float64(motion.rate_hz),
        "mocap_frame_rate": np.float64(motion.rate_hz),
    }
    try:
        with open(path, "wb") as stream:
            np.savez_compressed(stream, **arrays)
    except OSError as error:
        raise unwritable(path, str(error.strerror or error)) from error
    return path
