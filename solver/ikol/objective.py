"""What the tangent formulation minimises, and its first and second derivatives on the tree.

cost = 1/2 sum_j c_j rho(|q_j - x_j|^2)  +  1/2 sum_k a_k r_k^2  +  sum_k tr(L_k (I - M_k^T R_k))

keypoints with confidence c and a robust kernel; twists with weight a, m^2/rad^2; an optional rotation prior with mean
M and precision P, m^2/rad^2, L = tr(P)/2 I - P, which is 1/2 e^T P e for a small rotation e from the mean.

The twist's residual is r = 2 cos(swing/2) sin(error/2): the error itself for small swings, fading to nothing at a
half-turn of swing, where a twist has no meaning. Everything is differentiable with respect to the inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import planes
from .kinematics import INNER, JOINT_COUNT, PARENTS, accumulate_up, joints_from_globals, take
from .robust import Kernel
from .swing_twist import across, leading_bones, rotate_about
from .tree import TreeSystem

_ABOVE = (0, *PARENTS[1:])


@dataclass(frozen=True)
class RotationPrior:
    """Where relative rotations tend to be: a matrix Fisher distribution per joint.

    Attributes:
        mean: (B or 1, 24, 3, 3) relative rotations.
        precision: (B or 1, 24, 3, 3) symmetric, in the joint's own frame, m^2/rad^2: how many squared metres of
            keypoint error a squared radian is worth.
    """

    mean: Tensor
    precision: Tensor


@dataclass(frozen=True)
class Pose:
    """Global rotations (3, 3, 24, B), those of leaves unused, and the pelvis (3, 1, B), m."""

    frames: Tensor
    pelvis: Tensor


@dataclass(frozen=True)
class Objective:
    """The inputs of one batch of poses, on planes.

    Attributes:
        targets: (3, 24, B) keypoints, m.
        weights: (24, B) confidence times the keypoints' weight.
        bones: (3, 24, B) rest offsets from the parent, m; the pelvis's is not read.
        sides: (3, 2, 24, B) two unit vectors across each joint's leading bone.
        goals: (3, 2, 24, B) the same two, turned by the twist.
        twist_weights: (24, B), m^2/rad^2, zero for leaves.
        kernel: of the keypoints.
        prior_mean, prior_precision: (3, 3, 24, B), or None.
    """

    targets: Tensor
    weights: Tensor
    bones: Tensor
    sides: Tensor
    goals: Tensor
    twist_weights: Tensor
    kernel: Kernel
    prior_mean: Tensor | None
    prior_precision: Tensor | None

    @classmethod
    def build(
        cls, targets: Tensor, weights: Tensor, bones: Tensor, twist: Tensor, twist_weights: Tensor, kernel: Kernel,
        prior: RotationPrior | None,
    ) -> Objective:  # fmt: skip
        """From planes: targets (3, 24, B), weights (24, B), bones (3, 24, B), twist (2, 24, B) as (cos, sin)."""
        leading = leading_bones(bones)
        axis = leading / planes.norm(leading)
        first = across(axis.detach())
        first = first - axis * planes.dot(axis, first)
        first = first / planes.norm(first)
        sides = torch.stack((first, planes.cross(axis, first)), 1)
        goals = planes.multiply(rotate_about(twist, axis), sides)
        inner = torch.tensor([float(k in INNER and k > 0) for k in range(JOINT_COUNT)]).to(targets)[:, None]
        mean, precision = None, None
        if prior is not None:
            shape = (3, 3, JOINT_COUNT, targets.shape[-1])
            mean = planes.matrices_to_planes(prior.mean.to(targets)).expand(shape)
            precision = planes.matrices_to_planes(prior.precision.to(targets)).expand(shape) * inner
        return cls(targets, weights, bones, sides, goals, twist_weights * inner, kernel, mean, precision)

    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor of the problem, the prior's where there is one."""
        always = (self.targets, self.weights, self.bones, self.sides, self.goals, self.twist_weights)
        if self.prior_mean is None or self.prior_precision is None:
            return always
        return (*always, self.prior_mean, self.prior_precision)

    def with_tensors(self, tensors: tuple[Tensor, ...]) -> Objective:
        """The same problem with other `tensors()`."""
        targets, weights, bones, sides, goals, twist_weights = tensors[:6]
        mean, precision = tensors[6:] or (None, None)
        return Objective(targets, weights, bones, sides, goals, twist_weights, self.kernel, mean, precision)

    def select(self, samples: Tensor) -> Objective:
        """The problem of some samples (n,) of the batch."""
        return self.with_tensors(tuple(t.index_select(-1, samples) for t in self.tensors()))

    def joints(self, pose: Pose) -> Tensor:
        """(3, 24, B), m."""
        return joints_from_globals(pose.frames, torch.cat((pose.pelvis, self.bones[:, 1:]), 1))

    def arms(self, joints: Tensor) -> Tensor:
        """(3, 24, B) offsets of the joints from their parents, m."""
        return joints - take(joints, _ABOVE)

    def cost(self, pose: Pose, joints: Tensor) -> Tensor:
        """(B,), m^2."""
        error = joints - self.targets
        total = (self.weights * self.kernel.cost(planes.dot(error, error))).sum(0) / 2
        along, astray = self._twist(pose)[2:]
        length = (along * along + astray * astray).clamp_min(planes.TINY).sqrt()
        residual = astray * astray / (length + along).clamp_min(torch.finfo(length.dtype).eps)
        total = total + (self.twist_weights * residual).sum(0) / 2
        if self.prior_precision is None:
            return total
        spread = _fisher(self.prior_precision)
        product = self._prior_product(pose, spread)
        return total + (torch.einsum("iikb->kb", spread) - torch.einsum("iikb->kb", product)).sum(0)

    def forces(self, joints: Tensor) -> Tensor:
        """(3, 24, B) gradient of the keypoints' cost with respect to each joint."""
        error = joints - self.targets
        return self.weights * self.kernel.slope(planes.dot(error, error)) * error

    def torques(self, pose: Pose) -> tuple[Tensor, Tensor]:
        """(3, 24, B) gradient of twist and prior with respect to each joint's turn, and its Gauss-Newton Hessian."""
        turned, goals, along, astray = self._twist(pose)
        length = (along * along + astray * astray).clamp_min(planes.TINY).sqrt()
        root = (length + along).clamp_min(torch.finfo(length.dtype).eps).sqrt()
        residual = astray / root
        d_along, d_astray = _twist_slopes(turned, goals)
        slope = (root * d_astray - residual * d_along) / (2 * length)
        gradient = self.twist_weights * residual * slope
        hessian = self.twist_weights * slope[:, None] * slope[None]
        if self.prior_precision is None:
            return gradient, hessian
        product = self._prior_product(pose, _fisher(self.prior_precision))
        frames = pose.frames
        stiffness = planes.multiply(planes.multiply(frames, self.prior_precision), frames.transpose(0, 1))
        return gradient - _axial(product), hessian + stiffness

    def gauss_newton(self, pose: Pose, joints: Tensor, curved: Tensor | None = None) -> TreeSystem:
        """The positive semidefinite model: slopes squared. For the samples in `curved` (B,), 1 or 0, with the
        second derivatives of joints and kernel: exact but for the twist and the prior, and perhaps indefinite."""
        error = joints - self.targets
        squared = planes.dot(error, error)
        weight = self.weights * self.kernel.slope(squared)
        force = weight * error
        point = weight * _identity(joints)
        gradient, hessian = self.torques(pose)
        coupling = None
        if curved is not None:
            bend = 2 * curved * self.weights * self.kernel.curvature(squared)
            point = point + bend * error[:, None] * error[None]
            coupling = self._coupling(joints, force * curved)
            hessian = hessian + (coupling + coupling.transpose(0, 1)) / 2
        return TreeSystem(self.arms(joints), point, force, hessian, gradient, coupling)

    def newton(self, pose: Pose, joints: Tensor) -> TreeSystem:
        """The exact second derivatives."""
        error = joints - self.targets
        squared = planes.dot(error, error)
        identity = _identity(joints)
        bend = 2 * self.weights * self.kernel.curvature(squared)
        point = self.weights * self.kernel.slope(squared) * identity + bend * error[:, None] * error[None]
        force = self.forces(joints)
        coupling = self._coupling(joints, force)
        gradient, _ = self.torques(pose)
        hessian = (coupling + coupling.transpose(0, 1)) / 2 + self._twist_hessian(pose, identity)
        if self.prior_precision is not None:
            product = self._prior_product(pose, _fisher(self.prior_precision))
            hessian = hessian + torch.einsum("iikb->kb", product) * identity
            hessian = hessian - (product + product.transpose(0, 1)) / 2
        return TreeSystem(self.arms(joints), point, force, hessian, gradient, coupling)

    def _coupling(self, joints: Tensor, force: Tensor) -> Tensor:
        """(3, 3, 24, B) second derivative between the turn of a joint's parent body and its own: the sum over the
        joints below of r f^T - (r . f) I, r from the joint to them, f their pull."""
        below = accumulate_up(torch.cat((joints[:, None] * force[None], force[None])))
        moment = below[:3] - joints[:, None] * below[3][None]
        return moment - (moment[0, 0] + moment[1, 1] + moment[2, 2]) * _identity(joints)

    def _twist(self, pose: Pose) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The joint's two side vectors and the parent's two goals in the world (3, 2, 24, B), and 2 cos^2(swing/2)
        times the cosine and the sine of the twist's error (24, B)."""
        turned = planes.multiply(pose.frames, self.sides)
        goals = planes.multiply(take(pose.frames, _ABOVE), self.goals)
        along = (goals * turned).sum((0, 1))
        astray = planes.dot(goals[:, 1], turned[:, 0]) - planes.dot(goals[:, 0], turned[:, 1])
        return turned, goals, along, astray

    def _twist_hessian(self, pose: Pose, identity: Tensor) -> Tensor:
        """Second derivative of 1/2 a r^2 with r^2 = |z| - Re z, z = (along, astray)."""
        turned, goals, along, astray = self._twist(pose)
        length = (along * along + astray * astray).clamp_min(planes.TINY).sqrt()
        d_along, d_astray = _twist_slopes(turned, goals)
        d_length = (along * d_along + astray * d_astray) / length
        dd_along = _bend(turned[:, 0], goals[:, 0], identity) + _bend(turned[:, 1], goals[:, 1], identity)
        dd_astray = _bend(turned[:, 0], goals[:, 1], identity) - _bend(turned[:, 1], goals[:, 0], identity)
        outer = _outer(d_along, d_along) + _outer(d_astray, d_astray) - _outer(d_length, d_length)
        dd_length = (along * dd_along + astray * dd_astray + outer) / length
        return self.twist_weights / 2 * (dd_length - dd_along)

    def _prior_product(self, pose: Pose, spread: Tensor) -> Tensor:
        """Y = G_k L_k M_k^T G_pa^T: the prior's cost falls by tr(exp(d) Y)."""
        assert self.prior_mean is not None
        right = planes.multiply(take(pose.frames, _ABOVE), self.prior_mean).transpose(0, 1)
        return planes.multiply(planes.multiply(pose.frames, spread), right)


