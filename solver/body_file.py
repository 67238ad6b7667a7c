"""Body files: the open body and the user's own SMPL, SMPL-H and SMPL-X files. numpy only; Blender reads this too.

An SMPL .pkl is a pickle, which can run any code when loaded. `read_body` admits numpy arrays, sparse matrices and
chumpy arrays from it and refuses everything else; the last two are rebuilt here, so neither package is needed.

Reference: SMPL (Loper et al., SIGGRAPH Asia 2015), SMPL-X (Pavlakos et al., CVPR 2019) for the arrays' meaning.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import BodyUnreadable

Array = NDArray[Any]

JOINT_NAMES = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_hand", "right_hand",
)  # fmt: skip
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
BETA_COUNT = 10
OPEN_BODY_PATH = Path(__file__).resolve().parent.parent / "addon_assets" / "body" / "open_body.npz"

# Joints of SMPL-H and SMPL-X files after the 22 that all share: where SMPL's two hand joints sit (the middle
# finger's first knuckle), and which joints a body of 24 folds into the head and into each hand.
_HANDS_OF_FILE = {
    52: {"head": (), "left": range(22, 37), "right": range(37, 52), "left_middle": 25, "right_middle": 40},
    55: {"head": (22, 23, 24), "left": range(25, 40), "right": range(40, 55), "left_middle": 28, "right_middle": 43},
}


@dataclass(frozen=True)
class Body:
    """An SMPL-format body of 24 joints. Rest frame: metres, Y up, facing +Z, the body's left along +X.

    Attributes:
        model: "open" or "smpl".
        gender: "neutral", "female" or "male".
        v_template: (V, 3) rest vertices of the mean shape.
        faces: (F, 3) vertex indices.
        shapedirs: (V, 3, 10) displacement per unit of each beta.
        posedirs: (V, 3, 207) displacement per entry of the 23 relative rotations minus identity.
        joint_regressor: (24, V) rows sum to 1.
        weights: (V, 24) skinning weights.
        landmarks: vertex index of each named surface landmark (nose, leye, lear, LHeel, LBigToe ...); may be empty.
        uv: (F, 3, 2) texture coordinates per face corner, or None.
    """

    model: str
    gender: str
    v_template: Array
    faces: Array
    shapedirs: Array
    posedirs: Array
    joint_regressor: Array
    weights: Array
    landmarks: dict[str, int]
    uv: Array | None

    def rest_vertices(self, betas: Array) -> Array:
        """(V, 3) vertices of the rest pose for `betas` (10,)."""
        return self.v_template + self.shapedirs @ np.asarray(betas, np.float64)

    def rest_joints(self, betas: Array) -> Array:
        """(24, 3) joints of the rest pose for `betas` (10,)."""
        return self.joint_regressor @ self.rest_vertices(betas)


def read_body(path_or_name: str | Path) -> Body:
    """Load "open", or an SMPL-format .npz or .pkl file.

    Raises:
        BodyUnreadable: missing, damaged, of an unknown layout, or a pickle that asks for foreign code.
    """
    path = OPEN_BODY_PATH if str(path_or_name) == "open" else Path(path_or_name)
    arrays = _read_arrays(path)
    try:
        return _body_from_arrays(arrays, path)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise BodyUnreadable(f"{path.name} is not an SMPL body: {error}.") from error


def _read_arrays(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BodyUnreadable(f"The body file {path} could not be read: {error.strerror or error}.") from error
    try:
        if data[:2] == b"PK":
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files if stored[name].dtype != object}
        loaded = _BodyUnpickler(io.BytesIO(data), encoding="latin1").load()
    except BodyUnreadable:
        raise
    except Exception as error:  # readers of pickles and zip files raise almost anything of damaged bytes
        raise BodyUnreadable(f"{path.name} is not an SMPL body, or it is damaged.") from error
    if not isinstance(loaded, dict):
        raise BodyUnreadable(f"{path.name} is not an SMPL body: it holds no named arrays.")
    return {str(name): value for name, value in loaded.items()}


def _body_from_arrays(arrays: dict[str, Any], path: Path) -> Body:
    v_template = _dense(arrays["v_template"])
    vertex_count = len(v_template)
    joint_regressor = _dense(arrays["J_regressor"])
    weights = _dense(arrays["weights"])
    parents = _dense(arrays["kintree_table"])[0].astype(np.int64)
    joint_count = len(joint_regressor)
    posedirs = _dense(arrays["posedirs"])
    shapedirs = _dense(arrays["shapedirs"])[:, :, :BETA_COUNT]
    if joint_count in _HANDS_OF_FILE:
        joint_regressor, weights, parents = _fold_to_24_joints(joint_regressor, weights, parents)
    if tuple(parents[1:]) != PARENTS[1:]:
        raise ValueError(f"its {joint_count} joints are not SMPL's")
    if posedirs.shape[0] != vertex_count:  # some exports store (207, 3 V)
        posedirs = posedirs.T.reshape(vertex_count, 3, -1)
    body_posedirs = np.zeros((vertex_count, 3, 207))
    shared = 207 if joint_count == 24 else 21 * 9
    body_posedirs[:, :, :shared] = posedirs[:, :, :shared]
    faces = _dense(arrays["f"]).astype(np.int64)
    return Body(
        model=str(arrays["model"]) if "model" in arrays else "smpl",
        gender=_gender_of(path),
        v_template=v_template,
        faces=faces,
        shapedirs=_require_shape(shapedirs, (vertex_count, 3, BETA_COUNT), "shapedirs"),
        posedirs=body_posedirs,
        joint_regressor=_require_shape(joint_regressor, (24, vertex_count), "J_regressor"),
        weights=_require_shape(weights, (vertex_count, 24), "weights"),
        landmarks=_landmarks_of(arrays),
        uv=_uv_of(arrays, len(faces)),
    )


def _fold_to_24_joints(regressor: Array, weights: Array, parents: Array) -> tuple[Array, Array, Array]:
    """SMPL's 24 joints from the 52 of SMPL-H or the 55 of SMPL-X: fingers move with the hand, jaw with the head."""
    hands: Any = _HANDS_OF_FILE[len(regressor)]
    rows = [*range(22), hands["left_middle"], hands["right_middle"]]
    folded = weights[:, :24].copy()
    folded[:, 15] += weights[:, list(hands["head"])].sum(axis=1)
    folded[:, 22] = weights[:, list(hands["left"])].sum(axis=1)
    folded[:, 23] = weights[:, list(hands["right"])].sum(axis=1)
    return regressor[rows], folded, np.append(parents[:22], (20, 21))


