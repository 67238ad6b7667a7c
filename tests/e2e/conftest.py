"""What the end-to-end tests share: clips, the demo solved once, a real Blender."""

from pathlib import Path

import pytest

from building.environments import blender_environment
from tests.e2e.solving import DEMO_FOLDER, solve


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    return DEMO_FOLDER / "demo.mp4"


@pytest.fixture(scope="session")
def demo_take(demo_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo clip, solved once for all tests as the demo does it."""
    out = tmp_path_factory.mktemp("demo")
    ended = solve(demo_clip, out)
    assert ended.status == 0, ended.stderr
    return out / "take_p1.npz"


@pytest.fixture(scope="session")
def blender_python() -> Path:
    """The Python of the Blender environment."""
    interpreter = blender_environment().interpreter
    if not interpreter.exists():
        pytest.skip("no Blender environment here: run `python3 build.py setup`")
    return interpreter
