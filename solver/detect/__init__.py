"""Detection: pictures to each person's landmarks."""

from .blazepose import BlazePose
from .observations import (
    LANDMARK_NAMES,
    Detector,
    Observations,
    PersonLandmarks,
    gather_observations,
    resample_observations,
)
from .repair import Repaired, repair

__all__ = [
    "LANDMARK_NAMES",
    "BlazePose",
    "Detector",
    "Observations",
    "PersonLandmarks",
    "Repaired",
    "gather_observations",
    "repair",
    "resample_observations",
]
