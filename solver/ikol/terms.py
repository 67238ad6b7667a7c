"""The terms that every clip has: keypoints, twists, predicted rotations, smoothness.

A term has a name, units and its own derivatives; the solver knows only `linearize` and `window`. Costs are free of
units: residuals are divided by the error that is expected of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
from torch import Tensor

from . import so3
from .blocks import Blocks, difference
from .chain import Chain
from .kinematics import FIRST_CHILD, INNER, PARENTS
from .robust import Huber, Kernel, Quadratic
from .rows import JointRows, RelativeTurnRows, TurnRows
from .swing_twist import about_axis, across


class Term(Protocol):
    """Something that a clip's poses should satisfy."""

    def linearize(self, chain: Chain) -> Blocks:
        """The term's residuals at the chain's poses and how they change with them."""
        ...

    def window(self, frames: slice) -> Self:
        """The same term for some of the frames."""
        ...


@dataclass(frozen=True)
class Keypoints:
    """Joints lie at their keypoints.

    residual   r_tj = (q_tj - x_tj) / sigma, robust in |q - x|

    Attributes:
        targets: (T, 24, 3), m.
        confidence: (T, 24).
        sigma: expected error of a coordinate, m.
        kernel: on the squared distance, m^2.
    """

    targets: Tensor
    confidence: Tensor
    sigma: float = 0.02
    kernel: Kernel = Quadratic()  # noqa: RUF009 frozen and empty

    def linearize(self, chain: Chain) -> Blocks:
        error = chain.joints - self.targets
        squared = (error * error).sum(-1)
        scale = self.confidence / self.sigma**2
        weight = (scale * self.kernel.slope(squared))[..., None].expand_as(error)
        return Blocks(
            residual=error.flatten(1),
            weight=weight.flatten(1),
            rows=JointRows(chain),
            stencil=(1.0,),
            cost=(scale * self.kernel.cost(squared)).sum(1) / 2,
        )

    def window(self, frames: slice) -> Self:
        return replace(self, targets=self.targets[frames], confidence=self.confidence[frames])


@dataclass(frozen=True)
class Twists:
    """Joints turn about their bones as predicted: the residual of `objective`, 2 cos(swing/2) sin(error/2).

    Attributes:
        twist: (T, 23, 2) cos and sin.
        confidence: (T, 23).
        sigma: expected error, rad.
    """

    twist: Tensor
    confidence: Tensor
    sigma: float = 0.2

    def linearize(self, chain: Chain) -> Blocks:
        joints = [k for k in INNER if k > 0]
        parents = [PARENTS[k] for k in joints]
        axis = torch.nn.functional.normalize(chain.bones[[FIRST_CHILD[k] for k in joints]], dim=-1)
        first = across(axis.T).T
        sides = torch.stack((first, torch.linalg.cross(axis, first)), -1)
        rows = [k - 1 for k in joints]
        goals = chain.frames[:, parents] @ (about_axis(self.twist[:, rows], axis) @ sides)
        turned = chain.frames[:, joints] @ sides
        (u, v), (a, b) = turned.unbind(-1), goals.unbind(-1)
        along, astray = (a * u + b * v).sum(-1), (b * u - a * v).sum(-1)
        length = torch.hypot(along, astray).clamp_min(1e-12)
        root = (length + along).clamp_min(1e-12).sqrt()
        residual = astray / root
        d_along = torch.linalg.cross(u, a) + torch.linalg.cross(v, b)
        d_astray = torch.linalg.cross(u, b) - torch.linalg.cross(v, a)
        slope = (root[..., None] * d_astray - residual[..., None] * d_along) / (2 * length[..., None])
        weight = self.confidence[:, rows] / self.sigma**2
        cost = (weight * residual * residual).sum(1) / 2
        return Blocks(residual, weight, RelativeTurnRows(joints, slope[..., None, :]), (1.0,), cost)

    def window(self, frames: slice) -> Self:
        return replace(self, twist=self.twist[frames], confidence=self.confidence[frames])


