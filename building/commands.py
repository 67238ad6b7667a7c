"""What each command of build.py does; every function returns the exit status."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable

from .demo import make_demo
from .environments import ROOT, benchmark_environment, blender_environment, ensure, solver_environment
from .extension_zip import build_zip
from .failure import BuildFailure
from .suite import run_tests


def _demo(options: argparse.Namespace) -> int:
    ensure([solver_environment(tools=False), blender_environment()])
    return make_demo(options.video)


def _test(options: argparse.Namespace) -> int:
    return run_tests(every_blender=options.every_blender)


def _setup(options: argparse.Namespace) -> int:
    ensure([solver_environment(tools=True), blender_environment()])
    print("Both environments are ready: .venv and .venv-blender-4.5")
    return 0


def _zip(options: argparse.Namespace) -> int:
    ensure([blender_environment()])
    path = build_zip()
    print(f"Built and validated {path.relative_to(ROOT)} ({path.stat().st_size / 1e6:.0f} MB)")
    return 0


def _assets(options: argparse.Namespace) -> int:
    solver, blender = solver_environment(tools=True), blender_environment()
    ensure([solver, blender])
    _run([solver.interpreter, "addon_assets/body/make_open_body.py"])
    _run([solver.interpreter, "addon_assets/demo/write_truth.py"])
    _run([blender.interpreter, "addon_assets/demo/render_demo.py"])
    return 0


def _bench(options: argparse.Namespace) -> int:
    environment = benchmark_environment()
    known = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("_"))
    if options.name and options.name not in known:
        raise BuildFailure(f"There is no benchmark {options.name}.", f"Choose one of: {', '.join(known)}.", 2)
    ensure([environment])
    for name in [options.name] if options.name else known:
        print(f"== {name}", flush=True)
        _run([environment.interpreter, f"benchmarks/{name}.py"])
    return 0


def _run(command: list[object]) -> None:
    """Run one of the checkout's own scripts where people can see what it says."""
    line = [str(part) for part in command]
    status = subprocess.call(line, cwd=ROOT)
    if status != 0:
        raise BuildFailure(f"{line[1]} ended with status {status}.", "Its own words are above.", status)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": _demo,
    "test": _test,
    "setup": _setup,
    "zip": _zip,
    "assets": _assets,
    "bench": _bench,
}
