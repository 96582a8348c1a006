"""What open pages are told as it happens: server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

#: An event stream that says nothing for longer looks dead to some programs in between.
_SIGN_OF_LIFE_S = 15.0


class Feed:
    """Tells every open page the same. `tell` and `close` may be called from any thread."""

    def __init__(self) -> None:
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Queue[str | None]]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def tell(self, **event: Any) -> None:
        self._send(f"data: {json.dumps(event)}\n\n")

    def close(self) -> None:
        """Ends every stream: a server waits for those before it stops."""
        self._closed = True
        self._send(None)

    def _send(self, message: str | None) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for loop, queue in listeners:
            try:
                loop.call_soon_threadsafe(queue.put_nowait, message)
            except RuntimeError:  # its loop has ended, and the page with it
                continue

    async def listen(self, missed: Callable[[], dict[str, Any] | None]) -> AsyncIterator[str]:
        """What is told from now on, as it goes over the wire; before it what a page `missed` until then, if anything.

        That is asked once this listens: nothing is told in between.
        """
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        listener = asyncio.get_running_loop(), queue
        with self._lock:
            self._listeners.add(listener)
        try:
            # The browser tries again after a second: a preview that was started anew shows at once.
            yield "retry: 1000\n\n"
            if (event := missed()) is not None:
                yield f"data: {json.dumps(event)}\n\n"
            while not self._closed:
                try:
                    message = await asyncio.wait_for(queue.get(), _SIGN_OF_LIFE_S)
                except TimeoutError:
                    message = ": still here\n\n"
                if message is None:
                    return
                yield message
        finally:
            with self._lock:
                self._listeners.discard(listener)
