"""How good takes are, on our own rendered clips with exact truth; writes the tables of docs/quality.md.

    python3 build.py bench quality
    .venv/bin/python benchmarks/quality.py walk_6m sit      (only these, only printed)

The clips are made once, in about eight minutes, in .cache/rendered_set or where IKOL_RENDERED_SET points; delete the
folder to make them again.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _quality_solves import ROOT, Array, nearest, share_on, solve_full, solve_three_ways, without_hidden_contacts

from building.environments import blender_environment, ensure
from solver.body_file import read_body
from solver.evaluate import measure
from solver.take import Take, read_take

SET = Path(os.environ.get("IKOL_RENDERED_SET", ROOT / ".cache" / "rendered_set"))
MAKERS = ROOT / "benchmarks" / "rendered_set"
PAGE = ROOT / "docs" / "quality.md"
BEGIN, END = "<!-- tables: made by build.py bench quality -->", "<!-- end of tables -->"
WALK = "walk_6m"
FOCAL, NOTHING = "focal length", "nothing"
# Of the walk by what is known: share of the path's length, degrees of the heading.
_MOST_OFF = {FOCAL: (0.05, 5.0), NOTHING: (0.12, math.inf)}

Figures = dict[str, float | int | None]


@dataclass(frozen=True)
class Row:
    """One person of one clip; `kept` is the share of moments in which the take is on its own person, 0 where the
    person has no take (and no figures)."""

    name: str
    raw: Figures
    per_frame: Figures
    full: Figures
    kept: float


@dataclass(frozen=True)
class Walked:
    """A straight walk against the truth.

    Attributes:
        known: what the solver was told of the truth.
        path_ratio: length of the pelvis' path over the floor, over the truth's.
        ends_ratio: the same from end to end, which no wandering makes longer.
        heading_error: from end to end, degrees, against the camera's.
    """

    known: str
    path_ratio: float
    ends_ratio: float
    heading_error: float


def main(names: list[str]) -> int:
    """Print the tables, and keep them in the page when every clip was measured; 0 when every gate holds."""
    make_set()
    clips = sorted(path for path in SET.iterdir() if (path / "clip.mp4").exists() and (not names or path.name in names))
    everybody = [row for clip in clips for row in measure_clip(clip)]
    rows = [row for row in everybody if row.full]
    walks = measure_walks(SET / WALK) if not names or WALK in names else []
    gates = check_gates(rows, walks, [row.name for row in everybody if not row.full])
    text = "\n\n".join([detail_table(rows), motion_table(rows), feet_table(rows), walk_table(walks), gate_table(gates)])
    print(text)
    if not names:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0 if all(holds for _, _, holds in gates) else 1


def make_set() -> None:
    """Write and film what is missing of the rendered set."""
    sys.path.insert(0, str(MAKERS))
    from _mocap import FOLDER
    from plans import PLANS

    missing = [plan.name for plan in PLANS if not (SET / plan.name / "clip.mp4").exists()]
    if missing and not FOLDER.is_dir():
        raise SystemExit(f"The motion capture that the clips are made from is not at {FOLDER}.")
    if missing:
        ensure([blender_environment()])
        subprocess.run([sys.executable, str(MAKERS / "write_truths.py"), str(SET)], check=True)
        film = [str(blender_environment().interpreter), str(MAKERS / "film_clips.py"), str(SET), *missing]
        subprocess.run(film, check=True, stdout=subprocess.DEVNULL)


def measure_clip(folder: Path) -> list[Row]:
    """Every person of a clip."""
    truths = [read_take(path) for path in sorted(folder.glob("truth_p*.npz"))]
    body, rows = read_body("open"), []
    for number, (truth, ways) in enumerate(zip(truths, solve_three_ways(folder / "clip.mp4", truths), strict=True)):
        others = [other for other in truths if other is not truth]
        name = folder.name + (f" ({number + 1})" if others else "")
        if ways is None:
            rows.append(Row(name, {}, {}, {}, kept=0.0))
            continue
        seen = without_hidden_contacts(truth, others)
        figures = [measure(take, body, seen) for take in (ways.raw, ways.per_frame, ways.full)]
        rows.append(Row(name, *figures, kept=share_on(ways.full, truth, others)))
        print(f"measured {name}", file=sys.stderr, flush=True)
    return rows


def measure_walks(folder: Path) -> list[Walked]:
    """The straight walk, by what the solver is told: focal length and height, the focal length, nothing.

    How large somebody is cannot be seen, and a walk is as much longer as the walker is taller.
    """
    truth, clip = read_take(folder / "truth_p1.npz"), folder / "clip.mp4"
    focal_px, height_cm = truth.camera.focal_px, 100 * float(np.ptp(read_body("open").rest_vertices(truth.betas)[:, 1]))
    told = {
        "focal length and height": solve_full(clip, focal_px, height_cm),
        FOCAL: solve_full(clip, focal_px),
        NOTHING: solve_full(clip),
    }
    return [_measure_walk(known, nearest(takes, truth), truth) for known, takes in told.items()]


def _measure_walk(known: str, take: Take, truth: Take) -> Walked:
    ways = [_way(take), _way(truth, take.timestamps[0], take.timestamps[-1])]
    paths = [float(np.linalg.norm(np.diff(way, axis=0), axis=1).sum()) for way in ways]
    ends = [way[-1] - way[0] for way in ways]
    turn = np.degrees(np.arctan2(*ends[0]) - np.arctan2(*ends[1]))
    straight = float(np.linalg.norm(ends[0]) / np.linalg.norm(ends[1]))
    return Walked(known, paths[0] / paths[1], straight, float((turn + 180) % 360 - 180))


def _way(take: Take, start: float = -np.inf, end: float = np.inf) -> Array:
    """(T, 2) the pelvis over the floor, to the right and away from the camera, metres; means of a quarter second."""
    pelvis = take.keypoints3d[(take.timestamps >= start - 1e-6) & (take.timestamps <= end + 1e-6), 0]
    right = np.asarray(take.camera.rotation)[:2, 0]
    right = right / np.linalg.norm(right)
    along = pelvis[:, :2] @ np.stack((right, (-right[1], right[0])), axis=-1)
    quarter = round(take.framerate / 4)
    return np.lib.stride_tricks.sliding_window_view(along, quarter, axis=0).mean(axis=-1)


def value(figures: Figures, key: str) -> float:
    """A figure, not a number where there was nothing to measure."""
    found = figures[key]
    return float("nan") if found is None else float(found)


def column(rows: list[Row], way: str, key: str) -> Array:
    """(rows,) one figure of one way of solving."""
    return np.array([value(getattr(row, way), key) for row in rows])


def check_gates(rows: list[Row], walks: list[Walked], missed: list[str]) -> list[tuple[str, str, bool]]:
    """Issue 4's acceptance lines: what is asked, what was measured, whether it holds."""

    def gain(key: str) -> tuple[float, Array]:
        raw, full = column(rows, "raw", key), column(rows, "full", key)
        return 100 * (1 - full.mean() / raw.mean()), full - raw

    gates: list[tuple[str, str, bool]] = []
    for key, title, least in (("mpjpe_mm", "MPJPE", 25), ("pa_mpjpe_mm", "PA-MPJPE", 30)):
        mean, excess = gain(key)
        worse = [row.name for row, more in zip(rows, excess, strict=True) if more > 0]
        gates.append((f"{title} at least {least} % below raw", f"{mean:.0f} %", mean >= least))
        gates.append((f"{title} on no clip worse than raw", ", ".join(worse) or "none", not worse))
    for key, title in (("swing_deg", "swing"), ("twist_deg", "twist")):
        ours, theirs = column(rows, "full", key).mean(), column(rows, "per_frame", key).mean()
        gates.append(
            (f"{title} error below per-frame IKOL's", f"{ours:.1f} against {theirs:.1f} degrees", ours < theirs)
        )
    mean, _ = gain("accel_error_m_s2")
    gates.append(("acceleration error at least 70 % below raw", f"{mean:.0f} %", mean >= 70))
    for key, title, low, high in (
        ("rms_speed_ratio", "RMS speed of wrists and ankles over the truth's", 0.88, 1.12),
        ("peak_speed_ratio", "peak speed over the truth's", 0.9, 1.1),
    ):
        figures = column(rows, "full", key)
        outside = [f"{row.name} {x:.2f}" for row, x in zip(rows, figures, strict=True) if x < low or x > high]
        found = f"{figures.mean():.2f}" + (f"; outside: {', '.join(outside)}" if outside else "")
        gates.append((f"{title} in {low:g} to {high:g} in the mean", found, low <= figures.mean() <= high))
    for key, title, low, high in (
        ("foot_slip_cm", "foot slip, cm per contact", 0.0, 1.0),
        ("foot_slip_cm_s", "foot slip, cm/s", 0.0, 2.0),
        ("penetration_cm", "penetration, cm", 0.0, 1.5),
        ("float_cm", "float, cm", 0.0, 1.5),
        ("swaps", "unrepaired swaps, frames", 0.0, 0.0),
    ):
        figures = column(rows, "full", key)
        outside = [f"{row.name} {x:.2f}" for row, x in zip(rows, figures, strict=True) if x < low or x > high]
        gates.append((f"{title} in {low:g} to {high:g} on every clip", "; ".join(outside) or "all within", not outside))
    gates.append(("everybody has a take", ", ".join(missed) or "all", not missed))
    lost = [f"{row.name} {row.kept:.0%}" for row in rows if row.kept < 1]
    gates.append(("identities kept in every moment", "; ".join(lost) or "all", not lost))
    for walk in walks:
        if walk.known in _MOST_OFF:
            most, turned = _MOST_OFF[walk.known]
            measured = f"{walk.path_ratio:.3f}, {walk.heading_error:+.1f} degrees"
            holds = abs(walk.path_ratio - 1) <= most and abs(walk.heading_error) <= turned
            gates.append((f"walk of 6 m, {walk.known} known: length of the path within {most:.0%}", measured, holds))
    return gates


