"""The skeleton: rest joints from shape, forward kinematics by tree levels.

Frame: SMPL's rest frame, metres, Y up, facing +Z, the body's left along +X.
Reference: SMPL (Loper et al., SIGGRAPH Asia 2015) for the kinematic chain and the joint regressor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..body_file import BETA_COUNT, PARENTS, read_body
from . import planes

JOINT_COUNT = len(PARENTS)


@dataclass(frozen=True)
class Level:
    """Joints at one depth of the tree, a run of indices because SMPL counts breadth first.

    Attributes:
        joints: slice of joint indices.
        parents: the joints' parents, one each.
        slots: each parent's place within the level above.
    """

    joints: slice
    parents: tuple[int, ...]
    slots: tuple[int, ...]


def _children_of(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(c for c, p in enumerate(parents) if p == k) for k in range(len(parents)))


def _levels_of(parents: tuple[int, ...]) -> tuple[Level, ...]:
    depth = [0] * len(parents)
    for joint in range(1, len(parents)):
        depth[joint] = depth[parents[joint]] + 1
    first = [depth.index(d) for d in range(max(depth) + 1)] + [len(parents)]
    levels: list[Level] = []
    for d in range(1, max(depth) + 1):
        above = parents[first[d] : first[d + 1]]
        levels.append(Level(slice(first[d], first[d + 1]), above, tuple(p - first[d - 1] for p in above)))
    return tuple(levels)


CHILDREN = _children_of(PARENTS)
LEVELS = _levels_of(PARENTS)  # without the root
LEAVES = tuple(k for k in range(JOINT_COUNT) if not CHILDREN[k])  # left foot, right foot, head, left hand, right hand
LEAF_INPUT_ORDER = (15, 22, 23, 10, 11)  # head, left hand, right hand, left foot, right foot
INNER = tuple(k for k in range(JOINT_COUNT) if CHILDREN[k])
FIRST_CHILD = tuple(c[0] if c else -1 for c in CHILDREN)


class Skeleton(nn.Module):
    """SMPL's 24 joints of one body model. It holds no parameters; `.to()` moves its tensors.

    Attributes:
        parents: parent of each joint, -1 for the root.
        template: (24, 3) rest joints of the mean shape, m.
        shape_directions: (24, 3, 10) displacement of the rest joints per unit of each beta, m.
    """

    template: Tensor
    shape_directions: Tensor

    def __init__(self, template: Tensor, shape_directions: Tensor) -> None:
        """Raises:
        ValueError: the tensors are not (24, 3) and (24, 3, 10).
        """
        super().__init__()
        if template.shape != (JOINT_COUNT, 3) or shape_directions.shape != (JOINT_COUNT, 3, BETA_COUNT):
            raise ValueError(f"rest joints {tuple(template.shape)}, directions {tuple(shape_directions.shape)}")
        self.parents = PARENTS
        self.register_buffer("template", template)
        self.register_buffer("shape_directions", shape_directions)

    @classmethod
    def from_body(cls, path_or_name: str | Path = "open", dtype: torch.dtype = torch.float32) -> Skeleton:
        """The skeleton of "open", or of an SMPL-format .npz or .pkl file.

        Raises:
            BodyUnreadable: the file is missing, damaged or not an SMPL body.
        """
        body = read_body(path_or_name)
        directions = np.einsum("jv,vcb->jcb", body.joint_regressor, body.shapedirs)
        template = body.joint_regressor @ body.v_template
        return cls(torch.from_numpy(template).to(dtype), torch.from_numpy(directions).to(dtype))

    def rest_joints(self, betas: Tensor) -> Tensor:
        """Shape coefficients (B, 10) or (10,) to rest joints (B, 24, 3), m; one (10,) gives B = 1."""
        betas = torch.atleast_2d(betas)
        return self.template.to(betas) + torch.einsum("jcb,nb->njc", self.shape_directions.to(betas), betas)

    def bones(self, betas: Tensor) -> Tensor:
        """Rest offsets from each joint's parent (B, 24, 3), m; the root's is its rest position."""
        rest = self.rest_joints(betas)
        return torch.cat((rest[:, :1], rest[:, 1:] - rest[:, self.parents[1:]]), 1)

    def forward(self, rotations: Tensor, betas: Tensor) -> Tensor:
        """Relative rotations (B, 24, 3, 3) and betas (B, 10) or (10,) to joints (B, 24, 3), m.

        The pelvis stays at its rest position, as in SMPL: add the translation.
        """
        bones = planes.vectors_to_planes(self.bones(betas.to(rotations))).expand(-1, -1, len(rotations))
        joints, _ = forward_planes(planes.matrices_to_planes(rotations), bones)
        return planes.vectors_from_planes(joints)


def forward_planes(rotations: Tensor, bones: Tensor) -> tuple[Tensor, Tensor]:
    """Relative rotations (3, 3, 24, B) and bones (3, 24, B) to joints (3, 24, B) and global rotations (3, 3, 24, B)."""
    frames = [rotations[:, :, :1]]
    for level in LEVELS:
        frames.append(planes.multiply(take(frames[-1], level.slots), rotations[:, :, level.joints]))
    globals_ = torch.cat(frames, 2)
    return joints_from_globals(globals_, bones), globals_


def joints_from_globals(global_rotations: Tensor, bones: Tensor) -> Tensor:
    """Global rotations (3, 3, 24, B) and bones (3, 24, B), the root's its position, to joints (3, 24, B)."""
    offsets = planes.apply(take(global_rotations, PARENTS[1:]), bones[:, 1:])
    return accumulate_down(torch.cat((bones[:, :1], offsets), 1))


