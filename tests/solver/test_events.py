"""The protocol: every event survives the wire; foreign and broken lines do not stop the reader."""

import pytest

from solver import events

EXAMPLES: list[events.Event] = [
    events.Started(version=events.PROTOCOL_VERSION, solver="0.1.0", device="cpu"),
    events.Progress(stage="detect", done=120, total=900, eta_s=14.2),
    events.Progress(stage="solve", done=0, total=1),
    events.Preview(frame=3, landmarks=[[1.0, 2.0, 0.5]]),
    events.Notice(code="focal_assumed", message='日本語 and "quotes"\nand a line break'),
    events.TakeWritten(person=1, path="/a b/'c'/take_p1.npz"),
    events.Failed(code="no_person", message="Nobody.", hint="Look."),
    events.Heartbeat(elapsed_s=1.5),
    events.Done(),
]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.kind)
def test_event_survives_the_wire(event: events.Event) -> None:
    line = events.to_line(event)
    assert "\n" not in line
    assert events.from_line(line) == event


def test_reader_skips_what_it_does_not_know() -> None:
    whole = events.to_line(events.Done())
    lines = ["INFO: Created TensorFlow Lite delegate", "", "[1, 2]", '{"event": "from_the_future"}', whole[:-3], whole]
    assert list(events.read_events(lines)) == [events.Done()]


def test_reader_ignores_new_fields_of_a_known_event() -> None:
    assert events.from_line('{"event": "heartbeat", "elapsed_s": 2.0, "memory_mb": 7}') == events.Heartbeat(2.0)


def test_cancel_command_is_recognised() -> None:
    assert events.is_cancel(events.cancel_line())
    assert not events.is_cancel('{"command": "dance"}')
    assert not events.is_cancel("cancel")


def test_a_focal_length_to_be_estimated_is_asked_for_by_name_unless_one_is_given() -> None:
    asked = events.SolveRequest("clip.mp4", "out", estimate_focal=True).to_arguments()
    assert asked[asked.index("--focal") + 1] == "estimate"
    given = events.SolveRequest("clip.mp4", "out", focal_px=900.0, estimate_focal=True).to_arguments()
    assert given[given.index("--focal") + 1] == "900.0"