@dataclass(frozen=True)
class Rotations:
    """Relative rotations of some joints stay near given ones.

    residual   r_tk = log(M_tk^T R_tk) / sigma, rad

    Attributes:
        joints: which.
        mean: (T, n, 3, 3).
        confidence: (T, n).
        sigma: expected error, rad.
    """

    joints: tuple[int, ...]
    mean: Tensor
    confidence: Tensor
    sigma: float = 0.1

    def linearize(self, chain: Chain) -> Blocks:
        relative = chain.relative[:, self.joints]
        residual = so3.log(self.mean.mT @ relative)
        # The inverse right Jacobian leaves its own vector as it is, so the gradient is exact with this simpler one.
        rows = RelativeTurnRows(self.joints, chain.frames[:, self.joints].mT)
        weight = (self.confidence / self.sigma**2)[..., None].expand_as(residual)
        cost = (weight * residual * residual).sum((1, 2)) / 2
        return Blocks(residual.flatten(1), weight.flatten(1), rows, (1.0,), cost)

    def window(self, frames: slice) -> Self:
        return replace(self, mean=self.mean[frames], confidence=self.confidence[frames])


@dataclass(frozen=True)
class JointAcceleration:
    """Joints move smoothly in the world.

    residual   r_tj = (q_(t-1) - 2 q_t + q_(t+1)) / dt^2 / sigma, Huber beyond `burst` so that a punch stays a punch

    Attributes:
        sigma: expected acceleration, m/s^2: one for all, or (T, 24) for each moment and joint.
        burst: acceleration, m/s^2, beyond which the cost grows linearly.
    """

    sigma: float | Tensor = 45.0
    burst: float = 60.0

    def linearize(self, chain: Chain) -> Blocks:
        stencil = acceleration_stencil(chain.frame_rate)
        residual = difference(chain.joints, stencil)
        squared = (residual * residual).sum(-1)
        kernel = Huber(self.burst)
        sigma = self.sigma[1:-1] if isinstance(self.sigma, Tensor) else self.sigma
        weight = (kernel.slope(squared) / sigma**2)[..., None].expand_as(residual)
        return Blocks(
            residual=residual.flatten(1),
            weight=weight.flatten(1),
            rows=JointRows(chain),
            stencil=stencil,
            cost=(kernel.cost(squared) / sigma**2).sum(1) / 2,
        )

    def window(self, frames: slice) -> Self:
        return replace(self, sigma=self.sigma[frames]) if isinstance(self.sigma, Tensor) else self


@dataclass(frozen=True)
class AngularAcceleration:
    """Bodies turn smoothly in the world: the acceleration of each body's three axes, which for small turns between
    frames is its angular acceleration.

    residual   r_tk = (G_(t-1) - 2 G_t + G_(t+1)) / dt^2 / (sqrt(2) sigma)

    Attributes:
        sigma: expected angular acceleration, rad/s^2.
    """

    sigma: float = 500.0

    def linearize(self, chain: Chain) -> Blocks:
        stencil = acceleration_stencil(chain.frame_rate)
        axes = chain.frames.mT
        residual = difference(axes, stencil).flatten(1)
        weight = torch.full_like(residual, 0.5 / self.sigma**2)
        rows = TurnRows(-so3.hat(axes).flatten(-3, -2))
        return Blocks(residual, weight, rows, stencil, (weight * residual * residual).sum(1) / 2)

    def window(self, frames: slice) -> Self:
        return self


def acceleration_stencil(frame_rate: float) -> tuple[float, float, float]:
    """Second difference per second squared."""
    return frame_rate**2, -2 * frame_rate**2, frame_rate**2


def velocity_stencil(frame_rate: float) -> tuple[float, float]:
    """First difference per second."""
    return -frame_rate, frame_rate
