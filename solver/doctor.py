"""What works on this machine: each part that a solve needs, tried."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .body_file import OPEN_BODY_PATH, read_body

_PACKAGES = ("torch", "numpy", "scipy", "opencv-python", "ai-edge-litert", "tqdm")


@dataclass(frozen=True)
class Finding:
    """One part, tried.

    Attributes:
        name: what was tried.
        works: whether it does.
        detail: what was found, or why it failed.
    """

    name: str
    works: bool
    detail: str


def examine() -> list[Finding]:
    """Try everything that a solve needs."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("body", _body),
        ("detector", _detector),
        ("video", _video),
        ("ikol", _ikol),
        ("devices", _devices),
    )
    return [_try(name, check) for name, check in checks]


def _try(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except Exception as error:  # a doctor reports whatever fails, in whatever way
        return Finding(name, False, f"{type(error).__name__}: {error}")


def _python() -> str:
    return f"{platform.python_version()} on {platform.platform()}, {sys.executable}"


def _packages() -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)


def _body() -> str:
    body = read_body("open")
    height = float(np.ptp(body.v_template[:, 1]))
    return f"{len(body.v_template)} vertices, {height:.2f} m, {OPEN_BODY_PATH}"


def _detector() -> str:
    from .detect import BlazePose

    people = BlazePose("heavy").observe(np.zeros((240, 320, 3), np.uint8), 0.0)
    return f"BlazePose heavy runs; {len(people)} people in an empty picture"


def _video() -> str:
    import cv2

    from .video import read_frames

    with tempfile.TemporaryDirectory(prefix="ikol_doctor_") as folder:
        path = Path(folder) / "test.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 64))
        for shade in range(0, 250, 50):
            writer.write(np.full((64, 64, 3), shade, np.uint8))
        writer.release()
        count = sum(1 for _ in read_frames(path))
    if count != 5:
        raise RuntimeError(f"wrote 5 frames and read {count}")
    return f"OpenCV {cv2.__version__} writes and reads video"


def _ikol() -> str:
    import torch

    from .ikol import IKOLLayer, Skeleton

    skeleton = Skeleton.from_body("open")
    rest = torch.eye(3).expand(1, 24, 3, 3)
    betas = torch.zeros(1, 10)
    keypoints = skeleton.forward(rest, betas)
    twist = torch.tensor((1.0, 0.0)).expand(1, 23, 2)
    confidence = torch.ones(1, 24)
    with torch.no_grad():
        solution = IKOLLayer(skeleton)(keypoints, betas, twist, rest[:, :5], confidence)
    error = float((solution.joints - keypoints).norm(dim=-1).max())
    if error > 1e-3:
        raise RuntimeError(f"the rest pose came back {error * 1e3:.1f} mm off")
    return "the rest pose comes back"


def _devices() -> str:
    import torch

    names = ["cpu"]
    if torch.cuda.is_available():
        names.append(f"cuda ({torch.cuda.get_device_name()})")
    if torch.backends.mps.is_available():
        names.append("mps")
    return f"{', '.join(names)}; {torch.get_num_threads()} threads"
