"""What the server writes about itself: lines of text or of JSON, with the id of the request each belongs to.

A line never holds a secret of the settings or an e-mail address, and nothing in it can look like a line of its own.
"""

from __future__ import annotations

import atexit
import json
import logging
import queue
import re
import select
import sys
import threading
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Literal, TextIO

from web import request_id

Format = Literal["plain", "json"]

#: As many lines wait for whoever reads the log; further ones are dropped and counted. A pipe that nobody empties must
#: not stop the answers.
_WAITING = 10_000
#: How long the end of the process waits for the last lines to be read, in seconds.
_FAREWELL_S = 1.0
#: Shorter ones would be found in any text.
_SHORTEST_SECRET = 6
_MASKED = "***"
#: What is a secret or an address wherever it stands: API tokens, keys of webhooks, e-mail addresses.
_ALWAYS = r"\bfl_[\w-]{8,}|\bwhsec_[\w+/=-]+|[\w.+'%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
#: Characters that end a line, move the cursor or hide what follows.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def formatter(form: Format, secrets: Collection[str] = (), process: int = 0) -> logging.Formatter:
    """Makes lines of one form; `process` is the number that each names, where several processes write, else 0."""
    return (Json if form == "json" else Plain)(secrets, process)


def start(form: Format, secrets: Collection[str] = (), stream: TextIO | None = None, *, process: int = 0) -> Lines:
    """Has all logging of this process, that of uvicorn too, go to `stream` (stderr) in one form from now on."""
    lines = Lines(formatter(form, secrets, process), stream or sys.stderr)
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(lines)
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").propagate = False  # we write one line a request ourselves
    return lines


class Lines(logging.Handler):
    """Writes in a thread of its own, so that no request waits for a disk or a pipe."""

    def __init__(self, formatter: logging.Formatter, stream: TextIO) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.dropped = 0
        self._stream = stream
        self._queue: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._queue.put_nowait(self.format(record))
        except queue.Full:
            self.dropped += 1
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Writes what waits, for at most a second."""
        atexit.unregister(self.close)
        if self._thread.is_alive():
            try:
                self._queue.put(None, timeout=_FAREWELL_S)
            except queue.Full:
                return
            self._thread.join(_FAREWELL_S)
        super().close()

    def _write(self) -> None:
        while (line := self._queue.get()) is not None:
            try:
                self._stream.write(line + "\n")
                if self._queue.empty():
                    self._stream.flush()
            except (OSError, ValueError):  # closed, or a full disk: there is nowhere to tell it
                self.dropped += 1


class Unhurried(logging.StreamHandler[TextIO]):
    """Writes to stderr at once, without a thread; a line that nobody would read in time is dropped."""

    def emit(self, record: logging.LogRecord) -> None:
        poll = select.poll()
        try:
            poll.register(self.stream, select.POLLOUT)
        except (OSError, TypeError, ValueError):  # no file: there is nothing to wait for
            pass
        else:
            if not poll.poll(0):
                return
        super().emit(record)


class _Masking(logging.Formatter):
    def __init__(self, secrets: Collection[str], process: int = 0) -> None:
        super().__init__()
        self._process = process
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._secret = re.compile("|".join([*map(re.escape, known), _ALWAYS]))

    def _masked(self, text: str) -> str:
        return self._secret.sub(_MASKED, text)

    def _message(self, record: logging.LogRecord) -> str:
        return self._masked(record.getMessage())

    def _fault(self, record: logging.LogRecord) -> str:
        return self._masked(self.formatException(record.exc_info)) if record.exc_info else ""


class Plain(_Masking):
    """`2026-11-22 14:12:33.120 INFO bot.library [5f2c…]: snapshot … is in use`, for people to read."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        asked = request_id.current_id()
        told = getattr(record, "told", None)
        message = " ".join(f"{name}={value}" for name, value in told.items()) if told else self._message(record)
        where = f"{f' ({self._process})' if self._process else ''}{f' [{asked}]' if asked else ''}"
        line = f"{moment} {record.levelname} {record.name}{where}: {_escaped(message)}"
        fault = self._fault(record)
        # Indented, so that no line of it passes for one of ours.
        return line + "".join(f"\n    {_escaped(part)}" for part in fault.splitlines())


class Json(_Masking):
    """One JSON object a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
        }
        if self._process:
            line["process"] = self._process
        if asked := request_id.current_id():
            line["request_id"] = asked
        line.update(getattr(record, "told", None) or {})
        if fault := self._fault(record):
            line["fault"] = fault
        return json.dumps(line, default=str)


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
