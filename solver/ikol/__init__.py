"""Inverse kinematics as a differentiable layer: keypoints to joint rotations. See docs/ikol.md."""

from .kinematics import Skeleton
from .layer import IKOLLayer, IKOLSolution

__all__ = ["IKOLLayer", "IKOLSolution", "Skeleton"]
