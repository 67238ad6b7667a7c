"""Lifting: the detector's landmarks to SMPL keypoints, twist and shape."""

from .landmark_points import LandmarkPoints, landmark_points
from .lifter import Keypoints, lift
from .regressor import landmark_regressor

__all__ = ["Keypoints", "LandmarkPoints", "landmark_points", "landmark_regressor", "lift"]
