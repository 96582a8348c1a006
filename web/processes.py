"""Several server processes behind one port, and the one that starts them, keeps them up and ends them.

It is forked before it opens anything: what it has loaded by then lies once in memory, it has one thread, and it answers
nobody. The port is its own, so that connections wait while a process that died is replaced.
"""

from __future__ import annotations

import logging
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from web import logs

if TYPE_CHECKING:
    from web.listening import Listening
    from web.settings import Settings

_log = logging.getLogger(__name__)

#: A process that says nothing for so long hangs. One that ends says nothing for up to 40 s (docs/faults.md).
SILENT_S = 60.0
#: From one sign of life to the next.
_SIGN_EVERY_S = 1.0
#: Before the second start of a process that fails again and again; doubled for each one after that.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
#: Who served so long had started well.
_SERVED_S = 60.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


@dataclass(frozen=True, slots=True)
class Member:
    """What one of several processes knows of itself: it is the one with this `number`, from 1, of `of`.

    `folder` is for sockets on which they talk with each other; nobody else can open it.
    """

    number: int
    of: int
    parent: int
    folder: Path
    first: bool
    _signs: int = field(repr=False)

    @property
    def others(self) -> tuple[int, ...]:
        """The numbers of the other ones."""
        return tuple(number for number in range(1, self.of + 1) if number != self.number)

    def sign(self) -> None:
        """Tells the one that looks after this process that it lives; the first time, that it serves."""
        with suppress(OSError):  # it does not look, or is gone
            os.write(self._signs, b".")

    @property
    def alone(self) -> bool:
        """Whether nobody looks after this process any more."""
        return os.getppid() != self.parent


@dataclass(slots=True)
class _Process:
    pid: int
    signs: int
    began: float
    serves: bool = False
    silent_s: float = 0.0


@dataclass(slots=True)
class _Place:
    """What one process after another stands in; `due` is when the next one is started."""

    process: _Process | None = None
    starts: int = 0
    pause_s: float = 0.0
    due: float = 0.0


def split(settings: Settings, number: int, listening: Sequence[Listening]) -> Member:
    """Starts `number` processes and returns in each of them, also in those that take the place of one that died.

    In the process it was called in it never returns: that one exits with 0 once it was told to end and all have
    ended, else with the code of the one that could not start.
    """
    _load(settings)
    return _Keeper(settings, number, listening).keep()


def _load(settings: Settings) -> None:
    """Loads what all have in common, so that it lies once in memory. Nothing here may start a thread."""
    from kb.embedding import TOKENIZER_FILE
    from kb.snapshot import current_id, snapshots_folder
    from kb.tokenizer import keep_tokenizer
    from web import apis, app, zendesk  # noqa: F401
    from web.pages import routes  # noqa: F401

    with suppress(Exception):  # what is wrong with a snapshot the first process tells
        folder = snapshots_folder(settings.data) / current_id(settings.data)
        for file in folder.glob(f"encoders/*/{TOKENIZER_FILE}"):
            keep_tokenizer(file)


