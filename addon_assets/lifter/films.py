"""What the detector saw in the films of the training set, the truth, and stretches of both to train on."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from solver.body import joint_transforms
from solver.body_file import Body
from solver.ikol import so3
from solver.lens import focal_length
from solver.lift.landmark_points import MIRRORED_JOINTS, MIRRORED_LANDMARKS, landmark_points
from solver.lift.network import HIPS, LANDMARKS, crop_axes
from solver.take import read_take

MOMENTS = 54  # of a training stretch, at 30 Hz
# About how much of the true extent the detector tells, by least squares on 58 of the films: x, y and z of the crop.
TOLD = (0.93, 0.97, 0.67)
_LANDMARKS = MIRRORED_LANDMARKS.tolist()
_POINTS = [*_LANDMARKS, *(LANDMARKS + MIRRORED_JOINTS).tolist()]


@dataclass(frozen=True)
class Seen:
    """B stretches as the lifter sees them, and their truth.

    Attributes:
        rays: (B, T, 33, 2) by the assumed focal length.
        visibility: (B, T, 33).
        landmarks: (B, T, 33, 3) the detector's, crop axes, metres from the middle of the hips.
        points: (B, T, 57, 3) true landmarks and keypoints from the pelvis, crop axes, metres.
        up: (B, T, 3) against gravity, crop axes.
    """

    rays: Tensor
    visibility: Tensor
    landmarks: Tensor
    points: Tensor
    up: Tensor


@dataclass(frozen=True)
class Errors:
    """B stretches of what the detector gets wrong.

    Attributes:
        picture: (B, T, 33, 2) metres at the person's depth.
        space: (B, T, 33, 3) metres, crop axes, from the truth as much as it is TOLD.
        visibility: (B, T, 33).
    """

    picture: Tensor
    space: Tensor
    visibility: Tensor


@dataclass(frozen=True)
class Films:
    """F films.

    Attributes:
        names: of the clips.
        seen: (F, T, ...) with T moments of the longest film; what is behind a film's end is zero.
        errors: likewise.
        lengths: (F,) moments of each.
    """

    names: list[str]
    seen: Seen
    errors: Errors
    lengths: Tensor

    def one(self, number: int) -> Seen:
        """One film alone, (1, T, ...) with its own T."""
        own = slice(number, number + 1), slice(int(self.lengths[number]))
        return Seen(*(getattr(self.seen, field.name)[own] for field in fields(Seen)))

    def some(self, numbers: list[int], device: str) -> Films:
        """Those films, on a device."""
        seen = Seen(*(getattr(self.seen, field.name)[numbers].to(device) for field in fields(Seen)))
        errors = Errors(*(getattr(self.errors, field.name)[numbers].to(device) for field in fields(Errors)))
        return Films([self.names[n] for n in numbers], seen, errors, self.lengths[numbers].to(device))

    def draw(self, count: int) -> Seen:
        """Random stretches, some mirrored, seen through another focal length and with a rolled camera."""
        film, moments, flip = self._choose(count)
        rays, visibility, landmarks, points, up = (
            getattr(self.seen, field.name)[film, moments] for field in fields(Seen)
        )
        mirror = torch.tensor((-1.0, 1.0, 1.0))
        rays, landmarks = _mirrored(rays, flip), _mirrored(landmarks, flip)
        visibility = _swapped(visibility, flip[..., 0])
        points = torch.where(flip, points[:, :, _POINTS] * mirror, points)
        up = torch.where(flip[..., 0], up * mirror, up)
        roll = so3.exp(torch.randn(count, 1) * torch.tensor((0.0, 0.0, 0.06)))[:, None]
        rays = rays @ roll[..., :2, :2].mT * torch.exp(torch.randn(count, 1, 1, 1) * 0.12)
        # The films are few: what the detector got wrong there is varied a little, lest it be learnt by heart.
        tilt = so3.exp(torch.randn(count, 3) * torch.tensor((0.04, 0.03, 0.02)))[:, None]
        stretch = 1 + torch.randn(count, 1, 1, 3) * torch.tensor((0.03, 0.03, 0.07))
        wrong = torch.randn(count, 1, LANDMARKS, 3) * torch.tensor((0.008, 0.008, 0.016))
        landmarks = (landmarks @ tilt.mT) * stretch + wrong
        rays = rays + torch.randn(count, 1, LANDMARKS, 2) * 0.0025
        # Axes of the crop turn with the camera, about the ray and so nearly about the picture's axis.
        return Seen(rays, visibility, landmarks @ roll.mT, points @ roll.mT, (up[..., None, :] @ roll.mT).squeeze(-2))

    def draw_errors(self, count: int) -> Errors:
        """What the detector got wrong in random stretches, some mirrored."""
        film, moments, flip = self._choose(count)
        picture, space, visibility = (getattr(self.errors, field.name)[film, moments] for field in fields(Errors))
        return Errors(_mirrored(picture, flip), _mirrored(space, flip), _swapped(visibility, flip[..., 0]))

    def _choose(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 1) films, (B, MOMENTS) of their moments, (B, 1, 1, 1) whether to mirror them."""
        film = torch.randint(len(self.lengths), (count,))
        first = (torch.rand(count) * (self.lengths[film] - MOMENTS + 1)).long()
        return film[:, None], first[:, None] + torch.arange(MOMENTS), torch.rand(count, 1, 1, 1) < 0.5