def _twist_slopes(turned: Tensor, goals: Tensor) -> tuple[Tensor, Tensor]:
    """Derivatives (3, 24, B) of `along` and `astray` with respect to the joint's turn."""
    along = planes.cross(turned[:, 0], goals[:, 0]) + planes.cross(turned[:, 1], goals[:, 1])
    astray = planes.cross(turned[:, 0], goals[:, 1]) - planes.cross(turned[:, 1], goals[:, 0])
    return along, astray


def _bend(vector: Tensor, goal: Tensor, identity: Tensor) -> Tensor:
    """Second derivative of goal . exp(d) vector at d = 0."""
    outer = _outer(vector, goal)
    return (outer + outer.transpose(0, 1)) / 2 - planes.dot(vector, goal) * identity


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return a[:, None] * b[None]


def _axial(matrix: Tensor) -> Tensor:
    """The vector a (3, ...) with tr(hat(d) Y) = a . d for Y (3, 3, ...)."""
    return torch.stack((matrix[1, 2] - matrix[2, 1], matrix[2, 0] - matrix[0, 2], matrix[0, 1] - matrix[1, 0]))


def _fisher(precision: Tensor) -> Tensor:
    """L = tr(P)/2 I - P."""
    return torch.einsum("iikb->kb", precision) / 2 * _identity(precision) - precision


def _identity(like: Tensor) -> Tensor:
    return torch.eye(3, dtype=like.dtype, device=like.device)[:, :, None, None]
