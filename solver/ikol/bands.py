"""The block-banded normal matrix of a clip and the block Cholesky sweep that solves it, linear in the frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .chain import UNKNOWNS

SPAN = 3  # frames that a term takes in at most
REACH = SPAN - 1  # frames after it that a frame couples with


@dataclass(frozen=True)
class Bands:
    """A symmetric matrix whose frames couple with the two after them.

    Attributes:
        columns: (T + 2, 3 * 75, 75) lower half by block columns: a frame's own block over those that couple it to
            the next two frames. The last two columns, and what reaches into them, are room for the sweep.
    """

    columns: Tensor

    @classmethod
    def zeros(cls, count: int, like: Tensor) -> Bands:
        """For `count` frames, with the type and device of `like`."""
        return cls(like.new_zeros(count + REACH, SPAN * UNKNOWNS, UNKNOWNS))

    def block(self, ahead: int) -> Tensor:
        """View (T - ahead, 75, 75): row block t + `ahead`, column block t."""
        count = len(self.columns) - REACH - ahead
        return self.columns[:count, ahead * UNKNOWNS : (ahead + 1) * UNKNOWNS]

    def part(self, frames: slice) -> Bands:
        """View of the matrix of some of the frames.

        What couples them to the frames after them is still there, in the sweep's room: it never comes back from there.
        """
        return Bands(self.columns[frames.start : frames.stop + REACH])


@dataclass(frozen=True)
class BandFactor:
    """The matrix as L D L^T by blocks, L with identities on its diagonal.

    Attributes:
        inverses: (T, 75, 75) inverses of D's blocks.
        reach: (T, 150, 75) L's blocks from each frame to the next two.
    """

    inverses: Tensor
    reach: Tensor

    def solve(self, right: Tensor) -> Tensor:
        """x (T, 75) with H x = right (T, 75): one sweep forward, one back."""
        count, room = len(right), right.new_zeros(REACH * UNKNOWNS)
        forward = torch.cat((right.flatten(), room))
        own, ahead = _cut(forward, count)
        for vector, reach, beyond in zip(own, self.reach.unbind(0), ahead, strict=True):
            beyond.addmv_(reach, vector, alpha=-1)
        scaled = (self.inverses @ forward[: count * UNKNOWNS].view(count, UNKNOWNS, 1)).flatten()
        back = torch.cat((scaled, room))
        own, ahead = _cut(back, count)
        reaches = self.reach.mT.unbind(0)
        for t in reversed(range(count)):
            own[t].addmv_(reaches[t], ahead[t], alpha=-1)
        return back[: count * UNKNOWNS].view_as(right)


def _cut(vector: Tensor, count: int) -> tuple[list[Tensor], list[Tensor]]:
    """Views of each frame's part (75) and of the two parts after it (150)."""
    own = vector[: count * UNKNOWNS].view(count, UNKNOWNS).unbind(0)
    ahead = vector[UNKNOWNS:].unfold(0, REACH * UNKNOWNS, UNKNOWNS).unbind(0)
    return list(own), list(ahead[:count])


def factor_bands(bands: Bands, damping: float) -> BandFactor | None:
    """Factor `bands` with `damping` on the diagonal, in their place.

    None where that is not positive definite in this precision.
    """
    bands.block(0).diagonal(dim1=1, dim2=2).add_(damping)
    columns = bands.columns
    heads, belows = columns[:, :-UNKNOWNS].unbind(0), columns[:, UNKNOWNS:].unbind(0)
    owns, nears, fars = (columns[:, d * UNKNOWNS : (d + 1) * UNKNOWNS].unbind(0) for d in range(SPAN))
    reach = columns.new_empty(REACH * UNKNOWNS, UNKNOWNS)
    far_reach = reach[UNKNOWNS:]
    failures = list[Tensor]()
    for t in range(len(columns) - REACH):
        lower, failure = torch.linalg.cholesky_ex(owns[t])
        failures.append(failure)
        torch.cholesky_inverse(lower, out=owns[t])
        torch.mm(belows[t], owns[t], out=reach)
        heads[t + 1].addmm_(reach, nears[t].mT, alpha=-1)
        owns[t + 2].addmm_(far_reach, fars[t].mT, alpha=-1)
        belows[t].copy_(reach)
    if bool(torch.stack(failures).any()):
        return None
    return BandFactor(columns[:-REACH, :UNKNOWNS], columns[:-REACH, UNKNOWNS:])
