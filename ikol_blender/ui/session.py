"""The solve and the installation that run, one of each at most.

Blender gives an add-on no object that lives exactly as long as it is enabled, so this module holds the one there is.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..contract import IkolError
from ..runtime.installation import Installation
from ..runtime.job import SolveJob

_END_SECONDS = 3.0


@dataclass
class Session:
    """Attributes:
    job: the solve that runs, or the last one, for the panel to show how it ended.
    installation: likewise.
    """

    job: SolveJob | None = None
    installation: Installation | None = None

    @property
    def is_solving(self) -> bool:
        return self.job is not None and not self.job.status.ended

    @property
    def is_installing(self) -> bool:
        return self.installation is not None and not self.installation.ended

    def require_idle(self) -> None:
        """Raises:
        IkolError: a solve or an installation runs.
        """
        if self.is_solving:
            raise IkolError("A solve is running.", hint="Wait for it, or press Cancel.")
        if self.is_installing:
            raise IkolError("The solver is being installed.", hint="Wait for it, or press Cancel.")

    def end(self) -> None:
        """Stop what runs, and forget it: the extension is being disabled, Blender quits, or another file is opened."""
        if self.job is not None and self.is_solving:
            self.job.process.kill()
            self.job.process.wait(_END_SECONDS)
        if self.installation is not None and self.is_installing:
            self.installation.cancel()
            self.installation.wait(_END_SECONDS)
        self.job = self.installation = None


SESSION = Session()
