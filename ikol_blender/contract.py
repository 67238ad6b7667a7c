"""What Blender and the solver share: the only door from `ikol_blender` to `solver`."""

from pathlib import Path

from ..solver.body_file import JOINT_NAMES, PARENTS, Body, read_body
from ..solver.convert.amass import is_amass, read_amass
from ..solver.convert.place import to_takes
from ..solver.convert.rotations import axis_angles_of, matrices_of
from ..solver.errors import (
    BadInput,
    Cancelled,
    IkolError,
    NoPersonFound,
    OutputUnwritable,
    SourceUnreadable,
    VideoUnreadable,
)
from ..solver.events import (
    CANCEL_GRACE_SECONDS,
    DETECTORS,
    DEVICES,
    Done,
    Event,
    Failed,
    Heartbeat,
    Notice,
    Preview,
    Progress,
    SolveRequest,
    Started,
    TakeWritten,
    cancel_line,
    from_line,
    to_line,
)
from ..solver.take import Camera, Take, read_take, write_take

# The folder that holds `solver/`: `python -m solver` runs from here.
SOLVER_HOME = Path(__file__).resolve().parent.parent
SOLVER_REQUIREMENTS = SOLVER_HOME / "solver" / "requirements.txt"

__all__ = [
    "CANCEL_GRACE_SECONDS",
    "DETECTORS",
    "DEVICES",
    "JOINT_NAMES",
    "PARENTS",
    "SOLVER_HOME",
    "SOLVER_REQUIREMENTS",
    "BadInput",
    "Body",
    "Camera",
    "Cancelled",
    "Done",
    "Event",
    "Failed",
    "Heartbeat",
    "IkolError",
    "NoPersonFound",
    "Notice",
    "OutputUnwritable",
    "Preview",
    "Progress",
    "SolveRequest",
    "SourceUnreadable",
    "Started",
    "Take",
    "TakeWritten",
    "VideoUnreadable",
    "axis_angles_of",
    "cancel_line",
    "from_line",
    "is_amass",
    "matrices_of",
    "read_amass",
    "read_body",
    "read_take",
    "to_line",
    "to_takes",
    "write_take",
]
