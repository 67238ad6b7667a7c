"""Installations side by side: the one that failed is the one that is named."""

import sys
from pathlib import Path

import pytest

from building.failure import BuildFailure
from building.installation import Step, run_together


def step(title: str, script: str, folder: Path) -> Step:
    return Step(title, [sys.executable, "-c", script], folder / f"{title}.log")


def test_the_step_that_failed_is_named_and_not_the_one_that_was_stopped_for_it(tmp_path: Path) -> None:
    slow = step("slow", "import time; time.sleep(600)", tmp_path)
    broken = step("broken", "import sys; sys.exit('ERROR: No space left on device')", tmp_path)
    with pytest.raises(BuildFailure, match=r"The broken could not be installed: ERROR: No space left") as caught:
        run_together([slow, broken])
    assert "Free 4 GB" in caught.value.hint


def test_all_that_end_well_are_waited_for(tmp_path: Path) -> None:
    run_together([step(name, f"print('{name} was here')", tmp_path) for name in ("one", "two")])
    assert [(tmp_path / f"{name}.log").read_text() for name in ("one", "two")] == ["one was here\n", "two was here\n"]
