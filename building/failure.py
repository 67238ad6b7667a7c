"""A command of build.py that cannot go on, in words for the person who typed it."""


class BuildFailure(Exception):
    """One sentence about what went wrong and one about what to do.

    Attributes:
        hint: what to try next.
        exit_status: what build.py exits with.
    """

    def __init__(self, message: str, hint: str, exit_status: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_status = exit_status
