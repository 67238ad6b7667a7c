"""Files of other tools that are pickles inside, read without running anything of them.

A pickle can run any code when loaded. The reader here rebuilds arrays, tensors and plain containers by functions of its
own and refuses every other name, so that a hostile file ends in a sentence.

Formats: pickle; joblib (joblib/numpy_pickle.py: an array's bytes follow the pickled NumpyArrayWrapper, after one byte
with the length of a padding when the wrapper has an alignment; the whole may be compressed); numpy's .npy and .npz of
objects (NEP 1: a header, then a pickle); torch.save, read by torch's own `weights_only` reader.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import pickle
import zipfile
import zlib
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceUnreadable

Array = NDArray[Any]

# More than any of these tools writes of one clip; a file that unpacks to more is made to fill the memory.
_LARGEST_BYTES = 4 * 2**30
_MOST_ITEMS = 50_000_000


def read_pickle(path: Path) -> Any:
    """What a .pkl of pickle or joblib holds: arrays, numbers, text, lists and dicts.

    Raises:
        SourceUnreadable: missing, damaged, too large, or it asks for foreign code.
    """
    return _guarded(path, lambda data: _load(io.BytesIO(_unpacked(data))))


def read_npy(path: Path) -> Any:
    """What a .npy holds; a saved dict comes back as a dict.

    Raises:
        SourceUnreadable: as `read_pickle`.
    """
    return _guarded(path, lambda data: _load_npy(io.BytesIO(data)))


def read_npz(path: Path) -> dict[str, Any]:
    """What a .npz holds, by name; saved dicts come back as dicts.

    Raises:
        SourceUnreadable: as `read_pickle`.
    """

    def load(data: bytes) -> dict[str, Any]:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST_BYTES:
                raise _too_large()
            return {name.removesuffix(".npy"): _load_npy(io.BytesIO(archive.read(name))) for name in archive.namelist()}

    return _guarded(path, load)


def read_torch(path: Path) -> Any:
    """What a file of torch.save holds, tensors as arrays.

    Raises:
        SourceUnreadable: as `read_pickle`.
    """
    import torch  # takes seconds, and only files of torch need it

    def load(data: bytes) -> Any:
        try:
            return plain(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))
        except pickle.UnpicklingError as error:
            raise SourceUnreadable(
                "The file is damaged, or asks to run code that no motion needs; it was not loaded.",
                hint="Use the file as the tool wrote it.",
            ) from error

    return _guarded(path, load)


def plain(value: Any) -> Any:
    """`value` with arrays in place of stand-ins and tensors, through dicts, lists and arrays of objects.

    Raises:
        SourceUnreadable: lists hold more than a motion does; a list that holds another ten times over, which holds
            another ten times over, needs few bytes in a file.
    """
    return _plain(value, [_MOST_ITEMS])


def _plain(value: Any, left: list[int]) -> Any:
    """`left` holds the one number of items that may still be met."""
    left[0] -= 1
    if left[0] < 0:
        raise SourceUnreadable("its lists hold more than a motion does.", hint="Use the file as the tool wrote it.")
    if isinstance(value, _JoblibArray):
        return _plain(value.array, left)
    if isinstance(value, dict):
        return {key: _plain(held, left) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(held, left) for held in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), left) if value.dtype == object else value
    if type(value).__module__ == "torch" and hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    return value


def _guarded(path: Path, load: Callable[[bytes], Any]) -> Any:
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise SourceUnreadable(f"{path} could not be read: {error.strerror or error}.") from error
    except SourceUnreadable as error:
        raise SourceUnreadable(f"{path.name}: {error.message}", error.hint) from error
    except Exception as error:  # readers of pickles and archives raise almost anything of damaged bytes
        raise SourceUnreadable(f"{path.name} is damaged, or not what its name says.") from error


def _unpacked(data: bytes) -> bytes:
    """The bytes of the pickle, whichever way joblib compressed them."""
    if data.startswith((b"\x1f\x8b", b"BZ", b"\xfd7zXZ", b"\x5d\x00")):
        with _opened(data) as stream:
            found = stream.read(_LARGEST_BYTES + 1)
    elif data.startswith(b"\x78"):
        found = zlib.decompressobj().decompress(data, _LARGEST_BYTES + 1)
    else:
        return data
    if len(found) > _LARGEST_BYTES:
        raise _too_large()
    return found


def _opened(data: bytes) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    held = io.BytesIO(data)
    if data.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=held)
    return bz2.BZ2File(held) if data.startswith(b"BZ") else lzma.LZMAFile(held)


def _too_large() -> SourceUnreadable:
    return SourceUnreadable("it unpacks to more than 4 GB.", hint="Save the motion alone, without images or meshes.")


def _load(stream: io.BytesIO) -> Any:
    return plain(_SourceUnpickler(stream).load())


def _load_npy(stream: io.BytesIO) -> Any:
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
    _, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject:
        return _load(stream)
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


class _JoblibArray:
    """Stands in for joblib's NumpyArrayWrapper: reads its array from `stream`, where unpickling stands."""

    stream: io.BytesIO
    array: Array

    def __setstate__(self, state: dict[str, Any]) -> None:
        dtype = np.dtype(state["dtype"])
        if dtype.hasobject:
            self.array = np.asarray(_SourceUnpickler(self.stream).load(), dtype=object)
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self.stream.read(self.stream.read(1)[0])
        shape = tuple(int(size) for size in state["shape"])
        data = self.stream.read(math.prod(shape) * dtype.itemsize)
        flat = np.frombuffer(data, dtype)
        self.array = flat.reshape(shape[::-1]).T if state["order"] == "F" else flat.reshape(shape)


class _ArrayType:
    """Stands for numpy.ndarray as an argument of `_reconstruct`; nothing can be made of it."""


def _new_array(_type: object, _shape: object, _code: object) -> Array:
    """The empty array that a pickle then fills; numpy itself checks what it fills it with."""
    return np.empty(0, np.int8)


def _array_from_buffer(buffer: bytes, dtype: Any, shape: Any, order: str) -> Array:
    return np.frombuffer(buffer, dtype).reshape(shape, order="F" if order == "F" else "C")


def _scalar(dtype: Any, data: Any = b"") -> Any:
    return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, dtype)[0]


def _latin1(text: str, _encoding: str = "latin1") -> bytes:
    """How pickles before protocol 3 carry bytes."""
    return text.encode("latin1")


def _storage(data: bytes) -> Any:
    import torch

    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> Any:
    import torch._utils  # what torch's own weights_only reader calls

    return torch._utils._rebuild_tensor_v2(storage, offset, size, stride, False, OrderedDict())  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage, reportUnknownMemberType]


_CORES = ("numpy.core", "numpy._core")
_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayType,
    ("numpy", "dtype"): np.dtype,
    **{(f"{core}.multiarray", "_reconstruct"): _new_array for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): _scalar for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): _array_from_buffer for core in _CORES},
    ("_codecs", "encode"): _latin1,
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    **{(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in (dict, list, set, tuple)},
}


class _SourceUnpickler(pickle.Unpickler):
    """Admits what a motion needs and nothing else."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, encoding="latin1")
        # The C unpickler reads no further than it must, so a wrapper finds its array's bytes where it stands.
        self._wrapper = type("_JoblibArrayHere", (_JoblibArray,), {"stream": stream})

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return self._wrapper
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise SourceUnreadable(
                f"it asks to run {module}.{name}, which no motion needs; it was not loaded.",
                hint="Use the file as the tool wrote it.",
            ) from None
