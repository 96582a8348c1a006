"""Tokenizers, the larger part of an encoder in memory: 258 MB of multilingual-e5-small's 405.

Processes that are forked after a tokenizer was kept share it. The session of ONNX Runtime cannot be shared so: its
library starts a thread when it is loaded, and a fork that has lost it never ends.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: By the SHA-256 of their file.
_kept: dict[str, Tokenizer] = {}


def open_tokenizer(file: Path) -> Tokenizer:
    """The tokenizer of a file, without padding and truncation: the kept one, where there is one of the same content.

    Raises a bare Exception where the file cannot be read, as the library does.
    """
    from tokenizers import Tokenizer

    if _kept and (known := _kept.get(_sha256(file))):
        return known
    opened = Tokenizer.from_file(str(file))
    opened.no_padding()
    opened.no_truncation()
    return opened


def keep_tokenizer(file: Path) -> None:
    """Opens the tokenizer of a file for good. Raises as `open_tokenizer`."""
    _kept[_sha256(file)] = open_tokenizer(file)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
