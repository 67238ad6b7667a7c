"""Wrong and hostile files end in one sentence and run nothing, whichever way the pickle is wrapped."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from solver.convert.amass import read_amass
from solver.convert.recognise import read_source
from solver.errors import SourceUnreadable


class Malicious:
    """A pickle of this makes the reader create a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def as_pickle(held: Any, path: Path) -> Path:
    path = path.with_suffix(".pkl")
    path.write_bytes(pickle.dumps({0: {"pose_world": held}}))
    return path


def as_zlib(held: Any, path: Path) -> Path:
    path = path.with_suffix(".pkl")
    path.write_bytes(zlib.compress(pickle.dumps(held)))
    return path


def as_gzip(held: Any, path: Path) -> Path:
    path = path.with_suffix(".pkl")
    path.write_bytes(gzip.compress(pickle.dumps(held)))
    return path


def as_npy(held: Any, path: Path) -> Path:
    path = path.with_suffix(".npy")
    np.save(path, np.array({"pred_rotmat": held}, object), allow_pickle=True)
    return path


def as_npz(held: Any, path: Path) -> Path:
    path = path.with_suffix(".npz")
    np.savez(path, results=np.array({"a.png": held}, object))
    return path


def as_torch(held: Any, path: Path) -> Path:
    path = path.with_suffix(".pt")
    torch.save({"smpl_params_global": held}, path)
    return path


def as_amass(held: Any, path: Path) -> Path:
    path = path.with_suffix(".npz")
    np.savez(path, poses=np.array([held], object), trans=np.zeros((1, 3)))
    return path


@pytest.mark.parametrize("write", [as_pickle, as_zlib, as_gzip, as_npy, as_npz, as_torch, as_amass])
def test_hostile_file_is_refused_and_not_run(tmp_path: Path, write: Callable[[Any, Path], Path]) -> None:
    mark = tmp_path / "ran"
    path = write(Malicious(mark), tmp_path / "motion")
    with pytest.raises(SourceUnreadable) as refused:
        read_source(path)
    assert "not loaded" in str(refused.value)
    assert path.name in str(refused.value)
    assert not mark.exists()


def test_the_hostile_pickle_would_have_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    pickle.loads(as_pickle(Malicious(mark), tmp_path / "motion").read_bytes())
    assert mark.exists()


def test_pickle_cannot_make_an_array_of_objects_over_bytes(tmp_path: Path) -> None:
    """numpy.ndarray((1,), "O", bytes) would take eight bytes of the file for the address of an object."""
    forged = b"cnumpy\nndarray\n((I1\ntS'O'\nS'AAAAAAAA'\ntR."
    path = tmp_path / "forged.pkl"
    path.write_bytes(forged)
    with pytest.raises(SourceUnreadable, match=r"forged\.pkl"):
        read_source(path)


def test_nested_pickle_of_a_joblib_array_of_objects_is_refused_too(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    state = {"shape": (1,), "order": "C", "dtype": np.dtype(object)}
    opening = b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81"
    body = pickle.dumps(state, 2)[2:-1]  # without the protocol's mark and the full stop
    path = tmp_path / "nested.pkl"
    path.write_bytes(opening + body + b"b" + pickle.dumps(Malicious(mark)) + b".")
    with pytest.raises(SourceUnreadable, match="not loaded"):
        read_source(path)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["a.pkl", "a.npz", "a.npy", "a.pt", "a.json", "a.xyz", "0.json"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x80\x04\x95", b"[1, 2]", b"\x78\x9cbroken"])
def test_garbage_is_refused_in_words(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceUnreadable) as refused:
        read_source(path)
    assert str(refused.value).endswith(".")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    for name in ("a.pkl", "a.npz", "a.npy", "a.pt", "1.json"):
        with pytest.raises(SourceUnreadable):
            read_source(tmp_path / name)


def test_another_tools_pickle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps({"motion": np.zeros((3, 263))}))
    with pytest.raises(SourceUnreadable, match="no tool that IKOL knows"):
        read_source(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pose_world": np.zeros((4, 60))},
        {"trans_world": np.zeros((3, 3))},
        {"trans_world": np.full((4, 3), np.nan)},
        {"frame_ids": np.array([0, 1, 1, 2])},
        {"frame_ids": np.array([0, 1, 2, 10**9])},
        {"frame_ids": np.zeros(0)},
        {"pose_world": "text"},
        {"betas": None},
    ],
)
def test_wrong_parts_are_told(tmp_path: Path, wrong: dict[str, Any]) -> None:
    right = {
        "pose_world": np.zeros((4, 72)),
        "trans_world": np.zeros((4, 3)),
        "betas": np.zeros((4, 10)),
        "frame_ids": np.arange(4),
    }
    path = tmp_path / "wham_output.pkl"
    path.write_bytes(pickle.dumps({0: right}))
    assert len(read_source(path)) == 1
    path.write_bytes(pickle.dumps({0: {**right, **wrong}}))
    with pytest.raises(SourceUnreadable):
        read_source(path)


