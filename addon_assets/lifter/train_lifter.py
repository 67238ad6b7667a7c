"""Trains the lifter:
`.venv/bin/python addon_assets/lifter/train_lifter.py MOCAP FOLDER MINUTES [--device cuda] [--apart N]`.

The lifter is the mean of four networks. Each is trained, for so many minutes, without each fourth of the films of
FOLDER, which write_people.py, film_people.py and observe_people.py made: what the four make of films that they never
saw is what the lifter is worth, and what measure_bones.py goes by. (Other films, that is, not other motions: the
motion capture has few.) Writes FOLDER/network_N.npz and from them lifter.npz beside this script; with --apart (0 to 3)
one network alone is trained, so that several can be at once.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

import numpy as np  # noqa: E402  (the paths above make these importable)
import torch  # noqa: E402
from cmu import read_motions  # noqa: E402
from films import Films, Seen, read_films  # noqa: E402
from simulate import Pool, ShapedPoints, make_pool, shaped_points, simulate  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn  # noqa: E402

from solver.body_file import JOINT_NAMES, PARENTS, read_body  # noqa: E402
from solver.lift.learned import make_network  # noqa: E402
from solver.lift.network import LANDMARKS, Lifted, LiftNetwork, network_input  # noqa: E402
from solver.lift.regressor import landmark_regressor  # noqa: E402

APARTS = 4
_SIMULATED, _FILMED = 384, 128  # stretches of a batch
_AHEAD = 4  # batches made at once: a GPU takes hardly longer than for one
_RATE = 1.5e-3
_APART = "apart"
_ENDS = [
    LANDMARKS + j for j, name in enumerate(JOINT_NAMES) if name.split("_")[-1] in ("wrist", "ankle", "foot", "hand")
]


def loss_of(lifted: Lifted, truth: Seen) -> Tensor:
    """Places, speeds, bones' lengths, gravity."""
    difference = lifted.points - truth.points
    error = difference.norm(dim=-1)
    speed = (difference[:, 1:] - difference[:, :-1]).norm(dim=-1)
    bones = bone_lengths(lifted.points) - bone_lengths(truth.points)
    gravity = (lifted.up - truth.up).norm(dim=-1).mean()
    return error.mean() + 0.5 * error[:, :, _ENDS].mean() + 2 * speed.mean() + 0.2 * bones.abs().mean() + 0.05 * gravity


def bone_lengths(points: Tensor) -> Tensor:
    """(B, T, 23) metres, of (B, T, 57, 3)."""
    joints = points[:, :, LANDMARKS:]
    return (joints[:, :, 1:] - joints[:, :, list(PARENTS[1:])]).norm(dim=-1)


def judge(network: LiftNetwork, films: Films) -> str:
    """Errors over whole films: keypoints before and after, how fast hands and feet are, and gravity."""
    network.eval()
    rows: list[Tensor] = []
    with torch.no_grad():
        for film in map(films.one, range(len(films.names))):
            lifted = network(network_input(film.rays, film.visibility, film.landmarks))
            truth, found = film.points[:, :, LANDMARKS:], lifted.points[:, :, LANDMARKS:]
            raw = network.regressor @ film.landmarks
            before, after = (raw - raw[:, :, :1] - truth).norm(dim=-1).mean(), (found - truth).norm(dim=-1).mean()
            speeds = [points[:, :, _ENDS].diff(dim=1).square().mean().sqrt() for points in (lifted.points, film.points)]
            mean, wanted = (torch.nn.functional.normalize(up.mean(1), dim=-1) for up in (lifted.up, film.up))
            gravity = torch.rad2deg(torch.acos((mean * wanted).sum(-1).clamp(-1, 1))).mean()
            rows.append(torch.stack((1000 * before, 1000 * after, speeds[0] / speeds[1], gravity)))
    network.train()
    before, after, speed, gravity = torch.stack(rows).mean(0).tolist()
    return f"raw {before:.0f} mm, lifted {after:.1f} mm, speeds {speed:.2f}, gravity {gravity:.1f} degrees"


