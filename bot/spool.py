"""Keeps on this machine's disk what the database does not take at the moment, and delivers it later, once.

DATA/spool/<server>-<number>.jsonl   entries that wait, one a line: CRC-32 of the rest, then JSON
DATA/spool/given-up.jsonl, refused.jsonl   what nobody could store: `bot.aside`

A server locks its files (`flock`) for as long as it lives; those of one that was killed are taken over by the next
that looks. Delivering twice does no harm: a question is known by its id and an outcome by its key, so a file is
removed only after all of it was delivered, and who dies before that delivers it again.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from bot.aside import Aside, Why, private
from bot.errors import EntryRefused, QuestionUnknown, StoreUnavailable
from bot.models import Outcome, RecordedQuestion

_log = logging.getLogger(__name__)

#: What may wait in all, in bytes, of all servers over one data folder: about 200,000 questions. Questions are refused
#: from three quarters of it on, so that there is room for what people said of answers.
LIMIT = 256_000_000
_FOR_QUESTIONS = 0.75
#: How many of the questions that wait can be looked up here.
_REMEMBERED = 20_000
#: How many questions are written to the database at once.
_AT_ONCE = 500
#: For how long an outcome is tried whose question is nowhere, in seconds: it may wait in the spool of another server.
_LOOKED_FOR_S = 3600.0

_Told = tuple[Outcome, datetime]
Entry = RecordedQuestion | _Told


@dataclass
class _File:
    """A file of the spool that this server has locked; `entries` counts what it holds."""

    path: Path
    file: IO[bytes]
    entries: int = 0
    #: Outcomes of it whose question was not found; None before the first delivery.
    waits: list[_Told] | None = None
    since: float = field(default_factory=time.monotonic)


class Spool:
    """Entries that wait, in files of `folder`. `sync` has the disk keep a file; both it and `new_id` are seams."""

    def __init__(
        self,
        folder: Path,
        new_id: Callable[[], str],
        *,
        limit: int = LIMIT,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        self._folder, self._owner, self._limit, self._sync = folder, new_id(), limit, sync
        self.new_id = new_id
        self.aside = Aside(folder, sync)
        self._lock = threading.Lock()
        self._delivering = threading.Lock()
        self._number = 0
        self._written: _File | None = None
        self._sealed: list[_File] = []
        self._questions: OrderedDict[str, RecordedQuestion] = OrderedDict()
        self._bytes, self._measured = 0, 0.0
        self.refused = 0

    @property
    def depth(self) -> int:
        """How many entries of this server wait."""
        with self._lock:
            files = [*self._sealed, *([self._written] if self._written else [])]
            return sum(file.entries if file.waits is None else len(file.waits) for file in files)

    @property
    def waiting(self) -> bool:
        """Whether questions may wait, on any server over this data folder.

        Not those outcomes whose question was looked for already: they would let in others like them without end.
        """
        with self._lock:
            passed = {file.path.name for file in self._sealed if file.waits is not None}
        left = (path for path in self._folder.glob("*.jsonl") if not self.aside.holds(path))
        return any(path.name not in passed for path in left)

    def question(self, question_id: str) -> RecordedQuestion | None:
        """A question that waits here; one of the last 20,000."""
        return self._questions.get(question_id)

    def put(self, entries: Sequence[Entry]) -> None:
        """Keeps entries: outcomes are on the disk when this returns, questions within the next look.

        Raises StoreUnavailable where there is no room, or the disk does not take them; then none is kept.
        """
        sure = any(not isinstance(entry, RecordedQuestion) for entry in entries)
        lines = b"".join(_line(entry) for entry in entries)
        with self._lock:
            try:
                self._check_room(len(lines), sure=sure)
                self._append(lines, len(entries), sure=sure)
            except StoreUnavailable:
                self.refused += len(entries)
                raise
            except OSError as error:
                self.refused += len(entries)
                raise StoreUnavailable(f"{self._folder} cannot be written: {error.strerror}.") from error
            for entry in entries:
                if isinstance(entry, RecordedQuestion):
                    self._questions[entry.id] = entry
            while len(self._questions) > _REMEMBERED:
                self._questions.popitem(last=False)

    def _check_room(self, more: int, *, sure: bool) -> None:
        if (now := time.monotonic()) >= self._measured + 1:  # other servers write into the folder too
            self._bytes, self._measured = _size(self._folder), now
        allowed = self._limit if sure else self._limit * _FOR_QUESTIONS
        if self._bytes + more > allowed:
            raise StoreUnavailable(
                f"{self._folder} holds {self._bytes:,} bytes that wait for the database; it is full."
            )

    def _append(self, lines: bytes, count: int, *, sure: bool) -> None:
        if self._written is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._number += 1
            path = self._folder / f"{self._owner}-{self._number}.jsonl"
            self._written = _File(path, _locked_file(path))
            _sync_folder(self._folder)
        file: IO[bytes] = self._written.file
        end = file.tell()
        try:
            if file.write(lines) != len(lines):
                raise OSError(28, "No space left on device")
            if sure:
                self._sync(file.fileno())
        except OSError:
            with suppress(OSError):  # half a line is no line: without it, the next would be none either
                file.truncate(end)
                file.seek(end)
            raise
        self._written.entries += count
        self._bytes += len(lines)

    def flush(self) -> None:
        """Has the disk keep the questions too."""
        with self._lock:
            if self._written:
                with suppress(OSError):
                    self._sync(self._written.file.fileno())

    def deliver(
        self, questions: Callable[[Sequence[RecordedQuestion]], None], outcome: Callable[[Outcome, datetime], None]
    ) -> int:
        """Gives everything that waits to these two, in order, that of killed servers too; how much was delivered.

        What is raised as QuestionUnknown is tried again later, what as EntryRefused is set aside. Raises
        StoreUnavailable; the rest waits on.
        """
        self.flush()
        with self._delivering:
            self._seal()
            done = 0
            for file in list(self._sealed):
                done += self._deliver(file, questions, outcome)
            return done

    def _seal(self) -> None:
        with self._lock:
            if self._written:
                self._sealed.append(self._written)
                self._written = None
            known = {file.path for file in self._sealed}
        if self._folder.is_dir():
            for path in sorted(self._folder.glob("*.jsonl")):
                if path not in known and not self.aside.holds(path) and (left := _take_over(path)):
                    with self._lock:
                        self._sealed.append(left)

    def _deliver(
        self,
        file: _File,
        questions: Callable[[Sequence[RecordedQuestion]], None],
        outcome: Callable[[Outcome, datetime], None],
    ) -> int:
        done, waits, refused = 0, list[_Told](), list[bytes]()
        try:
            for group in _groups(_read(file.path, refused) if file.waits is None else iter(file.waits)):
                if isinstance(group, list):
                    left = _refused(questions, group)
                    refused += map(_line, left)
                    done += len(group) - len(left)
                    for question in group:
                        self._questions.pop(question.id, None)
                    continue
                try:
                    outcome(*group)
                    done += 1
                except QuestionUnknown:
                    waits.append(group)
                except EntryRefused as error:
                    _log.error("an outcome is set aside: %s", error)
                    refused.append(_line(group))
        finally:
            self._set_aside(refused)
        given_up = waits and time.monotonic() - file.since > _LOOKED_FOR_S
        if given_up:
            self._keep_aside("given-up", map(_line, waits))
            _log.error("%d outcomes are of questions that are nowhere; see %s", len(waits), self.aside.file("given-up"))
        with self._lock:
            if waits and not given_up:
                file.waits = waits
            else:
                file.path.unlink(missing_ok=True)
                file.file.close()
                self._sealed.remove(file)
                self._measured = 0.0
        return done

    def _set_aside(self, refused: Sequence[bytes]) -> None:
        if refused:
            self._keep_aside("refused", refused)
            where = self.aside.file("refused")
            _log.error("%d events cannot be stored, and are kept in %s; the others go on", len(refused), where)

    def _keep_aside(self, why: Why, lines: Iterable[bytes]) -> None:
        """Raises StoreUnavailable where the disk does not take them: then they wait on where they are."""
        try:
            self.aside.keep(why, lines)
        except OSError as error:
            raise StoreUnavailable(f"{self.aside.file(why)} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        """Has the disk keep everything, and leaves it to whoever starts next."""
        self.flush()
        with self._lock:
            for file in [*self._sealed, *([self._written] if self._written else [])]:
                file.file.close()
            self._sealed, self._written = [], None


# --- lines and files ----------------------------------------------------------------------------------------------


def _line(entry: Entry) -> bytes:
    if isinstance(entry, RecordedQuestion):
        values: dict[str, Any] = {"kind": "question", **asdict(entry), "at": entry.at.isoformat()}
    else:
        values = {"kind": "outcome", **asdict(entry[0]), "at": entry[1].isoformat()}
    text = json.dumps(values, ensure_ascii=False).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _read(path: Path, refused: list[bytes]) -> Iterator[Entry]:
    """The entries of a file; a line that was cut off or is damaged was never acknowledged, or the disk lost it.

    What is whole and no entry, since another version wrote it, is added to `refused`.
    """
    try:
        lines = path.open("rb")
    except FileNotFoundError:  # somebody took it away, who has it then
        _log.error("%s is gone; what it held is not delivered from here", path)
        return
    with lines:
        for line in lines:
            check, _, text = line.rstrip(b"\n").partition(b" ")
            if not line.endswith(b"\n") or check != b"%08x" % zlib.crc32(text):
                _log.error("%s holds a line that is damaged; it is passed over", path)
                continue
            try:
                entry = _entry(json.loads(text))
            except (ValueError, TypeError, KeyError) as error:
                _log.error("%s holds an entry that this version does not know (%s)", path, type(error).__name__)
                refused.append(line)
            else:
                yield entry


def _entry(values: dict[str, Any]) -> Entry:
    kind, at = values.pop("kind"), datetime.fromisoformat(values.pop("at"))
    if kind != "question":
        return Outcome(**values), at
    lists = {name: tuple(values[name]) for name in ("shown", "further")}
    return RecordedQuestion(**{**values, **lists, "at": at})


def _refused(
    questions: Callable[[Sequence[RecordedQuestion]], None], group: Sequence[RecordedQuestion]
) -> list[RecordedQuestion]:
    """Gives a group away; those of it that are refused for what they hold, and by halves all others."""
    try:
        questions(group)
    except EntryRefused as error:
        if len(group) == 1:
            _log.error("a question is set aside: %s", error)
            return [*group]
        half = len(group) // 2
        return _refused(questions, group[:half]) + _refused(questions, group[half:])
    return []


def _groups(entries: Iterator[Entry]) -> Iterator[list[RecordedQuestion] | _Told]:
    """The same in the same order, questions that follow each other together."""
    group: list[RecordedQuestion] = []
    for entry in entries:
        if isinstance(entry, RecordedQuestion) and len(group) < _AT_ONCE:
            group.append(entry)
            continue
        if group:
            yield group
        group = [entry] if isinstance(entry, RecordedQuestion) else []
        if not isinstance(entry, RecordedQuestion):
            yield entry
    if group:
        yield group


def _locked_file(path: Path) -> IO[bytes]:
    """A new file, locked before it has its name: without a lock another server would take it over."""
    beside = path.with_suffix(".new")
    file = cast(IO[bytes], open(beside, "xb", buffering=0, opener=private))  # noqa: SIM115 - kept open
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        beside.rename(path)
    except OSError:
        file.close()
        beside.unlink(missing_ok=True)
        raise
    return file


def _take_over(path: Path) -> _File | None:
    """A file that a killed server left; None where its server lives, or another one was quicker."""
    try:
        file = path.open("rb")
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(file.fileno()).st_ino:  # else it was delivered and removed meanwhile
            return _File(path, file, sum(1 for _ in file))
    except OSError:
        pass
    file.close()
    return None


def _size(folder: Path) -> int:
    total = 0
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(OSError):
                total += path.stat().st_size
    return total


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