def detail_table(rows: list[Row]) -> str:
    """Errors against the truth, three ways."""
    keys = [("mpjpe_mm", 0), ("pa_mpjpe_mm", 0), ("accel_error_m_s2", 1)]
    three, two = " raw | IKOL | full |", " IKOL | full |"
    head = f"| clip | MPJPE{three} PA-MPJPE{three} acceleration{three} swing{two} twist{two}"
    lines = ["Millimetres, m/s2 and degrees.", "", head, "|---|" + "---|" * 13]
    for name, some in [*((row.name, [row]) for row in rows), ("**mean**", rows)]:
        cells = [f"{column(some, way, key).mean():.{n}f}" for key, n in keys for way in ("raw", "per_frame", "full")]
        cells += [
            f"{column(some, way, key).mean():.1f}"
            for key in ("swing_deg", "twist_deg")
            for way in ("per_frame", "full")
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def motion_table(rows: list[Row]) -> str:
    """How lively the motion is, and what went wrong in it."""
    two = " IKOL | full |"
    head = f"| clip | RMS speed{two} peak speed{two} jerk, m/s3{two} world, mm | root drift, cm |"
    lines = [f"{head} swapped frames{two} on its person |", "|---|" + "---|" * 11]
    pairs = [("rms_speed_ratio", 2), ("peak_speed_ratio", 2), ("jitter_m_s3", 0)]
    for name, some in [*((row.name, [row]) for row in rows), ("**mean**", rows)]:
        cells = [f"{column(some, way, key).mean():.{n}f}" for key, n in pairs for way in ("per_frame", "full")]
        cells += [f"{column(some, 'full', key).mean():.0f}" for key in ("world_mm", "root_drift_cm")]
        cells += [f"{column(some, way, 'swaps').sum():.0f}" for way in ("per_frame", "full")]
        lines.append(f"| {name} | {' | '.join(cells)} | {np.mean([row.kept for row in some]):.0%} |")
    return "\n".join(lines)


def feet_table(rows: list[Row]) -> str:
    """Feet on the floor, where the truth says that they are."""
    titles = ("slip, cm", "slip, cm/s", "penetration, cm", "float, cm")
    keys = ("foot_slip_cm", "foot_slip_cm_s", "penetration_cm", "float_cm")
    lines = ["| clip | " + " | ".join(f"{title} IKOL | full" for title in titles) + " |", "|---|" + "---|" * 8]
    for name, some in [*((row.name, [row]) for row in rows), ("**mean**", rows)]:
        cells = [_mean(column(some, way, key)) for key in keys for way in ("per_frame", "full")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean(figures: Array) -> str:
    """The mean of what was measured; a dash where nothing was."""
    measured = figures[~np.isnan(figures)]
    return f"{measured.mean():.2f}" if len(measured) else "-"


def walk_table(walks: list[Walked]) -> str:
    """The straight walk."""
    head = "| walk of 6 m, known | length of the path over the truth's | from end to end | heading error, degrees |"
    rows = [
        f"{walk.known} | {walk.path_ratio:.3f} | {walk.ends_ratio:.3f} | {walk.heading_error:+.1f}" for walk in walks
    ]
    return "\n".join([head, "|---|---|---|---|", *(f"| {row} |" for row in rows)])


def gate_table(gates: list[tuple[str, str, bool]]) -> str:
    """What issue 4 asks and whether it holds."""
    lines = ["| asked | measured (or who fails) | holds |", "|---|---|---|"]
    return "\n".join(
        lines + [f"| {asked} | {found} | {'yes' if holds else '**no**'} |" for asked, found, holds in gates]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
