"""Errors that a person can act on: a stable code, one sentence, one hint and the process's exit status."""


class IkolError(Exception):
    """A failure that the user can do something about.

    Attributes:
        code: stable identifier, sent in the `error` event.
        hint: what to try next, one sentence.
        exit_status: what `python -m solver` exits with.
    """

    code = "internal"
    hint = "Please report this with the solver's log."
    exit_status = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


class BadInput(IkolError):
    """The video, the body file or an option cannot be used."""

    code = "bad_input"
    hint = "Check the file and the options."
    exit_status = 2


class VideoUnreadable(BadInput):
    code = "video_unreadable"
    hint = "Play the file in a video player; if it plays there, convert it to MP4 (H.264) and try again."


class TakeUnreadable(BadInput):
    code = "take_unreadable"
    hint = "Solve the video again, or choose a take written by this version of IKOL."


class SourceUnreadable(BadInput):
    code = "source_unreadable"
    hint = "Choose a file as the tool wrote it, or see docs/in_and_out.md for what can be read."


class BodyUnreadable(BadInput):
    code = "body_unreadable"
    hint = "Choose an SMPL .npz or .pkl file, or use the open body."


class OutputUnwritable(BadInput):
    code = "output_unwritable"
    hint = "Choose another output folder, or free space on this one."


class NoPersonFound(IkolError):
    code = "no_person"
    hint = "Choose a part of the clip where the whole body is visible."
    exit_status = 3


class Cancelled(IkolError):
    code = "cancelled"
    hint = "Press Solve to start again."
    exit_status = 130
