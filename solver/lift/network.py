"""The network that corrects the detector's 3D from a stretch of time: a residual network of dilated convolutions.

A single picture leaves depth open; half a second of motion, the picture's 2D and the detector's 3D together say more
(Pavllo et al., CVPR 2019, lift 2D alone so). The network works in the axes of a crop that faces the person, moment by
moment, and gives corrections of the detector's 3D, so that an untrained one changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..detect.person_landmarks import LANDMARK_NAMES

LANDMARKS, JOINTS = 33, 24
RATE_HZ = 30.0  # of the moments it was trained on
_CHANNELS = 256
_DILATIONS = (1, 2, 4, 6)
_SCALE_MIDDLE = -1.7  # of log(scale), so that inputs lie about 0
HIPS = [LANDMARK_NAMES.index(f"{side}_hip") for side in ("left", "right")]
_TRUNK = [LANDMARK_NAMES.index(f"{side}_{part}") for part in ("shoulder", "hip") for side in ("left", "right")]


@dataclass(frozen=True)
class Lifted:
    """What the network says of N stretches of T moments, crop axes (x right, y down, z away), metres.

    Attributes:
        points: (N, T, 57, 3) the 33 landmarks and the 24 keypoints from the pelvis's keypoint.
        up: (N, T, 3) unit, against gravity.
    """

    points: Tensor
    up: Tensor


def crop_axes(rays: Tensor) -> Tensor:
    """(..., 3, 3) columns: the axes of a crop that faces the trunk, the camera's turned the shortest way.

    The detector reports 3D in them. rays: (..., 33, 2) x and y at depth 1 of each landmark, camera axes.
    """
    middle = rays[..., _TRUNK, :].mean(-2)
    x, y, z = nn.functional.normalize(torch.cat((middle, torch.ones_like(middle[..., :1])), -1), dim=-1).unbind(-1)
    share = 1 / (1 + z)
    rows = (1 - x * x * share, -x * y * share, x, -x * y * share, 1 - y * y * share, y, -x, -y, z)
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def network_input(rays: Tensor, visibility: Tensor, landmarks: Tensor) -> Tensor:
    """(..., 201) what the network sees of each moment.

    Args:
        rays: (..., 33, 2) x and y at depth 1 of each landmark, camera axes.
        visibility: (..., 33) 0..1.
        landmarks: (..., 33, 3) the detector's, from the middle of the hips, crop axes, metres.
    """
    turned = torch.cat((rays, torch.ones_like(rays[..., :1])), -1) @ crop_axes(rays)
    flat = turned[..., :2] / turned[..., 2:].clamp_min(0.2)
    flat = flat - flat[..., HIPS, :].mean(-2, keepdim=True)
    share = visibility.clamp_min(1e-3)
    scale = ((flat.square().sum(-1) * share).sum(-1) / share.sum(-1)).sqrt().clamp_min(1e-4)
    return torch.cat(
        (
            (flat / scale[..., None, None]).flatten(-2),
            visibility,
            2 * landmarks.flatten(-2),
            rays[..., _TRUNK, :].mean(-2),
            (scale.log() - _SCALE_MIDDLE)[..., None],
        ),
        -1,
    )


class _ChannelNorm(nn.LayerNorm):
    """Each moment's channels normalised alone: a long clip gives what its parts give."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the base class's name)
        return super().forward(input.mT).mT


class LiftNetwork(nn.Module):
    """Corrections of the detector's 3D.

    Args:
        regressor: (24, 33) the linear map from landmarks to keypoints that gives the uncorrected keypoints.
    """

    regressor: Tensor

    def __init__(self, regressor: Tensor) -> None:
        super().__init__()
        self.register_buffer("regressor", regressor, persistent=False)
        inputs, points = LANDMARKS * 6 + 3, LANDMARKS + JOINTS
        self.entrance = nn.Conv1d(inputs, _CHANNELS, 3, padding=1, padding_mode="replicate")
        self.blocks = nn.ModuleList([_block(dilation) for dilation in _DILATIONS])
        self.exit = nn.Conv1d(_CHANNELS, points * 3 + 3, 1)
        nn.init.normal_(self.exit.weight, std=1e-3)

    def forward(self, inputs: Tensor) -> Lifted:
        """Lift inputs (N, T, 201) made by `network_input`."""
        values = self.entrance(inputs.mT)
        for block in self.blocks:
            values = values + block(values)
        output = self.exit(values).mT
        correction, up = output.split((output.shape[-1] - 3, 3), -1)
        seen = inputs[..., 3 * LANDMARKS : 6 * LANDMARKS].unflatten(-1, (LANDMARKS, 3)) / 2
        points = torch.cat((seen, self.regressor @ seen), -2) + 0.3 * correction.unflatten(-1, (-1, 3))
        level = torch.tensor((0.0, -1.0, 0.0)).to(up)
        return Lifted(
            points - points[..., LANDMARKS : LANDMARKS + 1, :],
            nn.functional.normalize(level + up, dim=-1),
        )


def _block(dilation: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(_CHANNELS, _CHANNELS, 3, padding=dilation, dilation=dilation, padding_mode="replicate"),
        _ChannelNorm(_CHANNELS),
        nn.GELU(),
        nn.Dropout(0.1),
        nn.Conv1d(_CHANNELS, _CHANNELS, 1),
        _ChannelNorm(_CHANNELS),
        nn.GELU(),
    )
