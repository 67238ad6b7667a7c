"""Which device the solver computes on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch

from .errors import BadInput


def choose_device(name: str) -> torch.device:
    """The torch device for "auto", "cpu", "cuda" or "mps".

    Raises:
        BadInput: the device asked for is not on this machine.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, usable in available.items() if usable))
    if not available.get(name, False):
        raise BadInput(f'This machine has no usable "{name}" device.', hint='Choose "auto" or "cpu" as the device.')
    return torch.device(name)


@contextmanager
def one_thread() -> Generator[None]:
    """Torch on one CPU thread while the block runs.

    IKOL's matrices are small: threads cost more than they bring, and far more on a busy machine.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
