"""Lifting: the detector's landmarks to SMPL keypoints, twist and shape."""

from .landmark_points import LandmarkPoints, landmark_points
from .learned import CorrectedLandmarks, correct_landmarks
from .lifter import Keypoints, lift
from .regressor import landmark_regressor
from .seen_points import seen_points

__all__ = [
    "CorrectedLandmarks",
    "Keypoints",
    "LandmarkPoints",
    "correct_landmarks",
    "landmark_points",
    "landmark_regressor",
    "lift",
    "seen_points",
]