def batches(pool: Pool, points: ShapedPoints, films: Films) -> Iterator[Seen]:
    """What to train on, without end."""
    while True:
        with torch.no_grad():
            simulated, filmed = simulate(pool, points, films, _AHEAD * _SIMULATED), films.draw(_AHEAD * _FILMED)
        parts = [
            getattr(simulated, field.name).split(_SIMULATED) + getattr(filmed, field.name).split(_FILMED)
            for field in fields(Seen)
        ]
        for number in range(_AHEAD):
            yield Seen(*(torch.cat((part[number], part[_AHEAD + number])) for part in parts))


def train(pool: Pool, points: ShapedPoints, films: Films, kept: Films, minutes: float) -> LiftNetwork:
    """The trained network, for so many minutes, its weights a running mean over some 500 steps."""
    torch.manual_seed(0)
    network = LiftNetwork(torch.tensor(landmark_regressor(), dtype=torch.float32))
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.998))
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=1e-2)
    started = last = time.monotonic()
    for step, seen in enumerate(batches(pool, points, films)):
        share = (time.monotonic() - started) / (60 * minutes)
        if share >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1.0, (step + 1) / 100) * (0.5 * (1 + np.cos(np.pi * share)) + 0.005)
        lifted = network(network_input(seen.rays, seen.visibility, seen.landmarks))
        loss = loss_of(lifted, seen)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        mean.update_parameters(network)
        if time.monotonic() - last > 60:
            last = time.monotonic()
            said = judge(mean.module, kept)
            print(f"{last - started:.0f} s, step {step}, loss {float(loss):.4f}; {said}", flush=True)
    print(judge(mean.module, kept), flush=True)
    return mean.module.eval()


def main(mocap: Path, folder: Path, minutes: float, device: str, apart: int | None) -> None:
    """Train all four networks, or one; lifter.npz is written once all four are there."""
    body = read_body("open")
    motions = read_motions(mocap, body)
    films = read_films(folder, body)
    everything = range(len(films.names))
    torch.set_default_device(device)
    pool, points = make_pool(motions), shaped_points(body)
    for number in range(APARTS) if apart is None else (apart,):
        kept = films.some(list(everything[number::APARTS]), device)
        rest = films.some([film for film in everything if film % APARTS != number], device)
        write_network(train(pool, points, rest, kept, minutes), kept.names, network_path(folder, number))
    paths = [network_path(folder, number) for number in range(APARTS)]
    if all(path.exists() for path in paths):
        join_networks(paths, HERE / "lifter.npz")


def network_path(folder: Path, number: int) -> Path:
    """Where one of the networks is."""
    return folder / f"network_{number}.npz"


def write_network(network: LiftNetwork, apart: list[str], path: Path) -> None:
    """Weights in half precision, and the names of the films that were kept apart."""
    weights = {name: value.cpu().numpy().astype(np.float16) for name, value in network.state_dict().items()}
    np.savez_compressed(path, **weights, **{_APART: np.array(apart)})


def read_network(path: Path) -> tuple[LiftNetwork, list[str]]:
    """What `write_network` wrote."""
    stored = _read(path)
    apart = [str(name) for name in stored.pop(_APART)]
    return make_network({name: torch.tensor(weight.astype(np.float32)) for name, weight in stored.items()}), apart


def join_networks(paths: list[Path], file: Path) -> None:
    """The lifter: each weight of the networks, stacked."""
    networks = [_read(path) for path in paths]
    names = networks[0].keys() - {_APART}
    np.savez_compressed(file, **{name: np.stack([stored[name] for stored in networks]) for name in sorted(names)})


def _read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as stored:
        return dict(stored)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("mocap", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--apart", type=int, choices=range(APARTS))
    main(**vars(parser.parse_args()))
