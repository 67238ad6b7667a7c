"""GVHMR's hmr4d_results.pt.

Reference: GVHMR (Shen et al., SIGGRAPH Asia 2024); its tools/demo/demo.py: torch.save of {smpl_params_global:
{body_pose (T, 63), global_orient (T, 3), transl (T, 3), betas (T, 10)}, smpl_params_incam, K_fullimg}; SMPL-X's
parameters, Y up; the clip is copied to 30 frames a second before it is solved.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .motion import Y_UP, SourceMotion, body_pose, numbers, one_shape

_RATE_HZ = 30.0


def is_gvhmr(content: Any) -> bool:
    """Whether what a file of torch holds is of GVHMR."""
    return isinstance(content, dict) and isinstance(content.get("smpl_params_global"), dict)


def read_gvhmr(content: dict[str, Any]) -> list[SourceMotion]:
    """The one person of the file."""
    stored = content["smpl_params_global"]
    roots, bodies = numbers(stored["global_orient"]), numbers(stored["body_pose"])
    count = len(roots)
    poses = body_pose(np.concatenate([roots.reshape(count, 3), bodies.reshape(count, -1)], axis=1))
    return [
        SourceMotion(
            tool="GVHMR",
            poses=poses,
            shifts=numbers(stored["transl"]).reshape(count, -1),
            frames=np.arange(count),
            betas=one_shape(stored["betas"]),
            axes=Y_UP,
            model="smplx",
            rate_hz=_RATE_HZ,
        )
    ]
