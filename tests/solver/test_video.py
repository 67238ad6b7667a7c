"""Real files, really decoded: times, rotation, in and out points, and every way a file can disappoint."""

import struct
import threading
import wave
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from solver.errors import BadInput, VideoUnreadable
from solver.video import probe_video, read_frames, uniform_rate, uniform_times

SIZE = (160, 96)


def shade_of(index: int) -> int:
    """Grey level of a frame; survives compression well enough to tell neighbours apart."""
    return 20 + 7 * (index % 30)


def write_clip(path: Path, milliseconds: list[int], size: tuple[int, int] = SIZE) -> Path:
    """H.264 with B-frames, each frame a grey of its own, presented at the given moments."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(1000, 33))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.options = {"bf": "2", "crf": "10"}
        for index, moment in enumerate(milliseconds):
            picture = np.full((size[1], size[0], 3), shade_of(index), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = moment, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn_in_place(path: Path) -> None:
    """Say in the track header, as a phone does, that the picture is to be shown a quarter turn clockwise."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    data[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, SIZE[1] * one, 0, 1 << 30)
    path.write_bytes(data)


@pytest.fixture
def steady(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "steady.mp4", [40 * index for index in range(30)])


def test_times_and_order_of_a_clip_with_b_frames(steady: Path):
    frames = list(read_frames(steady))
    np.testing.assert_allclose([frame.time_s for frame in frames], 0.04 * np.arange(30), atol=1e-3)
    shades = [float(frame.rgb.mean()) for frame in frames]
    np.testing.assert_allclose(shades, [shade_of(index) for index in range(30)], atol=3)


def test_in_and_out_points_are_exact(steady: Path):
    frames = list(read_frames(steady, 0.4, 0.6))
    np.testing.assert_allclose([frame.time_s for frame in frames], (0.4, 0.44, 0.48, 0.52, 0.56, 0.6), atol=1e-3)
    assert frames[0].rgb.mean() == pytest.approx(shade_of(10), abs=3)


def test_an_in_point_far_into_a_long_clip_is_exact(tmp_path: Path):
    path = write_clip(tmp_path / "long.mp4", [100 * index for index in range(33)] + [3300 + 100 * i for i in range(60)])
    frames = list(read_frames(path, 5.0, 5.35))
    np.testing.assert_allclose([frame.time_s for frame in frames], (5.0, 5.1, 5.2, 5.3), atol=1e-3)


def test_variable_rate_keeps_its_true_times(tmp_path: Path):
    moments = [0, 33, 66, 100, 400, 433, 466, 500, 533, 566]
    path = write_clip(tmp_path / "variable.mp4", moments)
    times = np.array([frame.time_s for frame in read_frames(path)])
    np.testing.assert_allclose(times, np.array(moments) / 1e3, atol=1e-3)
    assert uniform_rate(times) == pytest.approx(30, rel=0.01)
    base = uniform_times(times, 30.0)
    assert base[0] == 0
    assert base[-1] == pytest.approx(0.566, abs=1 / 30)
    np.testing.assert_allclose(np.diff(base), 1 / 30)


def test_a_clip_whose_first_frame_is_not_at_zero_starts_at_zero(tmp_path: Path):
    path = write_clip(tmp_path / "late.mp4", [500 + 40 * index for index in range(8)])
    times = [frame.time_s for frame in read_frames(path)]
    np.testing.assert_allclose(times, 0.04 * np.arange(8), atol=1e-3)


