"""Trains the lifter: `.venv/bin/python addon_assets/lifter/train_lifter.py MOCAP FOLDER MINUTES`.

Half of each batch is simulated; half is what the detector saw in the films of FOLDER, made by write_people.py,
film_people.py and observe_people.py, one film in ten kept apart to judge by. Writes lifter.npz beside this script.
"""

from __future__ import annotations

import sys
import time
from dataclasses import fields
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

import numpy as np  # noqa: E402  (the paths above make these importable)
import torch  # noqa: E402
from cmu import read_motions  # noqa: E402
from simulate import MOMENTS, Pool, Seen, ShapedPoints, make_pool, shaped_points, simulate  # noqa: E402
from torch import Tensor  # noqa: E402

from solver.body import joint_transforms  # noqa: E402
from solver.body_file import JOINT_NAMES, PARENTS, Body, read_body  # noqa: E402
from solver.ikol import so3  # noqa: E402
from solver.lift import landmark_points  # noqa: E402
from solver.lift.landmark_points import MIRRORED_JOINTS, MIRRORED_LANDMARKS  # noqa: E402
from solver.lift.network import LANDMARKS, Lifted, LiftNetwork, crop_axes, network_input  # noqa: E402
from solver.lift.regressor import landmark_regressor  # noqa: E402
from solver.motion.camera import ASSUMED_FOCAL  # noqa: E402
from solver.take import read_take  # noqa: E402

_SIMULATED, _FILMED = 28, 28  # stretches of a batch
_RATE = 1.5e-3
_MIRROR = [*MIRRORED_LANDMARKS.tolist(), *(LANDMARKS + MIRRORED_JOINTS).tolist()]
_KEPT_APART = 10
_ENDS = [
    LANDMARKS + j for j, name in enumerate(JOINT_NAMES) if name.split("_")[-1] in ("wrist", "ankle", "foot", "hand")
]


def read_films(folder: Path, body: Body) -> list[Seen]:
    """What the detector saw in each film, and the truth; stretches shorter than MOMENTS are left out."""
    films: list[Seen] = []
    for path in sorted(folder.glob("*/observed.npz")):
        with np.load(path) as observed, np.load(path.with_name("camera.npz")) as camera:
            moments, image, world = observed["moments"], observed["landmarks2d"], observed["landmarks3d"]
            focal, turn, place = float(camera["focal_px"]), camera["rotations"][0], camera["positions"][0]
        if len(moments) < MOMENTS:
            continue
        truth = read_take(path.with_name("truth_p1.npz"))
        width, height = truth.camera.image_size
        joints = body.rest_joints(truth.betas)
        local = so3.exp(torch.tensor(truth.poses.reshape(-1, 24, 3), dtype=torch.float64)).numpy()
        turned, placed = joint_transforms(local, joints)
        placed = placed + truth.trans[:, None]
        landmarks = landmark_points(body, truth.betas).place(turned, placed)
        points = ((np.concatenate((landmarks, placed), 1) - place) @ turn)[moments]
        pixels = image[..., :2] - (width / 2, height / 2)
        axes = crop_axes(_tensor(pixels / focal))
        up = _tensor(turn.T @ (0.0, 0.0, 1.0))
        films.append(
            Seen(
                _tensor(pixels / (ASSUMED_FOCAL * max(width, height)))[None],
                _tensor(image[..., 2])[None],
                _tensor(world)[None],
                (_tensor(points - points[:, LANDMARKS : LANDMARKS + 1]) @ axes)[None],
                (up @ axes)[None],
            )
        )
    return films


def draw(films: list[Seen], count: int) -> Seen:
    """Random stretches of the films, some mirrored, seen through another focal length and with a rolled camera."""
    parts: list[list[Tensor]] = []
    for number in torch.randint(len(films), (count,)).tolist():
        film = films[number]
        first = int(torch.randint(film.rays.shape[1] - MOMENTS + 1, ()))
        own = slice(first, first + MOMENTS)
        parts.append([getattr(film, field.name)[0, own] for field in fields(Seen)])
    rays, visibility, landmarks, points, up = (torch.stack(part) for part in zip(*parts, strict=True))
    flip = torch.rand(count, 1, 1, 1) < 0.5
    mirror = torch.tensor((-1.0, 1.0, 1.0))
    rays = torch.where(flip, rays[:, :, MIRRORED_LANDMARKS] * mirror[:2], rays)
    visibility = torch.where(flip[..., 0], visibility[:, :, MIRRORED_LANDMARKS], visibility)
    landmarks = torch.where(flip, landmarks[:, :, MIRRORED_LANDMARKS] * mirror, landmarks)
    points = torch.where(flip, points[:, :, _MIRROR] * mirror, points)
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


