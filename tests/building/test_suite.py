"""How a run of all tests ends: one crash in either environment is a failure."""

import pytest

from building.suite import Tally, exit_status_of

PASSED, FAILED = Tally(10, 0, 1, 0), Tally(10, 2, 0, 1)
CRASHED = Tally(0, 0, 0, -11)


@pytest.mark.parametrize(
    ("tallies", "status"),
    [
        ((PASSED, PASSED), 0),
        ((PASSED, FAILED), 1),
        ((PASSED, CRASHED), 139),
        ((CRASHED, PASSED), 139),
        ((FAILED, CRASHED), 1),
        ((Tally(0, 0, 3, 0), Tally(0, 0, 0, 0)), 1),
    ],
)
def test_exit_status(tallies: tuple[Tally, Tally], status: int) -> None:
    assert exit_status_of(tallies) == status
