"""Where the detector marks landmarks, beside where they are on the body."""

import numpy as np

from solver.body_file import read_body
from solver.detect.person_landmarks import LANDMARK_NAMES
from solver.lift import landmark_points, seen_points
from solver.lift.landmark_points import MIRRORED_LANDMARKS

BODY = read_body("open")


def test_marks_are_aside_by_centimetres_and_mirrored():
    there, seen = (points(BODY, np.zeros(10)) for points in (landmark_points, seen_points))
    aside = seen.offset - there.offset
    np.testing.assert_array_equal(seen.joint, there.joint)
    np.testing.assert_allclose(aside[MIRRORED_LANDMARKS] * (-1, 1, 1), aside, atol=1e-12)
    far = np.linalg.norm(aside, axis=-1)
    assert far.min() > 0.005 and far.max() < 0.06


def test_an_ankle_is_marked_above_its_joint_and_an_ear_further_in():
    there, seen = (points(BODY, np.zeros(10)) for points in (landmark_points, seen_points))
    aside = dict(zip(LANDMARK_NAMES, seen.offset - there.offset, strict=True))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        assert aside[f"{side}_ankle"][1] > 0.02
        assert sign * aside[f"{side}_ear"][0] < -0.03
