"""BlazePose's two networks on LiteRT: people in a picture, and one person's landmarks.

Reference: BlazePose (Bazarevsky et al., 2020) and its model card; files unmodified, see addon_assets/blazepose.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from ..errors import IkolError
from .region import Region

Array = NDArray[Any]

MODEL_FOLDER = Path(__file__).resolve().parent.parent.parent / "addon_assets" / "blazepose"
DETECTION_SIDE, LANDMARK_SIDE = 224, 256
_GRIDS = ((8, 2), (16, 2), (32, 6))  # stride in px, anchors in each cell
_SCORE, _OVERLAP = 0.5, 0.3
_HEATMAP_RADIUS, _HEATMAP_PEAK = 3, 0.5


@dataclass(frozen=True)
class PersonCrop:
    """The landmark network's answer for one square.

    Attributes:
        image: (33, 3) px, px, visibility 0..1 in the picture.
        world: (33, 3) metres from the middle of the hips; x right, y down, z away.
        presence: 0..1.
        next_region: where the same person will be in the next picture.
    """

    image: Array
    world: Array
    presence: float
    next_region: Region


def anchor_centers() -> Array:
    """(2254, 2) x, y of every anchor, 0..1."""
    grids: list[Array] = []
    for stride, repeats in _GRIDS:
        cells = DETECTION_SIDE // stride
        y, x = np.divmod(np.arange(cells * cells), cells)
        grids.append(np.repeat((np.stack((x, y), -1) + 0.5) / cells, repeats, axis=0))
    return np.concatenate(grids)


class DetectionNetwork:
    """Finds where people are in a whole picture. Not thread-safe: one per worker."""

    def __init__(self, threads: int) -> None:
        self._run = _Model(MODEL_FOLDER / "pose_detection.tflite", threads)
        self._anchors = anchor_centers()

    def find(self, rgb: Array, most: int, zoom: int = 1) -> list[Region]:
        """At most `most` people, surest first.

        Args:
            zoom: 1 looks at the whole picture, where people under a third of its longer side are missed; 2 also at
                overlapping squares of half its side.
        """
        height, width = rgb.shape[:2]
        found = [self._boxes(rgb, square) for square in squares(width, height, zoom)]
        boxes, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
        people = merge_overlapping(boxes, scores)[:most]
        return [Region.around(*person[4:8].reshape(2, 2)) for person in people]

    def _boxes(self, rgb: Array, square: tuple[float, float, float]) -> tuple[Array, Array]:
        """(N, 12) likely people in a square of the picture, px, and (N,) their scores."""
        left, top, side = square
        scale = DETECTION_SIDE / side
        fit = np.array(((scale, 0, -left * scale), (0, scale, -top * scale)))
        picture = cv2.warpAffine(rgb, fit, (DETECTION_SIDE, DETECTION_SIDE), flags=cv2.INTER_LINEAR)
        outputs = self._run(picture.astype(np.float32) / 127.5 - 1)
        boxes, logits = outputs[(1, len(self._anchors), 12)][0], outputs[(1, len(self._anchors), 1)][0, :, 0]
        scores = _sigmoid(logits)
        likely = np.flatnonzero(scores > _SCORE)
        points = decode_boxes(boxes[likely], self._anchors[likely]).reshape(-1, 6, 2) * side + (left, top)
        return points.reshape(-1, 12), scores[likely]


def squares(width: int, height: int, zoom: int) -> list[tuple[float, float, float]]:
    """Left, top and side, px, of squares to look at: the one around the picture, and overlapping ones for each zoom."""
    side = float(max(width, height))
    found = [((width - side) / 2, (height - side) / 2, side)]
    for part in range(2, zoom + 1):
        small = side / part
        for top in _starts(height, small):
            found += [(left, top, small) for left in _starts(width, small)]
    return found


def _starts(length: float, side: float) -> list[float]:
    """Where squares of `side` begin that cover `length` and overlap by half or more; one, centred, if it fits."""
    if length <= side:
        return [(length - side) / 2]
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return [float(start) for start in np.linspace(0, length - side, count)]


def decode_boxes(raw: Array, anchors: Array) -> Array:
    """(N, 12) corners x0 y0 x1 y1 and four points, 0..1 of the square, from the network's offsets in pixels."""
    points = raw.reshape(-1, 6, 2) / DETECTION_SIDE
    size = points[:, 1]
    center = points[:, 0] + anchors
    keypoints = (points[:, 2:] + anchors[:, None]).reshape(len(raw), 8)
    return np.concatenate((center - size / 2, center + size / 2, keypoints), axis=1)


