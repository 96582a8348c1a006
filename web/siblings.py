"""What several server processes behind one port tell each other: what limits have counted, and their metrics.

Each has two sockets in a folder that nobody else can open: one for a word in passing, which may be lost, and one where
it gives its metrics to whoever connects. A process that does not answer is done without.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from web.limits import Hit, Limits
from web.metrics import PROCESSES, Metrics
from web.processes import Member

_log = logging.getLogger(__name__)

#: How long the answer of another process may take, in seconds.
_ANSWER_S = 1.0
#: Longer than any: who signs in may have typed 1,000 characters for an address, each up to 18 bytes here.
_LONGEST_WORD = 65_536


@dataclass(frozen=True, slots=True)
class Families:
    """Metrics to be exposed, as a registry has them."""

    found: Collection[Metric]

    def collect(self) -> Iterator[Metric]:
        return iter(self.found)


class Siblings:
    """The other processes, as one of them sees them. `serving` has to run before they see this one."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._passing: socket.socket | None = None

    # --- to them -----------------------------------------------------------------------------------------------------

    def tell(self, hit: Hit) -> None:
        """Tells what a limit has counted. Waits for nobody: who has too much to read already is left out."""
        passing = self._passing
        if passing is None:  # before the first request, or after the last
            return
        word = json.dumps([hit.kind, *hit.of, hit.forget]).encode()
        for number in self._member.others:
            with suppress(OSError):
                passing.sendto(word, str(self._path(number, "passing")))

    def exposed(self, metrics: Metrics, accept: str = "") -> tuple[bytes, str]:
        """The metrics of all that answer, each with the label `process`, and their media type."""
        sides: list[tuple[int, Iterable[Metric]]] = [(self._member.number, metrics.collect())]
        for number, answer in self._answers():
            with suppress(ValueError):  # it ended meanwhile
                sides.append((number, _unpacked(answer)))
        processes = GaugeMetricFamily(PROCESSES.name, PROCESSES.help, labels=PROCESSES.names)
        processes.add_metric(["wanted"], self._member.of)
        processes.add_metric(["answering"], len(sides))
        encode, media_type = choose_encoder(accept)
        return encode(Families([processes, *_merged(sides)])), media_type

    def _answers(self) -> Iterator[tuple[int, bytes]]:
        for number in self._member.others:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(_ANSWER_S)
                asking.connect(str(self._path(number, "metrics")))
                parts = []
                while part := asking.recv(65_536):
                    parts.append(part)
                yield number, b"".join(parts)

    # --- from them ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serving(self, metrics: Metrics, limits: Limits) -> AsyncIterator[None]:
        """Hears them, and answers."""

        async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                writer.write(await asyncio.to_thread(lambda: _packed(metrics.collect())))
                await writer.drain()
            except OSError:  # who asked is gone
                pass
            finally:
                writer.close()

        own = self._member.number
        self._clear()  # of the process whose place this one takes
        loop = asyncio.get_running_loop()
        server = await asyncio.start_unix_server(answer, self._path(own, "metrics"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as passing:
            passing.setblocking(False)
            passing.bind(str(self._path(own, "passing")))
            loop.add_reader(passing, _hear, passing, limits)
            self._passing = passing
            try:
                yield
            finally:
                self._passing = None
                loop.remove_reader(passing)
                server.close()
                self._clear()
                if self._member.alone:  # nobody else is left to tidy up
                    with suppress(OSError):
                        self._member.folder.rmdir()

    def _clear(self) -> None:
        for kind in ("passing", "metrics"):
            self._path(self._member.number, kind).unlink(missing_ok=True)

    def _path(self, number: int, kind: str) -> Path:
        return self._member.folder / f"{number}.{kind}"


def _hear(passing: socket.socket, limits: Limits) -> None:
    with suppress(BlockingIOError):
        while word := passing.recv(_LONGEST_WORD):
            kind, one, other, forget = json.loads(word)
            limits.heard(Hit(kind, (one, other), forget))


def _packed(families: Iterable[Metric]) -> bytes:
    return json.dumps(
        [[f.name, f.documentation, f.type, f.unit, [[s.name, s.labels, s.value] for s in f.samples]] for f in families]
    ).encode()


def _unpacked(text: bytes) -> Iterable[Metric]:
    found = []
    for name, documentation, kind, unit, samples in json.loads(text):
        found.append(family := Metric(name, documentation, kind, unit))
        for sample, labels, value in samples:
            family.add_sample(sample, labels, value)
    return found


def _merged(sides: Iterable[tuple[int, Iterable[Metric]]]) -> Collection[Metric]:
    """One family a name, as the format demands; nothing is added up, so that one that begins anew shows as that."""
    found: dict[str, Metric] = {}
    for number, families in sides:
        for family in families:
            kept = found.setdefault(family.name, Metric(family.name, family.documentation, family.type, family.unit))
            for sample in family.samples:
                kept.add_sample(sample.name, {**sample.labels, "process": str(number)}, sample.value)
    return found.values()