def loss_of(lifted: Lifted, truth: Seen) -> Tensor:
    """Places, speeds, bones' lengths, gravity."""
    difference = lifted.points - truth.points
    error = difference.norm(dim=-1)
    speed = (difference[:, 1:] - difference[:, :-1]).norm(dim=-1)
    joints, wanted = lifted.points[:, :, LANDMARKS:], truth.points[:, :, LANDMARKS:]
    parents = list(PARENTS[1:])
    bones = (joints[:, :, 1:] - joints[:, :, parents]).norm(dim=-1) - (wanted[:, :, 1:] - wanted[:, :, parents]).norm(
        dim=-1
    )
    gravity = (lifted.up - truth.up).norm(dim=-1).mean()
    return error.mean() + 0.5 * error[:, :, _ENDS].mean() + 2 * speed.mean() + 0.2 * bones.abs().mean() + 0.05 * gravity


def judge(network: LiftNetwork, films: list[Seen]) -> str:
    """Errors over whole films: keypoints before and after, and gravity."""
    network.eval()
    before, after, gravity = [], [], []
    with torch.no_grad():
        for film in films:
            lifted = network(network_input(film.rays, film.visibility, film.landmarks))
            truth = film.points[:, :, LANDMARKS:]
            raw = network.regressor @ film.landmarks
            before.append((raw - raw[:, :, :1] - truth).norm(dim=-1).mean())
            error = lifted.points[:, :, LANDMARKS:] - truth
            after.append(error.norm(dim=-1).mean())
            mean, wanted = (torch.nn.functional.normalize(up.mean(1), dim=-1) for up in (lifted.up, film.up))
            gravity.append(torch.rad2deg(torch.acos((mean * wanted).sum(-1).clamp(-1, 1))).mean())
    network.train()
    means = [1000 * float(torch.stack(values).mean()) for values in (before, after)]
    degrees = float(torch.stack(gravity).mean())
    return f"raw {means[0]:.0f} mm, lifted {means[1]:.0f} mm, gravity {degrees:.1f} degrees"


def train(pool: Pool, points: ShapedPoints, films: list[Seen], kept: list[Seen], minutes: float) -> LiftNetwork:
    """The trained network, for so many minutes."""
    torch.manual_seed(0)
    network = LiftNetwork(_tensor(landmark_regressor()))
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=1e-2)
    started = last = time.monotonic()
    step = 0
    while (share := (time.monotonic() - started) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1.0, (step + 1) / 50) * (0.5 * (1 + np.cos(np.pi * share)) + 0.01)
        batches = [simulate(pool, points, _SIMULATED)] + ([draw(films, _FILMED)] if films else [])
        seen = Seen(*(torch.cat([getattr(batch, field.name) for batch in batches]) for field in fields(Seen)))
        lifted = network(network_input(seen.rays, seen.visibility, seen.landmarks))
        loss = loss_of(lifted, seen)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        if time.monotonic() - last > 60:
            last = time.monotonic()
            print(f"{last - started:.0f} s, step {step}, loss {float(loss):.4f}; {judge(network, kept)}", flush=True)
    return network.eval()


def _tensor(values: np.ndarray) -> Tensor:
    return torch.tensor(np.ascontiguousarray(values), dtype=torch.float32)


def main(mocap: Path, folder: Path, minutes: float) -> None:
    """Train and write the weights, half precision."""
    body = read_body("open")
    motions = read_motions(mocap, body)
    films = read_films(folder, body)
    kept = films[::_KEPT_APART]
    rest = [film for number, film in enumerate(films) if number % _KEPT_APART]
    network = train(make_pool(motions), shaped_points(body), rest, kept, minutes)
    weights = {name: value.numpy().astype(np.float16) for name, value in network.state_dict().items()}
    np.savez_compressed(HERE / "lifter.npz", **weights)
    print(judge(network, kept))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
