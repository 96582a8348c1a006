"""Entries of the spool that nobody could store, in files beside it, for a person to look at.

DATA/spool/given-up.jsonl   outcomes of questions that are nowhere
DATA/spool/refused.jsonl    what the database refuses for what it holds

Their lines are those of the spool: a file that is renamed to another name (`again.jsonl`) is delivered again. Several
servers write here, and erasing removes lines: whoever changes a file holds the lock of DATA/spool/.aside.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

Why = Literal["given-up", "refused"]
WHYS: tuple[Why, ...] = get_args(Why)


def private(path: str, flags: int) -> int:
    """Opens a file that nobody else on the machine may read: it holds what people typed. An `opener` of `open`."""
    return os.open(path, flags, 0o600)


class Aside:
    """What was set aside in the spool of a data folder. `sync` has the disk keep a file. Methods raise OSError."""

    def __init__(self, folder: Path, sync: Callable[[int], None] = os.fsync) -> None:
        self._folder, self._sync = folder, sync
        #: How many entries were set aside by this process.
        self.kept: dict[Why, int] = dict.fromkeys(WHYS, 0)

    def file(self, why: Why) -> Path:
        return self._folder / f"{why}.jsonl"

    def holds(self, path: Path) -> bool:
        """Whether a file of the spool's folder is one of these."""
        return path.stem in WHYS

    def keep(self, why: Why, lines: Iterable[bytes]) -> None:
        """Adds lines, those that are not there already: what is delivered again is refused again."""
        lines = list(lines)
        if not lines:
            return
        with self._locked():
            known = self._lines(why)
            there = set(known)
            new = [line for line in dict.fromkeys(lines) if line not in there]
            with open(self.file(why), "ab", opener=private) as kept:
                if known and not known[-1].endswith(b"\n"):  # cut off when a server was killed
                    kept.write(b"\n")
                kept.writelines(new)
                kept.flush()
                self._sync(kept.fileno())
        self.kept[why] += len(new)

    def forget(self, question_ids: Iterable[str], sessions: Iterable[str] = ()) -> int:
        """Removes what names these questions, or was asked in these sessions; how many lines."""
        words = [question_id.encode() for question_id in question_ids]
        words += [f'"session": {json.dumps(session, ensure_ascii=False)}'.encode() for session in sessions]
        if not words or not any(self.file(why).is_file() for why in WHYS):
            return 0
        gone = 0
        with self._locked():
            for why in WHYS:
                lines = self._lines(why)
                left = [line for line in lines if not any(word in line for word in words)]
                if len(left) < len(lines):
                    beside = self.file(why).with_suffix(".new")
                    with open(beside, "wb", opener=private) as file:
                        file.write(b"".join(left))
                    beside.replace(self.file(why))
                gone += len(lines) - len(left)
        return gone

    def counts(self) -> dict[Why, int]:
        """How many entries lie in each file."""
        return {why: len(self._lines(why)) for why in WHYS}

    def _lines(self, why: Why) -> list[bytes]:
        return self.file(why).read_bytes().splitlines(keepends=True) if self.file(why).is_file() else []

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / ".aside").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield  # closing the file gives the lock back
