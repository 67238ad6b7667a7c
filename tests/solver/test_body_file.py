"""Reading body files: every layout an SMPL family file comes in, and what is refused."""

import pickle
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from solver.body_file import PARENTS, Body, read_body
from solver.errors import BodyUnreadable

VERTEX_COUNT = 40
HAND_PARENTS = (20, 22, 23, 20, 25, 26, 20, 28, 29, 20, 31, 32, 20, 34, 35)


def smpl_arrays(joint_count: int = 24, beta_count: int = 10) -> dict[str, Any]:
    """A small random body with the layout of an SMPL (24), SMPL-H (52) or SMPL-X (55) file."""
    draw = np.random.default_rng(joint_count)
    parents = PARENTS
    if joint_count > 24:
        first = joint_count - 30
        left = [parent if parent == 20 else parent - 22 + first for parent in HAND_PARENTS]
        right = [21 if parent == 20 else parent + 15 for parent in left]
        parents = (*PARENTS[:22], *([15] * (first - 22)), *left, *right)
    return {
        "v_template": draw.normal(size=(VERTEX_COUNT, 3)),
        "f": draw.integers(0, VERTEX_COUNT, (60, 3)).astype(np.uint32),
        "shapedirs": draw.normal(size=(VERTEX_COUNT, 3, beta_count)),
        "posedirs": draw.normal(size=(VERTEX_COUNT, 3, 9 * (joint_count - 1))),
        "J_regressor": draw.dirichlet(np.ones(VERTEX_COUNT), joint_count),
        "weights": draw.dirichlet(np.ones(joint_count), VERTEX_COUNT),
        "kintree_table": np.array([[2**32 - 1, *parents[1:]], range(joint_count)], np.int64),
    }


def write_npz(arrays: dict[str, Any], path: Path) -> Path:
    np.savez(path, **arrays)
    return path


def write_pickle(arrays: Any, path: Path) -> Path:
    path.write_bytes(pickle.dumps(arrays, protocol=2))
    return path


@pytest.fixture
def chumpy(monkeypatch: pytest.MonkeyPatch) -> Callable[[np.ndarray], Any]:
    """Wraps an array as the chumpy package would, while writing; the package itself is gone when the file is read."""
    module, package = types.ModuleType("chumpy.ch"), types.ModuleType("chumpy")

    class Ch:
        def __init__(self, x: np.ndarray) -> None:
            self.x = x

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    module.Ch = Ch  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "chumpy", package)
    monkeypatch.setitem(sys.modules, "chumpy.ch", module)
    return Ch


def assert_holds(body: Body, arrays: dict[str, Any]) -> None:
    np.testing.assert_array_equal(body.v_template, arrays["v_template"])
    np.testing.assert_array_equal(body.faces, arrays["f"])
    np.testing.assert_array_equal(body.shapedirs, arrays["shapedirs"][:, :, :10])
    np.testing.assert_array_equal(body.posedirs, arrays["posedirs"])
    np.testing.assert_array_equal(body.joint_regressor, arrays["J_regressor"])
    np.testing.assert_array_equal(body.weights, arrays["weights"])


def test_reads_an_npz(tmp_path: Path) -> None:
    arrays = smpl_arrays(beta_count=300)
    body = read_body(write_npz(arrays, tmp_path / "SMPL_FEMALE.npz"))
    assert_holds(body, arrays)
    assert (body.model, body.gender, body.landmarks, body.uv) == ("smpl", "female", {}, None)


def test_reads_posedirs_stored_the_other_way(tmp_path: Path) -> None:
    arrays = smpl_arrays()
    turned = {**arrays, "posedirs": arrays["posedirs"].reshape(-1, 207).T}
    assert_holds(read_body(write_npz(turned, tmp_path / "body.npz")), arrays)


