"""What a clip's poses should satisfy beyond IKOL's own terms: the picture, the detector's 3D, anatomy, the ground.

All in camera axes (x right, y down, z forward) with a level camera: the ground is a plane y = const. Each term has its
derivatives checked numerically in its test; the solver knows only `linearize` and `window`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from ..ikol import so3
from ..ikol.blocks import Blocks, difference
from ..ikol.chain import Chain
from ..ikol.robust import GemanMcClure
from ..ikol.rows import MatrixRows, PointRows, RelativeTurnRows
from ..ikol.terms import JointAcceleration, velocity_stencil
from .contacts import NEAREST


@dataclass(frozen=True)
class BodyPoints:
    """Points fixed to body parts: `bodies` (n) joints and `offsets` (n, 3) in their rest frames, m."""

    bodies: list[int]
    offsets: Tensor

    def place(self, chain: Chain) -> Tensor:
        """(T, n, 3) where they are, m."""
        return chain.points(self.bodies, self.offsets)

    def rows(self, chain: Chain, slope: Tensor) -> PointRows:
        """Rows with slope (T, n, k, 3), or one that fits, in the points' places."""
        slope = slope.expand(len(chain.pelvis), len(self.bodies), -1, 3)
        return PointRows(chain, self.bodies, self.offsets, slope)

    def pick(self, chosen: list[int]) -> BodyPoints:
        """Some of the points."""
        return BodyPoints([self.bodies[index] for index in chosen], self.offsets[chosen])


@dataclass(frozen=True)
class PictureErrors:
    """Errors in the picture of n landmarks over T moments.

    Attributes:
        residual: (T, n, 2) in expected errors.
        slope: (T, n, 2, 3) of it in the landmarks' places.
        weight: (T, n) of its square, the kernel's share counted.
        cost: (T, n) twice the landmark's own.
    """

    residual: Tensor
    slope: Tensor
    weight: Tensor
    cost: Tensor


@dataclass(frozen=True)
class Reprojection:
    """Landmarks fall on the picture where they are seen.

    residual   (f q_x / q_z + c_x - u, f q_y / q_z + c_y - v) / sigma, robust

    Attributes:
        points: the landmarks on the body.
        rays: (T, n, 2) where they are seen, x and y at depth 1.
        weight: (T, n) visibility, times what a frame of the clip is worth.
        sigma: expected error, at depth 1.
        outlier: error, in sigmas, beyond which a landmark is hardly believed.
    """

    points: BodyPoints
    rays: Tensor
    weight: Tensor
    sigma: float
    outlier: float = 2.0

    def linearize(self, chain: Chain) -> Blocks:
        errors = self.errors(chain)
        weight = errors.weight[..., None].expand_as(errors.residual)
        rows = self.points.rows(chain, errors.slope)
        return Blocks(errors.residual.flatten(1), weight.flatten(1), rows, (1.0,), errors.cost.sum(1) / 2)

    def errors(self, chain: Chain) -> PictureErrors:
        """By how much each landmark is off in the picture."""
        place = self.points.place(chain)
        depth = place[..., 2:].clamp_min(NEAREST)
        residual = (place[..., :2] / depth - self.rays) / self.sigma
        kernel, squared = GemanMcClure(self.outlier), (residual * residual).sum(-1)
        slope = torch.cat(
            (torch.eye(2).to(depth).expand(*depth.shape[:-1], 2, 2), -(place[..., :2] / depth)[..., None]), -1
        )
        return PictureErrors(
            residual,
            slope / depth[..., None] / self.sigma,
            self.weight * kernel.slope(squared),
            self.weight * kernel.cost(squared),
        )

    def window(self, frames: slice) -> Self:
        return replace(self, rays=self.rays[frames], weight=self.weight[frames])


