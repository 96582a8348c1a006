"""Encoder, index and ask beside plain sentence-transformers + FAISS, in one run on one machine.

    python -m bench.speed [ARTICLES]

Read the ratios, not the times: the two columns are taken in turns of 30 questions, so that both meet the same
machine, and each the caches as it leaves them itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as `kb` sets it for the server; here numpy is loaded first

import numpy as np

from bench.plain import PlainSearch
from kb.articles import load
from kb.build import BuildSettings, build
from kb.embedding import OnnxEmbedder
from kb.export import DEFAULT_MODEL, prepare
from kb.search import Query, Searcher
from kb.snapshot import open_current

_ENCODERS = Path("build/encoders")
_TURN = 30
_QUESTION = "I forgot my password and cannot log in"

_FIRST_VECTOR = {
    "firstline": """
from pathlib import Path
from kb.embedding import OnnxEmbedder
OnnxEmbedder(Path(argument)).embed_queries([question])
""",
    "plain": """
from sentence_transformers import SentenceTransformer
from kb.export import DEFAULT_MODEL, find
SentenceTransformer(str(find(DEFAULT_MODEL).unpack()), device="cpu").encode([question])
""",
}

#: Prints what the process holds now, in MB; the peak that the system keeps would include its parent's.
_MEMORY = """
import re
from pathlib import Path
print(int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


def main() -> None:
    articles = Path(sys.argv[1] if len(sys.argv) > 1 else "articles")
    folder = prepare(DEFAULT_MODEL, _ENCODERS, print)
    rows: list[tuple[str, float, float, str, bool]] = []
    ours, plain = OnnxEmbedder(folder), PlainSearch()

    loaded = load(articles)
    questions = [q for article in loaded.articles for q in article.questions] or [a.title for a in loaded.articles]
    asked = (questions * 3)[:600]

    a, b = in_turns(lambda q: ours.embed_queries([q]), lambda q: plain.model.encode(q), asked)
    bare = median(a)
    rows.append(("short query, p50", bare, median(b), "ms", False))
    first = {name: [first_vector(code, folder) for _ in range(3)] for name, code in _FIRST_VECTOR.items()}
    for at, (name, unit) in enumerate((("process start to first vector", "ms"), ("memory after it", "MB"))):
        values = {key: float(np.median([run[at] for run in runs])) for key, runs in first.items()}
        rows.append((name, values["firstline"], values["plain"], unit, False))

    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary)
        (data / "cache").mkdir()
        (data / "cache" / "encoders").symlink_to(_ENCODERS.resolve(), target_is_directory=True)
        started = time.perf_counter()
        report = build(articles, data, BuildSettings(), created="")
        built = time.perf_counter() - started
        started = time.perf_counter()
        chunks = plain.index(loaded.articles)
        plain_built = time.perf_counter() - started
        rows.append(("index, passages a second", report.passages / built, chunks / plain_built, "/s", True))
        started = time.perf_counter()
        build(articles, data, BuildSettings(), created="")
        again = time.perf_counter() - started
        searcher = Searcher(open_current(data))
        a, b = in_turns(lambda q: searcher.rank(Query(q)), plain.search, asked)
        rows.append(("ask, p50", median(a), median(b), "ms", False))
        rows.append(("ask, p99", float(np.percentile(a, 99)), float(np.percentile(b, 99)), "ms", False))

    print(f"{articles}: {report.articles} articles, {report.passages} passages, {len(asked)} questions\n")
    print(f"{'':34}{'firstline':>12}{'plain':>12}{'':4}{'ratio':>8}")
    for name, mine, other, unit, more_is_better in rows:
        ratio = mine / other if more_is_better else other / mine
        print(f"{name:34}{mine:12.1f}{other:12.1f} {unit:4}{ratio:7.1f}x")
    print(f"\nask p50 is {median(a) / bare:.1f} times the bare encoder call on the same questions")
    print(f"a second index with nothing changed: {again:.2f} s")


def in_turns(
    one: Callable[[str], object], other: Callable[[str], object], texts: list[str]
) -> tuple[list[float], list[float]]:
    """Milliseconds of each call on each text, the two taken in turns of 30."""
    times: tuple[list[float], list[float]] = ([], [])
    for start in range(0, len(texts), _TURN):
        for call, taken in zip((one, other), times, strict=True):
            call(texts[start])  # has its own data in the caches again
            for text in texts[start : start + _TURN]:
                started = time.perf_counter()
                call(text)
                taken.append((time.perf_counter() - started) * 1000)
    return times


def median(values: list[float]) -> float:
    return float(np.median(values))


def first_vector(code: str, folder: Path) -> tuple[float, float]:
    """(ms from starting a Python process until it has embedded a question, MB it holds then)."""
    program = f"question, argument = {_QUESTION!r}, {str(folder)!r}\n{code}\n{_MEMORY}"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return (time.perf_counter() - started) * 1000, float(done.stdout)


if __name__ == "__main__":
    main()
