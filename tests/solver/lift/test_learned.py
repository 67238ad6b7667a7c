"""The network over time: it lessens the detector's errors, sees which way is up, and minds no cut or rate."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from solver.lift import correct_landmarks, landmark_regressor, learned
from solver.lift.network import LANDMARKS, LiftNetwork, crop_axes, network_input
from solver.motion.camera import view_rotations
from solver.stretches import stretches
from tests.solver.lift.seen_walk import CAMERA, seen_walk


def test_an_untrained_network_leaves_the_detector_as_it_is():
    observations, _ = seen_walk(20)
    network = LiftNetwork(torch.as_tensor(landmark_regressor(), dtype=torch.float32)).eval()
    torch.nn.init.zeros_(network.exit.weight)
    with torch.no_grad():
        network.exit.bias.zero_()
        inputs = tensors(observations)
        lifted = network(network_input(*inputs)[None])
    seen = inputs[2]
    keypoints = network.regressor @ seen
    torch.testing.assert_close(lifted.points[0, :, LANDMARKS:], keypoints - keypoints[:, :1])
    torch.testing.assert_close(lifted.points[0, :, :LANDMARKS], seen - keypoints[:, :1])


def tensors(observations):
    rays = CAMERA.picture_rays(observations.landmarks2d[..., :2])
    parts = (rays, observations.landmarks2d[..., 2], observations.landmarks3d)
    return [torch.as_tensor(part, dtype=torch.float32) for part in parts]


def test_crop_axes_are_the_view_of_the_person():
    observations, _ = seen_walk(5)
    axes = crop_axes(torch.as_tensor(CAMERA.picture_rays(observations.landmarks2d[..., :2])))
    np.testing.assert_allclose(axes.numpy(), view_rotations(observations.landmarks2d, CAMERA), atol=1e-12)


def test_the_network_sees_the_same_wherever_in_the_picture_the_person_is():
    """Turning the camera moves the person through the picture: but for the place, inputs stay the same."""
    observations, _ = seen_walk(5)
    rays, visibility, landmarks = tensors(observations)
    ahead = torch.cat((rays, torch.ones_like(rays[..., :1])), -1)
    turn = crop_axes(rays)
    facing = ahead @ turn
    centred = network_input(facing[..., :2] / facing[..., 2:], visibility, landmarks)
    aside = network_input(rays, visibility, landmarks)
    torch.testing.assert_close(aside[:, : 2 * LANDMARKS], centred[:, : 2 * LANDMARKS], atol=2e-3, rtol=0)
    torch.testing.assert_close(aside[:, -1], centred[:, -1], atol=2e-3, rtol=0)


def test_flat_noisy_landmarks_become_better():
    observations, truth = seen_walk(90)
    corrected = correct_landmarks(observations, CAMERA, 30.0)
    view = view_rotations(observations.landmarks2d, CAMERA)

    def error(keypoints: np.ndarray) -> float:
        seen = np.einsum("tij,tlj->tli", view, keypoints - keypoints[:, :1])
        return float(np.linalg.norm(seen - truth, axis=-1).mean())

    before = error(landmark_regressor() @ observations.landmarks3d)
    assert error(corrected.keypoints) < 0.9 * before


@pytest.mark.parametrize("degrees", [0.0, 15.0])
def test_up_is_seen(degrees: float):
    observations, _ = seen_walk(90, pitch=np.radians(degrees))
    up = correct_landmarks(observations, CAMERA, 30.0).up.sum(axis=0)
    pitch = np.degrees(np.arctan2(-up[2], -up[1]))
    assert pitch == pytest.approx(degrees, abs=8)


def test_a_clip_solved_in_stretches_is_the_clip_solved_whole(monkeypatch: pytest.MonkeyPatch):
    observations, _ = seen_walk(150)
    whole = correct_landmarks(observations, CAMERA, 30.0)
    monkeypatch.setattr(learned, "stretches", partial(stretches, length=40))
    parts = correct_landmarks(observations, CAMERA, 30.0)
    np.testing.assert_allclose(parts.keypoints, whole.keypoints, atol=1e-5)
    np.testing.assert_allclose(parts.up, whole.up, atol=1e-5)


def test_the_videos_rate_hardly_matters():
    slow, fast = (
        correct_landmarks(seen_walk(count, rate)[0], CAMERA, rate) for count, rate in ((46, 15.0), (181, 60.0))
    )
    assert len(fast.keypoints) == 181
    assert np.linalg.norm(fast.keypoints[::4] - slow.keypoints, axis=-1).mean() < 0.015


def test_a_single_moment_is_no_hindrance():
    observations, _ = seen_walk(1)
    assert correct_landmarks(observations, CAMERA, 30.0).keypoints.shape == (1, 24, 3)
    unseen = replace(observations, landmarks2d=observations.landmarks2d * (1, 1, 0))
    assert np.isfinite(correct_landmarks(unseen, CAMERA, 30.0).up).all()