def test_a_phones_rotation_is_obeyed(tmp_path: Path):
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
        picture[:, : SIZE[0] // 2] = 200  # the sensor's left half is bright
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    turn_in_place(path)
    assert probe_video(path).image_size == (SIZE[1], SIZE[0])
    upright = next(iter(read_frames(path))).rgb
    assert upright.shape == (SIZE[0], SIZE[1], 3)
    half = SIZE[0] // 2
    assert upright[:half].mean() > 150  # turned clockwise, the sensor's left is the picture's top
    assert upright[half:].mean() < 50


@pytest.mark.parametrize("size", [(160, 120), (3840, 2160)])
def test_small_and_large_pictures(tmp_path: Path, size: tuple[int, int]):
    path = write_clip(tmp_path / "sized.mp4", [0, 40, 80], size)
    assert probe_video(path).image_size == size
    assert [frame.rgb.shape for frame in read_frames(path)] == [(size[1], size[0], 3)] * 3


def test_standard_rates_are_named_exactly():
    assert uniform_rate(np.arange(100) * 1001 / 30000) == 30000 / 1001
    assert uniform_rate(np.round(np.arange(300) / 30, 3)) == 30.0
    assert uniform_rate(np.arange(65) / 5) == 5.0
    assert uniform_rate(np.arange(100) / 24) == 24.0
    assert uniform_rate(np.arange(100) * 1001 / 24000) == 24000 / 1001
    assert uniform_rate(np.array([0.0])) == 30.0


def test_a_reader_that_stops_early_leaves_no_thread(steady: Path):
    before = threading.active_count()
    frames = read_frames(steady)
    next(frames)
    assert threading.active_count() == before + 1
    frames.close()
    assert threading.active_count() == before


def test_a_consumer_that_raises_leaves_no_thread(steady: Path):
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), closing(read_frames(steady)) as frames:
        for index, _ in enumerate(frames):
            1 / (3 - index)
    assert threading.active_count() == before


def test_a_path_with_spaces_quotes_japanese_and_percent(tmp_path: Path, steady: Path):
    path = tmp_path / "my \"clip\" 'of' 日本 %03d.mp4"
    path.write_bytes(steady.read_bytes())
    assert len(list(read_frames(path))) == 30


def test_files_that_are_no_videos_are_refused_in_words(tmp_path: Path):
    missing, text, empty, sound = (tmp_path / f"{name}.mp4" for name in ("missing", "text", "empty", "sound"))
    text.write_text("This is not a film. " * 100)
    empty.write_bytes(b"")
    with wave.open(str(sound), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(8000)
        stream.writeframes(bytes(16000))
    for path in (missing, text, empty, sound, tmp_path):
        with pytest.raises(VideoUnreadable) as caught:
            probe_video(path)
        assert path.name in caught.value.message
        assert caught.value.hint.endswith(".")
    with pytest.raises(VideoUnreadable):
        next(read_frames(text))


def test_a_film_cut_off_in_its_first_frame_is_refused(tmp_path: Path, steady: Path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(steady.read_bytes()[:200])
    with pytest.raises(VideoUnreadable):
        probe_video(cut)


class Pipe:
    """Somewhere to write that cannot be wound back, so that the container cannot note its length at the front."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, data: bytes) -> int:
        self.written += data
        return len(data)


@pytest.mark.parametrize(("kind", "codec"), [("webm", "libvpx"), ("h264", "libx264")])
def test_a_file_that_states_no_length_has_one_and_in_points(tmp_path: Path, kind: str, codec: str):
    pipe = Pipe()
    with av.open(pipe, "w", format=kind, options={"live": "1"} if kind == "webm" else {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for index in range(100):
            picture = np.full((SIZE[1], SIZE[0], 3), shade_of(index), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    path = tmp_path / f"recorder.{kind}"
    path.write_bytes(pipe.written)
    assert probe_video(path).duration_s == pytest.approx(4.0, abs=0.1)
    frames = list(read_frames(path, 3.2, 3.36))
    np.testing.assert_allclose([frame.time_s for frame in frames], 3.2 + 0.04 * np.arange(5), atol=2e-3)
    assert frames[0].rgb.mean() == pytest.approx(shade_of(80), abs=4)


def test_opencv_and_ffmpeg_keep_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / "text.mp4"
    path.write_text("This is not a film. " * 100)
    with pytest.raises(VideoUnreadable):
        probe_video(path)
    assert capfd.readouterr().err == ""


def test_an_in_point_after_the_end_is_refused(steady: Path):
    with pytest.raises(BadInput, match="no frame between"):
        list(read_frames(steady, 50.0, 60.0))


def test_frames_come_in_rgb(tmp_path: Path):
    path = tmp_path / "red.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, SIZE)
    for _ in range(3):
        writer.write(np.full((SIZE[1], SIZE[0], 3), (0, 0, 220), np.uint8))  # BGR: red
    writer.release()
    red, green, blue = next(iter(read_frames(path))).rgb.reshape(-1, 3).mean(axis=0)
    assert red > 180 > 60 > max(green, blue)