@dataclass(frozen=True)
class RelativePoints:
    """Landmarks lie about their mean as the detector says; less surely in depth than across.

    residual   ((q - mean q) - (x - mean x)) / (sigma, sigma, sigma_depth), robust

    Attributes:
        points: the landmarks on the body.
        targets: (T, n, 3) m, with any origin.
        weight: (T, n).
        sigma, sigma_depth: expected errors, m.
        outlier: error, in sigmas, beyond which a landmark is hardly believed.
    """

    points: BodyPoints
    targets: Tensor
    weight: Tensor
    sigma: float = 0.06
    sigma_depth: float = 0.16
    outlier: float = 2.0

    def linearize(self, chain: Chain) -> Blocks:
        scale = torch.tensor((self.sigma, self.sigma, self.sigma_depth)).to(self.targets)
        residual = _centred(self.points.place(chain) - self.targets, 1) / scale
        kernel = GemanMcClure(self.outlier)
        squared = (residual * residual).sum(-1)
        weight = (self.weight * kernel.slope(squared))[..., None].expand_as(residual)
        rows = CentredRows(self.points.rows(chain, torch.diag(1 / scale)))
        cost = (self.weight * kernel.cost(squared)).sum(1) / 2
        return Blocks(residual.flatten(1), weight.flatten(1), rows, (1.0,), cost)

    def window(self, frames: slice) -> Self:
        return replace(self, targets=self.targets[frames], weight=self.weight[frames])


@dataclass(frozen=True)
class PosePrior:
    """Joints stay near where people's joints are.

    residual   log(M_k^T R_k) / sigma_k, per axis of the joint

    Attributes:
        joints: which (n).
        mean: (n, 3, 3) relative rotations.
        sigma: (n, 3) rad.
        weight: what a frame of the clip is worth.
    """

    joints: list[int]
    mean: Tensor
    sigma: Tensor
    weight: float

    def linearize(self, chain: Chain) -> Blocks:
        angle = so3.log(self.mean.mT @ chain.relative[:, self.joints])
        residual = angle / self.sigma
        own = torch.linalg.inv(so3.right_jacobian(angle)) @ chain.frames[:, self.joints].mT / self.sigma[..., None]
        rows = RelativeTurnRows(self.joints, own)
        weight = torch.full_like(residual, self.weight)
        cost = self.weight * (residual * residual).sum((1, 2)) / 2
        return Blocks(residual.flatten(1), weight.flatten(1), rows, (1.0,), cost)

    def window(self, frames: slice) -> Self:
        return self


@dataclass(frozen=True)
class Hinges:
    """Knees and elbows do not bend backwards.

    residual   min(sign * log(R_k)[axis] - slack, 0) / sigma

    Attributes:
        joints, axes, signs: (n) which joint bends about which of its axes in which sense.
        weight: what a frame of the clip is worth.
        slack, sigma: rad.
    """

    joints: list[int]
    axes: list[int]
    signs: list[float]
    weight: float
    slack: float = 0.03
    sigma: float = 0.06

    def linearize(self, chain: Chain) -> Blocks:
        angle = so3.log(chain.relative[:, self.joints])
        picked, signs = list(range(len(self.joints))), angle.new_tensor(self.signs)
        bend = signs * angle[:, picked, self.axes] - self.slack
        residual = bend.clamp_max(0) / self.sigma
        own = torch.linalg.inv(so3.right_jacobian(angle)) @ chain.frames[:, self.joints].mT
        own = own[:, picked, self.axes] * (signs / self.sigma)[:, None] * (bend < 0)[..., None]
        rows = RelativeTurnRows(self.joints, own[..., None, :])
        weight = torch.full_like(residual, self.weight)
        return Blocks(residual, weight, rows, (1.0,), (weight * residual * residual).sum(1) / 2)

    def window(self, frames: slice) -> Self:
        return self