def _dense(value: Any) -> Array:
    array = value.dense() if isinstance(value, (_SparseMatrix, _ChumpyArray)) else np.asarray(value)
    if array.dtype == object:
        raise ValueError("an array of objects")
    return array.astype(np.float64)


def _require_shape(array: Array, shape: tuple[int, ...], name: str) -> Array:
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    return array


def _gender_of(path: Path) -> str:
    stem = path.stem.lower()
    if "female" in stem or stem.endswith("_f"):
        return "female"
    return "male" if "male" in stem or stem.endswith("_m") else "neutral"


def _landmarks_of(arrays: dict[str, Any]) -> dict[str, int]:
    if "landmark_names" not in arrays:
        return {}
    return {str(n): int(v) for n, v in zip(arrays["landmark_names"], arrays["landmark_vertices"], strict=True)}


def _uv_of(arrays: dict[str, Any], face_count: int) -> Array | None:
    if "vt" not in arrays or "ft" not in arrays or len(arrays["ft"]) != face_count:
        return None
    return _dense(arrays["vt"])[_dense(arrays["ft"]).astype(np.int64)]


class _SparseMatrix:
    """Stands in for scipy.sparse's csc and csr matrices: holds their state, gives the dense array."""

    state: dict[str, Any]
    by_column: bool

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state

    def dense(self) -> Array:
        shape: tuple[int, int] = self.state.get("_shape") or self.state["shape"]
        pointers = np.asarray(self.state["indptr"])
        major = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
        out = np.zeros(shape)
        minor = np.asarray(self.state["indices"])
        rows, columns = (minor, major) if self.by_column else (major, minor)
        np.add.at(out, (rows, columns), np.asarray(self.state["data"]))
        return out


class _ColumnMatrix(_SparseMatrix):
    by_column = True


class _RowMatrix(_SparseMatrix):
    by_column = False


class _ChumpyArray:
    """Stands in for chumpy.Ch: its array is the state's `x`."""

    def __init__(self, *_: Any) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state

    def dense(self) -> Array:
        return np.asarray(self.state["x"])


class _ArrayType:
    """Stands for numpy.ndarray as an argument of `_reconstruct`: called itself, it would take bytes for objects."""


def _new_array(_type: object, _shape: object, _code: object) -> Array:
    """The empty array that a pickle then fills; numpy itself checks what it fills it with."""
    return np.empty(0, np.int8)


def _scalar(dtype: Any, data: bytes) -> Any:
    return np.frombuffer(data, dtype)[0]


# By both names of numpy's core, before and since 2.0.
_NUMPY: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayType,
    ("numpy", "dtype"): np.dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _new_array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
}


class _BodyUnpickler(pickle.Unpickler):
    """Admits what an SMPL file needs and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if name in ("csc_matrix", "csc_array") and module.startswith("scipy.sparse"):
            return _ColumnMatrix
        if name in ("csr_matrix", "csr_array") and module.startswith("scipy.sparse"):
            return _RowMatrix
        if (module, name) in (("chumpy.ch", "Ch"), ("chumpy", "Ch")):
            return _ChumpyArray
        if (module, name) in _NUMPY:
            return _NUMPY[module, name]
        if (module, name) in (("_codecs", "encode"), ("copy_reg", "_reconstructor"), ("copyreg", "_reconstructor")):
            return super().find_class(module, name)
        if name == "object" and module in ("builtins", "__builtin__"):
            return object
        raise BodyUnreadable(
            f"The body file asks to run {module}.{name}, which no SMPL file needs; it was not loaded.",
            hint="Use the file as downloaded from the body model's own site.",
        )