def merge_overlapping(boxes: Array, scores: Array) -> list[Array]:
    """Weighted non-maximum suppression: each cluster's mean, weighed by score, surest first."""
    merged: list[Array] = []
    order = np.argsort(-scores, kind="stable")
    while len(order):
        overlaps = _overlap(boxes[order[0]], boxes[order]) > _OVERLAP
        overlaps[0] = True
        cluster = order[overlaps]
        merged.append(np.average(boxes[cluster], axis=0, weights=scores[cluster]))
        order = order[~overlaps]
    return merged


class LandmarkNetwork:
    """Finds one person's 33 landmarks in a square. Not thread-safe: one per worker."""

    def __init__(self, variant: str, threads: int) -> None:
        self._run = _Model(MODEL_FOLDER / f"pose_landmark_{variant}.tflite", threads)

    def read(self, rgb: Array, region: Region) -> PersonCrop:
        """The landmarks of the person in `region` of the picture `rgb`."""
        outputs = self._run(region.crop(rgb, LANDMARK_SIDE).astype(np.float32) / 255)
        landmarks = outputs[(1, 195)].reshape(39, 5).astype(np.float64)
        world = outputs[(1, 117)].reshape(39, 3)[:33].astype(np.float64)
        refined = refine_by_heatmap(landmarks[:, :2] / LANDMARK_SIDE, outputs[(1, 64, 64, 39)][0]) * LANDMARK_SIDE
        to_picture = region.to_picture(LANDMARK_SIDE)
        pixels = refined @ to_picture[:, :2].T + to_picture[:, 2]
        world[:, :2] = world[:, :2] @ region.turn.T
        image = np.column_stack((pixels[:33], _sigmoid(landmarks[:33, 3])))
        presence = float(outputs[(1, 1)][0, 0])
        # Landmarks 33 and 34 are the network's own guess of the square's middle and top.
        next_region = Region.around(pixels[33], pixels[34])
        # An hour of these is kept in memory, hence the single precision.
        return PersonCrop(image.astype(np.float32), world.astype(np.float32), presence, next_region)


def refine_by_heatmap(points: Array, heatmaps: Array) -> Array:
    """Points (N, 2), 0..1, moved to the centre of mass of their heatmap around them where it has a clear peak.

    heatmaps: (H, W, N) logits.
    """
    height, width, count = heatmaps.shape
    reach = np.arange(-_HEATMAP_RADIUS, _HEATMAP_RADIUS + 1)
    cell = np.floor(points * (width, height)).astype(np.int64)
    inside = ((cell >= 0) & (cell < (width, height))).all(axis=1)
    columns, rows = cell[:, :1] + reach, cell[:, 1:] + reach
    on_map = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    picked = heatmaps[
        np.clip(rows, 0, height - 1)[:, :, None],
        np.clip(columns, 0, width - 1)[:, None, :],
        np.arange(count)[:, None, None],
    ]
    mass = np.where(on_map, _sigmoid(picked), 0.0)
    total = np.maximum(mass.sum(axis=(1, 2)), 1e-9)
    x = (mass * columns[:, None, :]).sum(axis=(1, 2)) / total / width
    y = (mass * rows[:, :, None]).sum(axis=(1, 2)) / total / height
    clear = inside & (mass.max(axis=(1, 2)) >= _HEATMAP_PEAK)
    return np.where(clear[:, None], np.column_stack((x, y)), points)


class _Model:
    """A .tflite file ready to run: one input, outputs by their shapes."""

    def __init__(self, path: Path, threads: int) -> None:
        try:
            # Not by name: on Windows, LiteRT opens no path with letters beyond ASCII.
            self._interpreter = Interpreter(model_content=path.read_bytes(), num_threads=threads)
        except (ValueError, OSError) as error:
            raise IkolError(
                f"The detector's file {path.name} could not be loaded: {error}.", hint="Install the extension again."
            ) from error
        self._interpreter.allocate_tensors()
        inputs: list[Any] = self._interpreter.get_input_details()
        outputs: list[Any] = self._interpreter.get_output_details()
        self._input: int = inputs[0]["index"]
        self._outputs: list[tuple[int, tuple[int, ...]]] = [
            (entry["index"], tuple(entry["shape"])) for entry in outputs
        ]

    def __call__(self, picture: Array) -> dict[tuple[int, ...], Array]:
        self._interpreter.set_tensor(self._input, picture[None])
        self._interpreter.invoke()
        return {shape: self._interpreter.get_tensor(index) for index, shape in self._outputs}


def _sigmoid(logits: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))


def _overlap(box: Array, others: Array) -> Array:
    """(N,) intersection over union."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:4], others[:, 2:4])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (others[:, 2:4] - others[:, :2]).prod(axis=1)
    return shared / np.maximum((box[2:4] - box[:2]).prod() + areas - shared, 1e-12)