class _Keeper:
    def __init__(self, settings: Settings, number: int, listening: Sequence[Listening]) -> None:
        self._listening, self._code, self._ending = listening, 0, False
        self._places = {n: _Place() for n in range(1, number + 1)}
        self._folder = Path(tempfile.mkdtemp(prefix="firstline-"))
        handler = logging.StreamHandler()
        handler.setFormatter(logs.formatter(settings.log_format, settings.secrets))
        logging.getLogger().addHandler(handler)
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number_of in _SIGNALS:  # they wake the loop, which reads what they were
            signal.signal(number_of, lambda _number, _frame: None)

    def keep(self) -> Member:
        began = time.monotonic()
        while True:
            self._bury()
            if not any(place.process for place in self._places.values()) and self._ending:
                self._leave()
            if not self._ending and (member := self._start_due()):
                return member
            self._wait()
            now = time.monotonic()
            # No more than two signs late a look: where all was stopped for a while, nobody was silent.
            self._watch(min(now - began, 2 * _SIGN_EVERY_S))
            began = now

    # --- starting ----------------------------------------------------------------------------------------------------

    def _may_start(self) -> bool:
        """One alone until one serves: it makes the tables, and tells of a fault once."""
        return self._serving() or not any(place.process for place in self._places.values())

    def _start_due(self) -> Member | None:
        for number, place in self._places.items():
            due = place.process is None and place.due <= time.monotonic()
            if due and self._may_start() and (member := self._start(number, place)):
                return member
        return None

    def _start(self, number: int, place: _Place) -> Member | None:
        """The new process in itself, None in the one that looks after it."""
        signs, says = os.pipe()
        os.set_blocking(signs, False)
        os.set_blocking(says, False)
        parent, first = os.getpid(), number == 1 and not place.starts
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
            if not pid:
                self._become_a_server(signs)
                return Member(number, len(self._places), parent, self._folder, first, says)
        except OSError as error:  # too many processes, or no memory
            os.close(signs)
            if not self._serving():
                raise
            _log.error("process %d cannot be started: %s", number, error.strerror)
            place.due = time.monotonic() + _LONGEST_PAUSE_S
            return None
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            if os.getpid() == parent:
                os.close(says)
        place.process, place.starts = _Process(pid, signs, time.monotonic()), place.starts + 1
        return None

    def _become_a_server(self, signs: int) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl+C all hear; who looks after all passes it on
        kept = [place.process.signs for place in self._places.values() if place.process]
        for end in (self._woken, self._wake, signs, *kept):
            os.close(end)

    # --- looking after them ------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        """Until a signal or a sign of life comes, or it is time to look."""
        places = self._places.values()
        running = {place.process.signs: place.process for place in places if place.process}
        soon = [place.due - time.monotonic() for place in places if not place.process]
        if self._ending or not self._may_start():
            soon = []
        readable = select.select([self._woken, *running], [], [], max(0.0, min([_SIGN_EVERY_S, *soon])))[0]
        for end in readable:
            said = os.read(end, 4096)
            if end == self._woken:
                for _ in {signal.SIGTERM, signal.SIGINT} & set(said):
                    self._end()
            elif said:
                running[end].serves, running[end].silent_s = True, 0.0

    def _watch(self, seconds: float) -> None:
        for number, place in self._places.items():
            process = place.process
            if process is None or not process.serves:
                continue
            process.silent_s += seconds
            if process.silent_s > SILENT_S and not self._ending:
                _log.error("process %d (%d) has hung for %d s and is killed", number, process.pid, SILENT_S)
                os.kill(process.pid, signal.SIGKILL)
                process.silent_s = 0.0

    def _serving(self) -> bool:
        return any(place.process and place.process.serves for place in self._places.values())

    def _bury(self) -> None:
        """Takes note of all processes that have ended; some may be of others, which this one inherits as the first."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                for number, place in self._places.items():
                    if place.process and place.process.pid == ended[0]:
                        os.close(place.process.signs)
                        process, place.process = place.process, None
                        self._ended(number, place, process, os.waitstatus_to_exitcode(ended[1]))

    def _ended(self, number: int, place: _Place, process: _Process, code: int) -> None:
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        if self._ending:
            if code and not (code == -signal.SIGTERM and not process.serves):
                _log.error("process %d (%d) %s", number, process.pid, how)
                self._code = self._code or 1
            return
        if not process.serves and not self._serving():
            _log.error("no process can be started: the last one %s; see above", how)
            self._code = code if code > 0 else 1
            self._end()
            return
        served = time.monotonic() - process.began
        fine = process.serves and served > _SERVED_S
        place.pause_s = 0.0 if fine or place.starts == 1 else min(_LONGEST_PAUSE_S, 2 * place.pause_s or _FIRST_PAUSE_S)
        place.due = time.monotonic() + place.pause_s
        again = f"in {place.pause_s:.0f} s" if place.pause_s else "at once"
        _log.warning("process %d (%d) %s after %d s; another one starts %s", number, process.pid, how, served, again)

    # --- ending ------------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """Has all end, each as it does alone; told again, they are told again."""
        self._ending = True
        for bound in self._listening:  # theirs are closed when they take no more
            bound.close()
        for place in self._places.values():
            if place.process:
                with suppress(ProcessLookupError):
                    os.kill(place.process.pid, signal.SIGTERM)

    def _leave(self) -> NoReturn:
        shutil.rmtree(self._folder, ignore_errors=True)
        sys.exit(self._code)
