"""Named arrays in one file, which is looked into where it lies: opening it reads none of them.

The file begins with the length of a line of JSON (8 bytes, little-endian) and that line, {name: [dtype, shape, first
byte]}; the arrays follow, each on a multiple of 64 bytes. NumPy's own .npz can only be read as a whole.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.errors import SnapshotDamaged

_ALIGNED = 64
_LENGTH = 8


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes the arrays; memory is needed for none of them."""
    at = 0
    places: dict[str, tuple[str, list[int], int]] = {}
    for name, array in arrays.items():
        places[name] = (array.dtype.str, list(array.shape), at)
        at = _aligned(at + array.nbytes)
    head = json.dumps(places).encode()
    start = _aligned(_LENGTH + len(head))
    with path.open("wb") as file:
        file.write(len(head).to_bytes(_LENGTH, "little") + head)
        for name, array in arrays.items():
            file.seek(start + places[name][2])
            np.ascontiguousarray(array).tofile(file)
        file.truncate(max(file.tell(), start))


def read(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Views into the file, by name; they cannot be written to. Raises SnapshotDamaged where it is no such file.

    It also is damaged where it lacks one of `names`.
    """
    try:
        held = mapped(path)
        length = int.from_bytes(held[:_LENGTH], "little")
        places = json.loads(held[_LENGTH : _LENGTH + length])
        start = _aligned(_LENGTH + length)
        found = {name: _view(held, start + at, dtype, shape) for name, (dtype, shape, at) in places.items()}
        if missing := [name for name in names if name not in found]:
            raise ValueError(f"it has no {', '.join(missing)}")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SnapshotDamaged(f"{path} holds no arrays: {error}. Build the snapshot again.") from error
    return found


def mapped(path: Path) -> mmap.mmap | bytes:
    """The content of a file, of which only what is looked at is read; it stays when the file is removed."""
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:  # nothing cannot be mapped
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _view(held: mmap.mmap | bytes, at: int, dtype: str, shape: list[int]) -> NDArray[Any]:
    count = int(np.prod(shape, dtype=np.int64))
    if count == 0:
        return np.empty(shape, np.dtype(dtype))
    return np.frombuffer(held, np.dtype(dtype), count, at).reshape(shape)


def _aligned(at: int) -> int:
    return -(-at // _ALIGNED) * _ALIGNED