@pytest.mark.parametrize("sparse", [scipy.sparse.csc_matrix, scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_reads_a_pickle_with_chumpy_and_sparse_arrays(
    tmp_path: Path, chumpy: Callable[[np.ndarray], Any], sparse: Callable[[np.ndarray], Any]
) -> None:
    arrays = smpl_arrays()
    regressor = np.where(arrays["J_regressor"] > 0.02, arrays["J_regressor"], 0.0)
    arrays["J_regressor"] = regressor
    stored = {**arrays, "J_regressor": sparse(regressor), "bs_style": "lbs"}
    for name in ("v_template", "shapedirs", "posedirs", "weights"):
        stored[name] = chumpy(arrays[name])
    path = write_pickle(stored, tmp_path / "basicModel_m.pkl")
    for module in ("chumpy", "chumpy.ch"):
        del sys.modules[module]
    body = read_body(path)
    assert_holds(body, arrays)
    assert body.gender == "male"


@pytest.mark.parametrize("joint_count", [52, 55])
def test_folds_hands_and_face(tmp_path: Path, joint_count: int) -> None:
    """Fingers move with the hand and the jaw with the head; the hand joints sit at the middle finger's knuckle."""
    arrays = smpl_arrays(joint_count)
    body = read_body(write_npz(arrays, tmp_path / "body.npz"))
    first = joint_count - 30
    np.testing.assert_allclose(body.weights.sum(axis=1), 1.0)
    np.testing.assert_allclose(body.weights[:, 22], arrays["weights"][:, first : first + 15].sum(axis=1))
    np.testing.assert_allclose(body.weights[:, 23], arrays["weights"][:, first + 15 :].sum(axis=1))
    head = arrays["weights"][:, 15] + arrays["weights"][:, 22:first].sum(axis=1)
    np.testing.assert_allclose(body.weights[:, 15], head)
    np.testing.assert_array_equal(body.joint_regressor[22:], arrays["J_regressor"][[first + 3, first + 18]])
    np.testing.assert_array_equal(body.posedirs[:, :, :189], arrays["posedirs"][:, :, :189])
    assert not body.posedirs[:, :, 189:].any()


class Malicious:
    """A pickle of this asks the reader to make a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


class MaliciousEval(Malicious):
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (f"open({str(self.mark)!r}, 'w')",)


@pytest.mark.parametrize("kind", [Malicious, MaliciousEval])
def test_refuses_foreign_code_and_does_not_run_it(tmp_path: Path, kind: type[Malicious]) -> None:
    mark = tmp_path / "ran"
    path = write_pickle({**smpl_arrays(), "extra": kind(mark)}, tmp_path / "body.pkl")
    with pytest.raises(BodyUnreadable, match="which no SMPL file needs"):
        read_body(path)
    assert not mark.exists()
    pickle.loads(path.read_bytes())
    assert mark.exists(), "the test's own pickle does nothing, so the refusal proves nothing"


def test_takes_no_bytes_of_a_file_for_objects(tmp_path: Path) -> None:
    """numpy.ndarray((1,), "O", bytes) would take eight bytes of the file for the address of an object."""
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(b"cnumpy\nndarray\n((I1\ntS'O'\nC\x08AAAAAAAAtR.")
    with pytest.raises(BodyUnreadable, match="damaged"):
        read_body(path)


def test_refuses_an_npz_of_pickled_objects(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    held = np.array([Malicious(mark)], dtype=object)
    path = write_npz({**smpl_arrays(), "v_template": held}, tmp_path / "body.npz")
    with pytest.raises(BodyUnreadable):
        read_body(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content", [b"", b"not a body", b"PK\x03\x04 broken", pickle.dumps([1, 2, 3]), pickle.dumps({"v_template": 3})]
)
def test_refuses_garbage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "body.pkl"
    path.write_bytes(content)
    with pytest.raises(BodyUnreadable, match=r"body\.pkl"):
        read_body(path)


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BodyUnreadable, match="could not be read"):
        read_body(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("name", ["v_template", "J_regressor", "weights", "kintree_table", "posedirs"])
def test_refuses_a_file_that_lacks_an_array(tmp_path: Path, name: str) -> None:
    arrays = smpl_arrays()
    del arrays[name]
    with pytest.raises(BodyUnreadable, match=name):
        read_body(write_npz(arrays, tmp_path / "body.npz"))


def test_refuses_another_skeleton(tmp_path: Path) -> None:
    arrays = smpl_arrays()
    arrays["kintree_table"][0, 5] = 0
    with pytest.raises(BodyUnreadable, match="not SMPL's"):
        read_body(write_npz(arrays, tmp_path / "body.npz"))


def test_open_body_says_that_it_is_open() -> None:
    body = read_body("open")
    assert (body.model, body.gender) == ("open", "neutral")
    assert len(body.landmarks) == 21