def relative_rotations(global_rotations: Tensor) -> Tensor:
    """Global rotations (3, 3, 24, B) to relative ones."""
    relative = planes.multiply_transposed(take(global_rotations, PARENTS[1:]), global_rotations[:, :, 1:])
    return torch.cat((global_rotations[:, :, :1], relative), 2)


def accumulate_down(values: Tensor) -> Tensor:
    """(..., 24, B) values to their sums along the way from the root, own value included."""
    sums = [values[..., :1, :]]
    for level in LEVELS:
        sums.append(take(sums[-1], level.slots) + values[..., level.joints, :])
    return torch.cat(sums, -2)


def accumulate_up(values: Tensor) -> Tensor:
    """(..., 24, B) values to their sums over each joint's descendants, own value left out."""
    sums = [torch.zeros_like(values[..., LEVELS[-1].joints, :])]
    for level in reversed(LEVELS):
        above = LEVELS[LEVELS.index(level) - 1].joints if level is not LEVELS[0] else slice(0, 1)
        sums.append(gather_children(sums[-1] + values[..., level.joints, :], level, above.stop - above.start))
    return torch.cat(sums[::-1], -2)


def gather_children(values: Tensor, level: Level, count: int) -> Tensor:
    """Values (..., n, B) of a level summed into its `count` possible parents (..., count, B)."""
    if level.slots == tuple(range(count)):
        return values
    pieces: list[Tensor] = []
    for slot in range(count):
        own = [i for i, s in enumerate(level.slots) if s == slot]
        if not own:
            pieces.append(torch.zeros_like(values[..., :1, :]))
        elif len(own) == 1:
            pieces.append(values[..., own[0] : own[0] + 1, :])
        else:
            pieces.append(values[..., own[0] : own[-1] + 1, :].sum(-2, keepdim=True))
    return torch.cat(pieces, -2)


def take(values: Tensor, indices: tuple[int, ...]) -> Tensor:
    """Entries (..., n, B) of values (..., K, B) along the joint axis, gathered in runs; one run is a view."""
    pieces = [values[..., start:stop, :] for start, stop in _runs(indices)]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, -2)


@cache
def _runs(indices: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    runs: list[tuple[int, int]] = []
    for i in indices:
        if runs and runs[-1][1] == i:
            runs[-1] = (runs[-1][0], i + 1)
        else:
            runs.append((i, i + 1))
    return tuple(runs)


def expand_leaves(leaf_rotations: Tensor) -> Tensor:
    """Leaf rotations in the layer's input order (B, 5, 3, 3) to planes (3, 3, 5, B) in the order of LEAVES."""
    order = [LEAF_INPUT_ORDER.index(k) for k in LEAVES]
    return planes.matrices_to_planes(leaf_rotations[:, order])
