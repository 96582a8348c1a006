"""What a cluster is made of: articles in two editions, replicas over one data folder, builders."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError

#: Where each edition of the articles says which one it is: in every title and below every heading.
EDITIONS = ("firstedition", "secondedition")
PROJECT = Path(__file__).parents[2]
TOPICS = ("accounts", "network")
_MODEL = "all-MiniLM-L6-v2"
_START_S = 240.0
_HEADING = re.compile(r"^(#+ .*)$", re.M)


def write_edition(folder: Path, edition: str) -> list[str]:
    """Writes our own English articles of some topics, marked with an edition; their ids."""
    ids = []
    for topic in TOPICS:
        for source in sorted((PROJECT / "articles" / "en" / topic).glob("*.md")):
            _, front, body = source.read_text(encoding="utf-8").split("---\n", 2)
            front = re.sub(r"^title: (.*)$", rf"title: \1 ({edition})", front, flags=re.M)
            body = f"\nThis is of the {edition}.\n\n" + _HEADING.sub(rf"\1\n\nThis is of the {edition}.\n", body)
            target = folder / "en" / topic / source.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(f"---\n{front}---\n{body}", encoding="utf-8")
            ids.append(source.stem)
    return ids


@dataclass
class Cluster:
    """The folder of a cluster and what its processes are told. `database` is its address."""

    folder: Path
    database: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTLINE_")}
        return {
            **kept,
            "PYTHONPATH": str(PROJECT),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "FIRSTLINE_DATABASE_URL": self.database,
            "FIRSTLINE_DATA": str(self.data),
            "FIRSTLINE_MODEL": _MODEL,
            # All load comes from one address.
            **{f"FIRSTLINE_RATE_{name}": "" for name in ("QUESTIONS", "TYPING", "TICKETS", "FEEDBACK", "SIGN_IN")},
            **self.settings,
        }

    def prepare(self) -> None:
        """Makes the data folder, with the encoders that this checkout has exported before."""
        encoders = PROJECT / "build" / "encoders"
        (self.data / "cache").mkdir(parents=True)
        if encoders.is_dir():
            (self.data / "cache" / "encoders").symlink_to(encoders.resolve(), target_is_directory=True)

    def builder(self, articles: Path) -> subprocess.Popen[bytes]:
        """Starts `firstline index`, which prints what it built as JSON."""
        command = [sys.executable, "-m", "web", "index", str(articles), "--json"]
        with (self.folder / "builder.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=log)

    def build(self, articles: Path) -> str:
        """The id of the snapshot of some articles, which is in use then."""
        process = self.builder(articles)
        told, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"firstline index failed: see {self.folder / 'builder.log'}")
        return str(json.loads(told)["snapshot"])


@dataclass
class Replica:
    """One server of a cluster. `ended` has the times at which it was killed, by `time.time()`."""

    name: str
    cluster: Cluster
    port: int
    process: subprocess.Popen[bytes] | None = None
    ended: list[float] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.cluster.folder / f"{self.name}.log"

    def start(self) -> None:
        command = [sys.executable, "-m", "web", "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.cluster.folder, env=self.cluster.environment, stdout=log, stderr=log
            )

    async def ready(self) -> None:
        """Waits until it answers; raises SystemExit with the end of its log where it never does."""
        last = time.monotonic() + _START_S
        while not await asyncio.to_thread(self._answers):
            if time.monotonic() > last or self.process is None or self.process.poll() is not None:
                raise SystemExit(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")
            await asyncio.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5):
                return True
        except (HTTPError, URLError, ConnectionError, TimeoutError):
            return False

    def kill(self) -> None:
        """SIGKILL: what it had only in memory is gone."""
        assert self.process is not None
        self.ended.append(time.time())
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds: float = 30.0) -> int:
        """SIGTERM; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
