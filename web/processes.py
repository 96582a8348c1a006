"""Several server processes behind one port, and the one that starts them, keeps them up and ends them.

They are forked before anything is opened: what was loaded by then lies once in memory. The one that looks after them
has one thread and answers nobody: it accepts connections and hands them out in turn. Left to themselves, whoever
happens to run when many come takes all of them, and connections last.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from web import logs
from web.listening import TAKEN, WAITING, Door, door, hand

if TYPE_CHECKING:
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
#: Connections that are handed out before anything else is looked at.
_AT_ONCE = 64
_LONGEST_READ = 4096
#: What is told to whoever accepts a connection and has no room for it: it waits on, and comes again.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
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
    door: Door
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
    door: socket.socket
    began: float
    handed: deque[socket.socket] = field(default_factory=deque)
    accepts: bool = False
    serves: bool = False
    silent_s: float = 0.0

    def lives(self) -> None:
        """It has said so; the first time, that it takes connections."""
        self.accepts = self.accepts or not self.serves
        self.serves, self.silent_s = True, 0.0

    def taken(self) -> list[socket.socket]:
        """Lets go of the connections that it has taken; those that it will not take, for others.

        It had no room for them; or its door is closed, and it `accepts` no more.
        """
        back: list[socket.socket] = []
        with suppress(BlockingIOError):
            try:
                while said := self.door.recv(_LONGEST_READ):
                    for of_one in said:
                        connection = self.handed.popleft()
                        if of_one == TAKEN[0]:
                            connection.close()
                        else:
                            back.append(connection)
            except ConnectionError:
                pass
            self.accepts = False
            back += self.handed
            self.handed.clear()
        return back

    def close(self) -> None:
        os.close(self.signs)
        for each in (self.door, *self.handed):
            each.close()


@dataclass(slots=True)
class _Place:
    """What one process after another stands in; `due` is when the next one is started."""

    process: _Process | None = None
    starts: int = 0
    pause_s: float = 0.0
    due: float = 0.0


def split(settings: Settings, number: int, listening: Sequence[socket.socket]) -> Member:
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

    try:
        folder = snapshots_folder(settings.data) / current_id(settings.data)
        for file in folder.glob(f"encoders/*/{TOKENIZER_FILE}"):
            keep_tokenizer(file)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a damaged file has the library panic; what is wrong the first process tells
        _log.debug("no tokenizer is shared: %s", error)


class _Keeper:
    def __init__(self, settings: Settings, number: int, listening: Sequence[socket.socket]) -> None:
        self._listening, self._opened, self._turn = tuple(listening), False, 0
        self._back: deque[socket.socket] = deque()  # to be given away again
        self._full = False  # too many files are open to accept a connection
        self._code, self._ending = 0, False
        self._places = {n: _Place() for n in range(1, number + 1)}
        self._folder = Path(tempfile.mkdtemp(prefix="firstline-"))
        handler = logs.Unhurried()
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
        try:
            signs, says = os.pipe()
            try:
                outer, inner = door()
            except OSError:
                os.close(signs)
                os.close(says)
                raise
        except OSError as error:
            self._not_started(number, place, error)
            return None
        os.set_blocking(signs, False)
        os.set_blocking(says, False)
        parent, first = os.getpid(), number == 1 and not place.starts
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
            if not pid:
                os.close(signs)
                outer.close()
                self._become_a_server()
                return Member(number, len(self._places), parent, self._folder, first, inner, says)
        except OSError as error:
            os.close(signs)
            outer.close()
            self._not_started(number, place, error)
            return None
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            if os.getpid() == parent:
                os.close(says)
                inner.close()
        place.process, place.starts = _Process(pid, signs, outer, time.monotonic()), place.starts + 1
        return None

    def _not_started(self, number: int, place: _Place, error: OSError) -> None:
        """Has it be tried again later: there are too many processes or open files, or there is no memory."""
        if not self._serving():
            raise error
        _log.error("process %d cannot be started: %s", number, error.strerror)
        place.due = time.monotonic() + _LONGEST_PAUSE_S

    def _become_a_server(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl+C all hear; who looks after all passes it on
        for end in (self._woken, self._wake):
            os.close(end)
        for each in (*self._listening, *self._back):
            each.close()
        for place in self._places.values():
            if place.process:
                place.process.close()

    # --- looking after them ------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        """Until a signal, a sign of life or a connection comes, or it is time to look."""
        places = self._places.values()
        running = {place.process.signs: place.process for place in places if place.process}
        open_doors = {process.door.fileno(): process for process in running.values() if process.accepts}
        ports = {bound.fileno(): bound for bound in self._listening} if open_doors and not self._back else {}
        if self._full:  # who comes is readable at once, again and again
            ports, self._full = {}, False
        soon = [place.due - time.monotonic() for place in places if not place.process]
        if self._ending or not self._may_start():
            soon = []
        poll = select.poll()  # select knows no file of a number above 1023
        for end in (self._woken, *running, *open_doors, *ports):
            poll.register(end, select.POLLIN)
        for end, _ in poll.poll(1000 * max(0.0, min([_SIGN_EVERY_S, *soon]))):
            if end in ports:
                self._hand_out(ports[end])
            elif end in open_doors:
                self._back += open_doors[end].taken()
            elif end == self._woken:
                if {signal.SIGTERM, signal.SIGINT} & set(os.read(end, _LONGEST_READ)):
                    self._end()
            elif os.read(end, _LONGEST_READ):
                running[end].lives()
                self._open()
        if self._ending and not any(place.process and place.process.accepts for place in places):
            self._close()
        for _ in range(len(self._back)):
            self._give(self._back.popleft())

    # --- connections -------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Has connections come, from when the first process serves."""
        if self._opened:
            return
        self._opened = True
        try:
            for bound in self._listening:
                bound.setblocking(False)
                bound.listen(WAITING)
        except OSError as error:  # another server was bound to it too, and listened first
            _log.error("cannot listen on the port: %s; another server took it while this one started", error.strerror)
            self._code = 1
            self._close()
            self._end()

    def _close(self) -> None:
        for each in (*self._listening, *self._back):
            each.close()
        self._listening = ()
        self._back.clear()

    def _hand_out(self, bound: socket.socket) -> None:
        """Gives away the connections that have come."""
        for _ in range(_AT_ONCE):
            try:
                connection = bound.accept()[0]
            except OSError as error:  # all are taken, or one that came is gone again
                self._full = error.errno in _NO_ROOM
                return
            self._give(connection)

    def _give(self, connection: socket.socket) -> None:
        """Gives a connection to the process that has taken most of what it was given, else to the next in turn."""
        serving = [place.process for place in self._places.values() if place.process and place.process.accepts]
        self._turn += 1
        turns = (serving[(self._turn + n) % len(serving)] for n in range(len(serving)))
        for process in sorted(turns, key=lambda each: len(each.handed)):
            if hand(connection, process.door):
                process.handed.append(connection)  # until it is taken
                return
        self._back.append(connection)

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
                        self._back += place.process.taken()
                        place.process.close()
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
        for place in self._places.values():
            if place.process:
                with suppress(ProcessLookupError):
                    os.kill(place.process.pid, signal.SIGTERM)

    def _leave(self) -> NoReturn:
        shutil.rmtree(self._folder, ignore_errors=True)
        sys.exit(self._code)
