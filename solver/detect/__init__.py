"""Detection: pictures to each person's landmarks."""

from .blazepose import BlazePose
from .choosing import choose_person
from .observations import Detector, Observations, gather_observations, resample_observations
from .person_landmarks import LANDMARK_NAMES, PersonLandmarks
from .repair import Repaired, repair

__all__ = [
    "LANDMARK_NAMES",
    "BlazePose",
    "Detector",
    "Observations",
    "PersonLandmarks",
    "Repaired",
    "choose_person",
    "gather_observations",
    "repair",
    "resample_observations",
]