@dataclass(frozen=True)
class PlantedPoints:
    """A planted point of a foot does not move, unless everything else says that it does.

    residual   (q_t+1 - q_t) / dt / sigma, Geman-McClure

    Attributes:
        points: heels and toes.
        probability: (T, n) chance that the point is planted.
        weight: what a frame of the clip is worth.
        release: (T,) speed, m/s, beyond which a point is hardly held.
        sigma: expected speed, m/s.
    """

    points: BodyPoints
    probability: Tensor
    weight: float
    release: Tensor
    sigma: float = 0.028

    def linearize(self, chain: Chain) -> Blocks:
        stencil = velocity_stencil(chain.frame_rate)
        place = self.points.place(chain)
        residual = difference(place, stencil) / self.sigma
        both = (self.probability[1:] * self.probability[:-1]).sqrt() * self.weight
        release = torch.maximum(self.release[1:], self.release[:-1])[:, None]
        kernel, squared = GemanMcClure(release / self.sigma), (residual * residual).sum(-1)
        weight = (both * kernel.slope(squared))[..., None].expand_as(residual)
        rows = self.points.rows(chain, torch.eye(3).to(place) / self.sigma)
        cost = (both * kernel.cost(squared)).sum(1) / 2
        return Blocks(residual.flatten(1), weight.flatten(1), rows, stencil, cost)

    def window(self, frames: slice) -> Self:
        return replace(self, probability=self.probability[frames], release=self.release[frames])


@dataclass(frozen=True)
class Ground:
    """Planted points lie on the ground, and none lies under it, unless so deep that they stand on something else.

    residual   (floor - height - q_y) / sigma, weighed by the chance of contact; under the ground always, Geman-McClure

    Attributes:
        points: heels and toes.
        heights: (n) of the points above the sole, m.
        floor: y of the ground, m.
        probability: (T, n) chance that the point is planted.
        sigma: expected error, m.
        weight: what a frame of the clip is worth.
    """

    points: BodyPoints
    heights: Tensor
    floor: float
    probability: Tensor
    weight: float
    sigma: float = 0.012

    def linearize(self, chain: Chain) -> Blocks:
        place = self.points.place(chain)
        residual = (self.floor - self.heights - place[..., 1]) / self.sigma
        kernel, squared, under = GemanMcClure(_DEEPEST / self.sigma), residual * residual, residual < 0
        weight = self.weight * torch.where(under, kernel.slope(squared), self.probability)
        cost = self.weight * torch.where(under, kernel.cost(squared), self.probability * squared)
        rows = self.points.rows(chain, place.new_tensor(((0.0, -1.0, 0.0),)) / self.sigma)
        return Blocks(residual, weight, rows, (1.0,), cost.sum(1) / 2)

    def window(self, frames: slice) -> Self:
        return replace(self, probability=self.probability[frames])


@dataclass(frozen=True)
class ViewAcceleration:
    """Joints move smoothly, and even more smoothly away from the camera and towards it, where they are hardly seen to.

    residual   as JointAcceleration's, and the same once more in depth alone, over sigma_depth and without the kernel

    Attributes:
        sigma: (T, 24) expected acceleration, m/s^2.
        sigma_depth: (T, 24) what is expected in depth, z, by itself.
    """

    sigma: Tensor
    sigma_depth: Tensor

    def linearize(self, chain: Chain) -> Blocks:
        every = JointAcceleration(self.sigma).linearize(chain)
        weight = every.weight.clone().unflatten(1, (-1, 3))  # which three axes share
        depth, in_depth = every.residual.unflatten(1, (-1, 3))[..., 2], self.sigma_depth[1:-1] ** -2
        weight[..., 2] += in_depth
        return replace(every, weight=weight.flatten(1), cost=every.cost + (in_depth * depth * depth).sum(1) / 2)

    def window(self, frames: slice) -> Self:
        return replace(self, sigma=self.sigma[frames], sigma_depth=self.sigma_depth[frames])


_DEEPEST = 0.2  # m: who is farther under the ground has jumped off it


@dataclass(frozen=True)
class CentredRows(MatrixRows):
    """The rows of n points, three each, less their mean over the points."""

    rows: PointRows

    @cached_property
    def jacobian(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        return _centred(self.rows.jacobian.unflatten(1, (-1, 3)), 1).flatten(1, 2)

    def pull(self, force: Tensor) -> Tensor:
        return self.rows.pull(_centred(force.unflatten(1, (-1, 3)), 1).flatten(1))


def _centred(values: Tensor, dim: int) -> Tensor:
    return values - values.mean(dim, keepdim=True)
