"""Where the shared data of this workplace is; tests that need it skip with a reason where it is absent."""

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(os.environ.get("IKOL_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def shared(relative: str) -> Path:
    """The file in the shared data; skips the test where there is none."""
    path = SHARED_DATA / relative
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path
