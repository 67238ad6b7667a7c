"""Which tool wrote a file: by what is in it, not by its name."""

from __future__ import annotations

from pathlib import Path

from ..errors import SourceUnreadable
from .amass import is_amass, read_amass
from .easymocap import read_easymocap
from .gvhmr import is_gvhmr, read_gvhmr
from .humans4d import is_humans4d, read_humans4d
from .motion import SourceMotion
from .pickles import read_npy, read_npz, read_pickle, read_torch
from .prompthmr import is_prompthmr, read_prompthmr
from .romp import is_romp, read_romp
from .tram import is_tram, read_tram
from .wham import is_wham, read_wham

_KINDS = "AMASS .npz, WHAM, 4D-Humans or PromptHMR .pkl, GVHMR .pt, TRAM .npy, ROMP .npz or EasyMocap .json"


def read_source(path: Path) -> list[SourceMotion]:
    """The people in the file at `path`, or in the EasyMocap folder.

    Raises:
        SourceUnreadable: missing, damaged, of no tool that is known, or it asks for foreign code.
    """
    try:
        return _read(path)
    except MemoryError as error:
        raise SourceUnreadable(f"{path.name} holds more than this machine's memory takes.") from error
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        # A known tool's file with a part missing, or of another kind or shape than the tool writes.
        raise SourceUnreadable(f"{path.name} is not as its tool writes it: {error}.") from error


def _read(path: Path) -> list[SourceMotion]:
    if path.is_dir() or path.suffix.lower() == ".json":
        return read_easymocap(path)
    match path.suffix.lower():
        case ".npz":
            return _read_npz(path)
        case ".npy":
            content = read_npy(path)
            if is_tram(content):
                return read_tram(content, path)
        case ".pt" | ".pth":
            content = read_torch(path)
            if is_gvhmr(content):
                return read_gvhmr(content)
        case ".pkl" | ".pickle":
            content = read_pickle(path)
            for fits, read in (
                (is_wham, read_wham),
                (is_humans4d, read_humans4d),
                (is_prompthmr, read_prompthmr),
            ):
                if fits(content):
                    return read(content)
        case _:
            pass
    raise SourceUnreadable(f"{path.name} is of no tool that IKOL knows.", hint=f"It reads {_KINDS}.")


def _read_npz(path: Path) -> list[SourceMotion]:
    content = read_npz(path)
    if is_romp(content):
        return read_romp(content)
    if is_amass(set(content)):
        return read_amass(path)
    raise SourceUnreadable(f"{path.name} holds no motion of AMASS or ROMP.", hint=f"IKOL reads {_KINDS}.")
