"""Looks after the folder while the preview runs: told by the system of every change, or by looking again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from watchfiles import Change, watch

from web.preview.workshop import Workshop

_log = logging.getLogger(__name__)

#: Changes are taken together until nothing changed for so long, and for this long at most: an editor writes a file in
#: several steps, a checkout writes hundreds.
_QUIET_MS, _LONGEST_MS = 30, 300
#: How often is looked whether the folder is still the one that is watched: where it was removed and made anew, nobody
#: tells of the new one.
_LOOK_MS = 1_000
_POLL_MS = 300


class Watcher(threading.Thread):
    """Has a workshop follow its folder until `stop`."""

    def __init__(self, workshop: Workshop, *, poll: bool = False) -> None:
        super().__init__(name="preview", daemon=True)
        self._workshop, self._poll = workshop, poll
        self._ended, self._changed = threading.Event(), threading.Event()
        self._checker = threading.Thread(target=self._check, name="preview-check", daemon=True)

    def run(self) -> None:
        self._checker.start()
        source = self._workshop.live.source
        folder = (source if source.is_dir() else source.parent).resolve()
        while not self._ended.is_set():
            try:
                for _ in self._changes(folder):
                    if self._workshop.follow():
                        self._changed.set()
                    while self._workshop.overtaken and not self._ended.is_set():
                        self._workshop.follow()
                        self._changed.set()
            except OSError as error:  # the folder is gone, or the system lets nobody watch it
                _log.info("%s is looked at again in a moment: %s", folder, error)
                self._workshop.follow()
                self._ended.wait(_LOOK_MS / 1000)

    def _changes(self, folder: Path) -> Iterator[None]:
        """Once at the beginning, then whenever something in the folder changed; ends where it is another folder."""
        watched = folder.stat()
        changes = watch(
            folder,
            watch_filter=_worth_a_look(folder),
            step=_QUIET_MS,
            debounce=_LONGEST_MS,
            stop_event=self._ended,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=self._poll or None,
            poll_delay_ms=_POLL_MS,
            ignore_permission_denied=True,
        )
        first = True
        for found in changes:
            now = folder.stat()
            if (now.st_ino, now.st_dev) != (watched.st_ino, watched.st_dev):
                return
            if first or found:
                yield
            first = False

    def _check(self) -> None:
        """Once at the beginning, then after every change, a save in the middle of a long one included."""
        while not self._ended.is_set():
            self._workshop.check()
            self._changed.wait()
            self._changed.clear()

    def stop(self) -> None:
        self._ended.set()
        self._changed.set()
        self.join()
        self._checker.join()


def _worth_a_look(folder: Path) -> Callable[[Change, str], bool]:
    """Git's own files and those of editors lie in hidden places."""
    return lambda _, path: not any(part.startswith(".") for part in Path(path).relative_to(folder).parts)
