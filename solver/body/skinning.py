"""Linear blend skinning of an SMPL-format body, batched over poses.

Reference: SMPL (Loper et al., SIGGRAPH Asia 2015), equations 2 to 9.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..body_file import PARENTS, Body

Array = NDArray[Any]


def joint_transforms(rotations: Array, rest_joints: Array) -> tuple[Array, Array]:
    """Forward kinematics with the pelvis at its rest position.

    Args:
        rotations: (..., 24, 3, 3) relative to the parent.
        rest_joints: (..., 24, 3) metres, broadcast against `rotations`.

    Returns:
        (..., 24, 3, 3) global rotations and (..., 24, 3) joint positions.
    """
    rest_joints = np.broadcast_to(rest_joints, (*rotations.shape[:-3], 24, 3))
    turned = np.empty_like(rotations)
    placed = np.empty_like(rest_joints)
    turned[..., 0, :, :] = rotations[..., 0, :, :]
    placed[..., 0, :] = rest_joints[..., 0, :]
    for joint, parent in enumerate(PARENTS[1:], start=1):
        turned[..., joint, :, :] = turned[..., parent, :, :] @ rotations[..., joint, :, :]
        offset = rest_joints[..., joint, :] - rest_joints[..., parent, :]
        placed[..., joint, :] = placed[..., parent, :] + np.einsum("...ij,...j", turned[..., parent, :, :], offset)
    return turned, placed


def pose_vertices(body: Body, rotations: Array, betas: Array, vertices: Array | None = None) -> Array:
    """Skinned vertices, pose blend shapes included, with the pelvis at its rest position.

    Args:
        rotations: (N, 24, 3, 3) relative to the parent.
        betas: (N, 10) or (10,).
        vertices: indices of the vertices wanted; None gives all.

    Returns:
        (N, V, 3) metres.
    """
    chosen = np.arange(len(body.v_template)) if vertices is None else np.asarray(vertices)
    betas = np.broadcast_to(betas, (len(rotations), 10))
    joint_basis = np.einsum("jv,vcb->jcb", body.joint_regressor, body.shapedirs)
    rest_joints = body.joint_regressor @ body.v_template + np.einsum("jcb,nb->njc", joint_basis, betas)
    turned, placed = joint_transforms(rotations, rest_joints)
    pose_feature = (rotations[:, 1:] - np.eye(3)).reshape(len(rotations), -1)
    rest = body.v_template[chosen] + np.einsum("vcb,nb->nvc", body.shapedirs[chosen], betas)
    rest = rest + np.einsum("vcp,np->nvc", body.posedirs[chosen], pose_feature)
    weights = body.weights[chosen]
    blended_rotation = np.einsum("vj,njab->nvab", weights, turned)
    shift = placed - np.einsum("njab,njb->nja", turned, rest_joints)
    return np.einsum("nvab,nvb->nva", blended_rotation, rest) + np.einsum("vj,nja->nva", weights, shift)