def test_two_frames_do_not_make_a_million(tmp_path: Path) -> None:
    person = {"pose_world": np.zeros((2, 72)), "trans_world": np.zeros((2, 3)), "betas": np.zeros(10)}
    path = tmp_path / "wham_output.pkl"
    path.write_bytes(pickle.dumps({0: {**person, "frame_ids": np.array([0, 999_000])}}))
    with pytest.raises(SourceUnreadable, match="lacks 998,999 between them"):
        read_source(path)


def test_lists_of_lists_of_one_list_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten levels of ten are a few hundred bytes, and ten thousand million numbers."""
    monkeypatch.setattr("solver.convert.pickles._MOST_ITEMS", 100_000)
    held: list[Any] = [0.0] * 10
    for _ in range(9):
        held = [held] * 10
    path = tmp_path / "wham_output.pkl"
    path.write_bytes(pickle.dumps({0: {"pose_world": held}}))
    assert path.stat().st_size < 1000
    with pytest.raises(SourceUnreadable, match=r"wham_output\.pkl: its lists hold more"):
        read_source(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 1e400},
        {"id": None},
        {"Rh": [[1e400, 0, 0]]},
        {"Rh": [[10**400, 0, 0]]},
        {"poses": [["a"]]},
        {"poses": [[[[0]]]]},
        {"Th": {}},
        {"shapes": []},
    ],
)
def test_wrong_numbers_in_json_are_told(tmp_path: Path, wrong: dict[str, Any]) -> None:
    right = {"id": 0, "Rh": [[0, 0, 0]], "Th": [[0, 0, 0]], "poses": [[0] * 72], "shapes": [[0] * 10]}
    path = tmp_path / "000000.json"
    path.write_text(json.dumps([right]))
    assert len(read_source(path)) == 1
    path.write_text(json.dumps([{**right, **wrong}]))
    with pytest.raises(SourceUnreadable):
        read_source(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mocap_framerate": np.array([30.0, 60.0])},
        {"mocap_framerate": "fast"},
        {"mocap_framerate": 0.0},
        {"mocap_framerate": np.inf},
        {"trans": np.zeros((4, 2))},
        {"trans": np.zeros((3, 3))},
        {"poses": np.zeros((4, 10))},
        {"poses": np.zeros(72)},
        {"poses": np.full((4, 72), np.nan)},
        {"betas": np.zeros((2, 2, 2))},
        {"betas": "tall"},
    ],
)
def test_wrong_parts_of_amass_are_told_by_the_reader_that_blender_calls(tmp_path: Path, wrong: dict[str, Any]) -> None:
    right = {"poses": np.zeros((4, 72)), "trans": np.zeros((4, 3)), "betas": np.zeros(10), "mocap_framerate": 30.0}
    path = tmp_path / "walk.npz"
    np.savez(path, **right)
    assert len(read_amass(path)) == 1
    np.savez(path, **{**right, **wrong})
    with pytest.raises(SourceUnreadable):
        read_amass(path)


def test_an_amass_bomb_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solver.convert.amass._LARGEST_BYTES", 2**20)
    path = tmp_path / "walk.npz"
    np.savez_compressed(path, poses=np.zeros((2**12, 72)), trans=np.zeros((2**12, 3)))
    assert path.stat().st_size < 20_000
    with pytest.raises(SourceUnreadable, match="unpacks to more"):
        read_amass(path)


def test_a_bomb_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solver.convert.pickles._LARGEST_BYTES", 2**20)
    data = pickle.dumps(np.zeros(2**18))
    (tmp_path / "bomb.pkl").write_bytes(zlib.compress(data))
    held = io.BytesIO()
    np.save(held, np.zeros(2**18))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("poses.npy", held.getvalue())
    for name in ("bomb.pkl", "bomb.npz"):
        with pytest.raises(SourceUnreadable, match="unpacks to more"):
            read_source(tmp_path / name)
