"""How long `firstline preview` takes from a save to the changed page, and to the changed answers.

    python -m bench.preview [ARTICLES] [--data DATA] [--edits 20]

Of a copy of the articles (`articles`), with the real encoders. The real command on a real socket: the clock starts when
the file is written and stops when a request that followed the preview's own event brought the new words (page), or an
answer of the new articles (answers). Every edit adds a paragraph with a word of its own; one in three adds a question
as well, one in three gives the article another title.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from kb.articles import load
from kb.links import article_path
from kb.models import PUBLIC, Article

_START_S = 600


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("articles", type=Path, nargs="?", default=Path("articles"))
    parser.add_argument("--data", type=Path, help="its cache of vectors saves embedding everything anew")
    parser.add_argument("--edits", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(given.articles, given.data, given.edits, Path(folder))


def measure(articles: Path, data: Path | None, edits: int, folder: Path) -> None:
    source = shutil.copytree(articles, folder / "articles")
    (folder / "data" / "cache").mkdir(parents=True)
    (folder / "data" / "cache" / "encoders").symlink_to(Path("build/encoders").resolve())
    vectors = (data / "cache" if data else Path("build")) / "vectors.db"
    if vectors.is_file():
        shutil.copyfile(vectors, folder / "data" / "cache" / "vectors.db")
    found = [article for article in load(source).articles if article.audience == PUBLIC]
    began = time.perf_counter()
    process, port = start(source, folder / "data")
    print(f"{len(found):,} public articles, {time.perf_counter() - began:.1f} s to the first page")
    try:
        report(list(times(source, found, edits, port, process.pid)))
    finally:
        process.terminate()
        process.wait()


def start(source: Path, data: Path) -> tuple[subprocess.Popen[str], int]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "web", "preview", str(source), "--data", str(data), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    assert process.stdout
    until = time.monotonic() + _START_S
    while time.monotonic() < until and (line := process.stdout.readline()):
        if "Stop with" in line:
            return process, port
    raise RuntimeError("the preview did not start")


def times(source: Path, articles: list[Article], edits: int, port: int, pid: int) -> Iterator[tuple[float, ...]]:
    """Seconds to the page, to the answers, and seconds of one core that the preview computed until then, an edit."""
    chance = random.Random(7)  # noqa: S311
    pages, events = HTTPConnection("127.0.0.1", port), HTTPConnection("127.0.0.1", port)
    get(pages, "/search?q=warm+up")
    stream = events_of(events)
    for number in range(edits):
        article, word = chance.choice(articles), f"quokka{number}"
        path, state = source / article.path, searcher(pages)
        text = edited(path.read_text(encoding="utf-8"), word, number % 3)
        saved, computed = time.perf_counter(), cpu(pid)
        path.write_text(text, encoding="utf-8")
        page = answers = 0.0
        while not answers:
            next(stream)
            if not page and word in get(pages, article_path(article.key)):
                page = time.perf_counter() - saved
            if searcher(pages) != state:
                get(pages, f"/search?{urlencode({'q': word})}")
                answers = time.perf_counter() - saved
        yield page, answers, cpu(pid) - computed
        time.sleep(1)  # nobody saves faster, and the check of the whole folder ends


def edited(text: str, word: str, kind: int) -> str:
    if kind == 1:
        text = re.sub(r"^questions:\s*\[", f"questions: [where is {word}, ", text, count=1, flags=re.MULTILINE)
        text = re.sub(r"^questions:\s*\n", f"questions:\n  - where is {word}\n", text, count=1, flags=re.MULTILINE)
    if kind == 2:
        text = re.sub(r"^title: (['\"]?)", rf"title: \1New {word} ", text, count=1, flags=re.MULTILINE)
    return f"{text}\n\nThe {word} stands behind the printer.\n"


def get(connection: HTTPConnection, address: str) -> str:
    try:
        connection.request("GET", address)
        return connection.getresponse().read().decode()
    except RemoteDisconnected:  # it was not used for some seconds
        connection.close()
        connection.request("GET", address)
        return connection.getresponse().read().decode()


def cpu(pid: int) -> float:
    """Seconds of processors that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def searcher(connection: HTTPConnection) -> str:
    """What names the searcher in use."""
    found = re.search(r'data-state="([^"]*)"', get(connection, "/preview/bar?back=/"))
    return found[1] if found else ""


def events_of(connection: HTTPConnection) -> Iterator[dict[str, object]]:
    connection.request("GET", "/preview/events")
    response = connection.getresponse()
    while line := response.readline():
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def report(found: list[tuple[float, ...]]) -> None:
    names = ("save to page", "save to answers", "processor time until then")
    for name, seconds in zip(names, zip(*found, strict=True), strict=True):
        p50, p95, worst = np.percentile(seconds, [50, 95, 100])
        told = f"p50 {p50 * 1000:5.0f} ms   p95 {p95 * 1000:5.0f} ms   worst {worst * 1000:5.0f} ms"
        print(f"{name:26} {told}   of {len(seconds)} edits")


if __name__ == "__main__":
    main()