def read_films(folder: Path, body: Body) -> Films:
    """All films of `folder` that are long enough, made by write_people.py, film_people.py and observe_people.py."""
    names: list[str] = []
    films: list[tuple[Tensor, ...]] = []
    for path in sorted(folder.glob("*/observed.npz")):
        with np.load(path) as observed, np.load(path.with_name("camera.npz")) as camera:
            moments, image, world = observed["moments"], observed["landmarks2d"], observed["landmarks3d"]
            focal, turn, place = float(camera["focal_px"]), camera["rotations"][0], camera["positions"][0]
        if len(moments) < MOMENTS:
            continue
        truth = read_take(path.with_name("truth_p1.npz"))
        joints = body.rest_joints(truth.betas)
        local = so3.exp(torch.tensor(truth.poses.reshape(-1, 24, 3), dtype=torch.float64)).numpy()
        turned, placed = joint_transforms(local, joints)
        placed = placed + truth.trans[:, None]
        landmarks = landmark_points(body, truth.betas).place(turned, placed)
        points = ((np.concatenate((landmarks, placed), 1) - place) @ turn)[moments]
        pixels = image[..., :2] - np.array(truth.camera.image_size) / 2
        assumed = focal_length(path.with_name("clip.mp4"), truth.camera.image_size, None).pixels
        axes = crop_axes(_tensor(pixels / focal))
        wrong = pixels / focal - points[:, :LANDMARKS, :2] / points[:, :LANDMARKS, 2:]
        picture = _tensor(wrong * points[:, HIPS, 2:].mean(1, keepdims=True))
        true = _tensor(points - points[:, LANDMARKS : LANDMARKS + 1]) @ axes
        seen = _tensor(world), _tensor(image[..., 2])
        space = seen[0] - from_hips(true[:, :LANDMARKS]) * torch.tensor(TOLD)
        up = _tensor(turn.T @ (0.0, 0.0, 1.0)) @ axes
        films.append((_tensor(pixels / assumed), seen[1], seen[0], true, up, picture, space, seen[1]))
        names.append(path.parent.name)
    lengths = torch.tensor([len(film[0]) for film in films])
    parts = [pad_sequence(list(part), batch_first=True) for part in zip(*films, strict=True)]
    return Films(names, Seen(*parts[:5]), Errors(*parts[5:]), lengths)


def from_hips(landmarks: Tensor) -> Tensor:
    """(..., 33, 3) landmarks from the middle of their hips."""
    return landmarks - landmarks[..., HIPS, :].mean(-2, keepdim=True)


def _mirrored(values: Tensor, flip: Tensor) -> Tensor:
    """(B, T, 33, 2 or 3) as in a mirror where `flip` (B, 1, 1, 1)."""
    mirror = torch.tensor((-1.0, 1.0, 1.0))[: values.shape[-1]]
    return _swapped(torch.where(flip, values * mirror, values), flip)


def _swapped(values: Tensor, flip: Tensor) -> Tensor:
    """(B, T, 33, ...) with left for right where `flip`."""
    return torch.where(flip, values[:, :, _LANDMARKS], values)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.tensor(np.ascontiguousarray(values), dtype=torch.float32)
