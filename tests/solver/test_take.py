"""The take file: what is written comes back, and what is no take is refused in words."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solver.errors import OutputUnwritable, TakeUnreadable
from solver.take import Camera, Take, read_take, write_take

MOMENTS = 5


@pytest.fixture
def take() -> Take:
    draw = np.random.default_rng(3)
    return Take(
        poses=draw.normal(size=(MOMENTS, 72)).astype(np.float32),
        trans=draw.normal(size=(MOMENTS, 3)).astype(np.float32),
        betas=draw.normal(size=10).astype(np.float32),
        gender="female",
        model="smpl",
        framerate=30000 / 1001,
        timestamps=0.5 + np.arange(MOMENTS) * 1001 / 30000,
        keypoints3d=draw.normal(size=(MOMENTS, 24, 3)).astype(np.float32),
        confidence=draw.uniform(size=(MOMENTS, 24)).astype(np.float32),
        contacts=draw.uniform(size=(MOMENTS, 4)).astype(np.float32),
        landmarks2d=draw.normal(size=(MOMENTS, 33, 3)).astype(np.float32),
        camera=Camera(700.0, (330.0, 171.0), (640, 360), ((1, 0, 0), (0, 0, 1), (0, -1, 0)), (0.1, -4.0, 1.3)),
        meta={"clip": "魚.mp4", "warnings": ["out of sight"]},
    )


def stored_arrays(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def test_comes_back_as_it_was(take: Take, tmp_path: Path) -> None:
    back = read_take(write_take(take, tmp_path / "new folder" / "take_p1.npz"))
    for name in ("poses", "trans", "betas", "timestamps", "keypoints3d", "confidence", "contacts", "landmarks2d"):
        np.testing.assert_array_equal(getattr(back, name), getattr(take, name))
    assert (back.gender, back.model, back.framerate, back.camera) == ("female", "smpl", 30000 / 1001, take.camera)
    assert back.meta == {**take.meta, "format": "1.0"}


def test_amass_tools_find_their_keys(take: Take, tmp_path: Path) -> None:
    arrays = stored_arrays(write_take(take, tmp_path / "take_p1.npz"))
    assert arrays["mocap_framerate"] == arrays["mocap_frame_rate"] == take.framerate
    assert arrays["poses"].shape == (MOMENTS, 72) and arrays["trans"].shape == (MOMENTS, 3)


def test_newer_format_is_refused_and_a_newer_minor_one_read(take: Take, tmp_path: Path) -> None:
    path = write_take(take, tmp_path / "take_p1.npz")
    arrays = stored_arrays(path)
    np.savez(path, **{**arrays, "meta": np.array(json.dumps({"format": "1.7"}))})
    assert len(read_take(path)) == MOMENTS
    np.savez(path, **{**arrays, "meta": np.array(json.dumps({"format": "2.0"}))})
    with pytest.raises(TakeUnreadable, match=r"take format 2\.0.*reads 1\.x"):
        read_take(path)


def test_nothing_is_unpickled(take: Take, tmp_path: Path) -> None:
    path = write_take(take, tmp_path / "take_p1.npz")
    np.savez(path, **{**stored_arrays(path), "poses": np.array([_Trap(tmp_path / "sprung")], object)})
    with pytest.raises(TakeUnreadable, match="is not a take file"):
        read_take(path)
    assert not (tmp_path / "sprung").exists()


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_wrong_shapes_and_values_that_are_no_numbers_are_refused(take: Take, tmp_path: Path) -> None:
    path = write_take(take, tmp_path / "take_p1.npz")
    arrays = stored_arrays(path)
    np.savez(path, **{**arrays, "trans": arrays["trans"][:-1]})
    with pytest.raises(TakeUnreadable, match=r"trans has shape \(4, 3\), expected \(5, 3\)"):
        read_take(path)
    np.savez(path, **{**arrays, "trans": np.full_like(arrays["trans"], np.nan)})
    with pytest.raises(TakeUnreadable, match="not numbers"):
        read_take(path)
    del arrays["betas"]
    np.savez(path, **arrays)
    with pytest.raises(TakeUnreadable, match="lacks a part"):
        read_take(path)


def test_damage_anywhere_in_the_file_is_told_in_words(take: Take, tmp_path: Path) -> None:
    whole = write_take(take, tmp_path / "take_p1.npz").read_bytes()
    damaged = tmp_path / "damaged.npz"
    refused = 0
    for place in range(0, len(whole), 7):
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read_take(damaged)
        except TakeUnreadable:
            refused += 1
    assert refused > 0.8 * len(range(0, len(whole), 7)), "what is not checked, dates and such, is a small part"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"a letter"])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "letter.npz"
    path.write_bytes(content)
    with pytest.raises(TakeUnreadable, match=r"letter\.npz is not a take file"):
        read_take(path)


def test_a_single_array_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(TakeUnreadable, match="is not a take file"):
        read_take(tmp_path / "array.npy")
    with pytest.raises(TakeUnreadable, match="No such file"):
        read_take(tmp_path / "missing.npz")


def test_failed_write_leaves_the_earlier_take_and_nothing_half_written(take: Take, tmp_path: Path) -> None:
    path = write_take(take, tmp_path / "take_p1.npz")
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_take(replace(take, meta={"clip": object()}), path)
    with pytest.raises(AttributeError):
        write_take(replace(take, landmarks2d=None), path)  # type: ignore[arg-type]
    assert path.read_bytes() == before and [entry.name for entry in tmp_path.iterdir()] == ["take_p1.npz"]
    with pytest.raises(OutputUnwritable):
        write_take(take, path / "in a file" / "take_p1.npz")


@pytest.mark.parametrize(
    ("in_point_s", "entrance_s"), [(0.0, 0.5), (0.25, 0.25), (None, 0.0), ("soon", 0.0), (9.0, 0.0)]
)
def test_when_the_person_enters(take: Take, in_point_s: object, entrance_s: float) -> None:
    later = replace(take, timestamps=take.timestamps - take.timestamps[0] + 0.5, meta={"in_point_s": in_point_s})
    assert later.entrance_s == pytest.approx(entrance_s)
