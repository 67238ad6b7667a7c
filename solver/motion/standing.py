"""Feet and floor: what is planted, where the ground lies, and how it says that the camera leans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..ikol.chain import Chain
from ..ikol.kinematics import PARENTS
from ..stretches import stretches
from .camera import level_by
from .clip_terms import BodyPoints, Ground, PlantedPoints
from .contacts import (
    beside_contacts,
    contact_probability,
    contacts_in_sight,
    in_line_with_contacts,
    step_haste,
)

Array = NDArray[Any]

_STANCE_SECONDS = 0.3  # a stance's moments err together: so long counts as one
_STANCE_SIGMA = 0.04  # m: how far a stance's height is off, when nothing but the picture says it
_CALM_RELEASE = 0.6  # m/s: of feet that step as in walking
_SLOPE_SIGMA = 0.05  # of the floor, as the motion told it before: 3 degrees


@dataclass(frozen=True)
class Feet:
    """Heels and toes: `points` (4) on the body and `heights` (4,) above its soles at rest, m."""

    points: BodyPoints
    heights: Tensor

    def contacts(self, chain: Chain, floor: float, edges: float, seen: Array) -> Tensor:
        """(T, 4) chance that each is planted on the ground at y = `floor`, camera axes, m.

        Args:
            edges: chance that a moment beside a contact, in which the point slides over the floor, belongs to it.
            seen: (T,) whether the person is.
        """
        place = self._place(chain)
        # Contacts are told with z up and the soles at 0.
        upright = torch.stack((place[..., 0], place[..., 2], floor - self.heights - place[..., 1]), -1).numpy()
        planted = contact_probability(upright, chain.frame_rate)
        if edges > 0.0:
            planted = np.maximum(planted, edges * beside_contacts(upright, planted, chain.frame_rate))
        return torch.as_tensor(contacts_in_sight(upright, planted, seen), dtype=torch.float32)

    def held(self, chain: Chain, planted: Tensor) -> Tensor:
        """(T, 4) `planted`, and the chance that a point that seems to leave stands still and its depth is off."""
        place = self._place(chain).numpy()
        legs = [_leg(body) for body in self.points.bodies]
        hips = torch.cat([chain.window(s.kept).joints[:, [leg[-1] for leg in legs]] for s in stretches(len(place))])
        lengths = torch.linalg.norm(chain.bones, dim=-1)
        reach = torch.stack([lengths[leg[:-1]].sum() for leg in legs]) + torch.linalg.norm(self.points.offsets, dim=-1)
        in_line = in_line_with_contacts(place, planted.numpy(), hips.numpy(), reach.numpy(), chain.frame_rate)
        return torch.maximum(planted, torch.as_tensor(in_line, dtype=torch.float32))

    def floor(self, chain: Chain, planted: Tensor, before: float) -> float:
        """The ground under the planted points; where nothing is planted, as it was."""
        if float(planted.sum()) < 1.0:
            return before
        return float((planted * self._soles(chain)[..., 1]).sum() / planted.sum())

    def still(self, chain: Chain, planted: Tensor, worth: float, release: float) -> PlantedPoints:
        """Planted points do not move.

        Args:
            worth: what a frame of the clip counts.
            release: speed, m/s, at which a point of feet that step fast is let go.
        """
        haste = step_haste(self._place(chain).numpy(), chain.frame_rate)
        released = _CALM_RELEASE + haste * (release - _CALM_RELEASE)
        return PlantedPoints(self.points, planted, worth, torch.as_tensor(released, dtype=torch.float32))

    def grounded(self, planted: Tensor, floor: float, worth: float, sigma: float) -> Ground:
        """Planted points lie on the ground, whose height is known to `sigma` m, and none under it."""
        return Ground(self.points, self.heights, floor, planted, worth, sigma)

    def floor_turn(self, chain: Chain, planted: Tensor, level: Array) -> Array:
        """(3, 3) turns camera axes such that the plane under the planted points becomes level, as far as they tell it.

        Least squares on the heights of stances, with a prior that the camera is level already. The chain must have
        been fitted without a ground, or it would only find that ground again. `level` (2, 2): what else is known of
        the slope being none, along x and z, 1/rad^2.
        """
        soles = self._soles(chain).numpy().astype(np.float64).reshape(-1, 3)
        weight = planted.numpy().astype(np.float64).ravel() / (chain.frame_rate * _STANCE_SECONDS)
        if weight.sum() < 1.0:
            return np.eye(3)
        middle = (weight[:, None] * soles).sum(axis=0) / weight.sum()
        x, y, z = (soles - middle).T
        sides = np.stack((x, z), axis=-1)
        known = np.eye(2) / _SLOPE_SIGMA**2 + level
        normal = (sides * weight[:, None]).T @ sides / _STANCE_SIGMA**2 + known
        slope = np.linalg.solve(normal, (sides * weight[:, None]).T @ y / _STANCE_SIGMA**2)
        return level_by(np.array((slope[0], -1.0, slope[1])))

    def _soles(self, chain: Chain) -> Tensor:
        """(T, 4, 3) the points, moved down to the sole."""
        place = self._place(chain)
        return torch.stack((place[..., 0], place[..., 1] + self.heights, place[..., 2]), -1)

    def _place(self, chain: Chain) -> Tensor:
        """(T, 4, 3) where the points are; a whole clip's chain would keep the joints that they hang from."""
        return torch.cat([self.points.place(chain.window(s.kept)) for s in stretches(len(chain.pelvis))])


def _leg(body: int) -> list[int]:
    """The joints from a body part up to the joint that hangs on the pelvis."""
    joints = [body]
    while PARENTS[joints[-1]] > 0:
        joints.append(PARENTS[joints[-1]])
    return joints
