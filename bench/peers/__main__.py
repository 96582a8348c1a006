"""One table: Firstline, txtai (hybrid) and plain sentence-transformers + FAISS, all with all-MiniLM-L6-v2.

    python -m bench.peers EVAL [--articles N] [--again]

EVAL is the folder of development data (docs/quality.md). The articles are OfficeDocs without their symptom sections,
the questions the symptom texts. `--articles` takes the first N articles alone; `--again` asks the indexes of the run
before.

Each system has a process of its own. The index is made by one process from the file of articles to files on disk, start
of the program, libraries and model included, with no vector made before. Then all serve, and are asked in turns of
30 questions one at a time, then each by several threads at once.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from bench import sets
from bench.sets import DATA, Rows
from kb.export import DEFAULT_MODEL, find, prepare

_HERE = Path("build/peers")
#: Has txtai, and the same torch, sentence-transformers and FAISS as we build with.
_PYTHON = _HERE / ".venv/bin/python"
_ENCODERS = Path("build/encoders")
_TURN = 30
_CLIENTS = 4
_LOAD_ROUNDS = 4
#: Of torch and FAISS while several clients ask; the better figure is shown. One question at a time they take all cores.
_THREADS = sorted({1, os.cpu_count() or 1})
_LESS_IS_BETTER = (True, True, True, False, True, False)
_COLUMNS = ("index, s", "ask p50, ms", "ask p99, ms", "asks/s", "memory, MB", "hit@1")


@dataclass(slots=True)
class System:
    """A system with the commands of its two processes, and what was measured of it."""

    name: str
    folder: Path
    index: list[str]
    serve: list[str]
    threads: list[int]
    seconds: float = 0.0
    processor: float = 0.0
    times: list[float] = field(default_factory=list)
    computed: float = 0.0
    first: list[str] = field(default_factory=list)
    rates: dict[int, list[float]] = field(default_factory=dict)
    memory: float = 0.0
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self.serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment()
        )
        self._answer()

    def call(self, **asked: object) -> dict[str, Any]:
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        if self._process:
            self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with {self._process.wait()}: {' '.join(self.serve)}")
        return cast(dict[str, Any], json.loads(line))

    def figures(self, questions: Rows) -> tuple[float, ...]:
        right = [first in row["relevant"] for first, row in zip(self.first, questions, strict=True)]
        p50, p99 = np.percentile(self.times, [50, 99])
        return self.seconds, p50, p99, max(map(np.median, self.rates.values())), self.memory, float(np.mean(right))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("eval", type=Path)
    options.add_argument("--articles", type=int)
    options.add_argument("--again", action="store_true")
    given = options.parse_args()
    articles, questions = data(given.eval, given.articles)
    systems = commands(articles)
    log = _HERE / "indexed.json"
    if given.again:
        known = json.loads(log.read_text(encoding="utf-8"))
        for system in systems:
            system.seconds, system.processor = known[system.name]
    else:
        for system in systems:
            make_index(system)
        log.write_text(json.dumps({s.name: (s.seconds, s.processor) for s in systems}), encoding="utf-8")
    for system in systems:
        system.start()
    ask(systems, [row["query"] for row in questions])
    for system in systems:
        system.stop()
    show(systems, articles, questions)


def data(folder: Path, count: int | None) -> tuple[Path, Rows]:
    """The file of articles, and the questions that one of them answers."""
    articles = sets.without_symptoms(folder)
    questions = sets.read(folder / "officedocs" / "queries_symptom.jsonl")
    if count:
        rows = sets.read(articles)[:count]
        articles = sets.write(DATA / f"officedocs-{count}.jsonl", rows)
        held = {row["id"] for row in rows}
        questions = [row for row in questions if held.intersection(row["relevant"])]
    return articles, questions


def commands(articles: Path) -> list[System]:
    """Firstline first, then the peers. The encoder is exported before: once, as its weights are downloaded once."""
    prepare(DEFAULT_MODEL, _ENCODERS, print)
    model = str(find(DEFAULT_MODEL).unpack())
    ours = _HERE / "firstline"
    systems = [
        System(
            "Firstline",
            ours,
            [sys.executable, "-m", "web", "index", str(articles), "--data", str(ours), "--json"],
            [sys.executable, "-m", "bench.peers.firstline_process", str(ours)],
            [1],
        )
    ]
    for name, short, module, variant in (
        ("txtai, hybrid, pieces", "txtai", "txtai_process", []),
        ("txtai, hybrid, whole articles", "txtai-whole", "txtai_process", ["whole"]),
        ("sentence-transformers + FAISS", "plain", "plain_process", []),
    ):
        folder = _HERE / short
        program = [str(_PYTHON), "-m", f"bench.peers.{module}"]
        indexing = ["index", model, str(articles), str(folder), *variant]
        systems.append(System(name, folder, [*program, *indexing], [*program, "serve", model, str(folder)], _THREADS))
    return systems


def make_index(system: System) -> None:
    shutil.rmtree(system.folder, ignore_errors=True)
    (system.folder / "cache").mkdir(parents=True)
    (system.folder / "cache" / "encoders").symlink_to(_ENCODERS.resolve(), target_is_directory=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(system.index, check=True, stdout=subprocess.DEVNULL, env=_environment())
    system.seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    system.processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{system.name}: indexed in {system.seconds:.0f} s", file=sys.stderr, flush=True)


def ask(systems: list[System], texts: list[str]) -> None:
    for start in range(0, len(texts), _TURN):
        for system in systems:
            answer = system.call(ask=texts[start : start + _TURN])
            system.times += answer["ms"]
            system.computed += answer["processor_ms"]
            system.first += [found[0] if found else "" for found in answer["found"]]
    part = max(1, len(texts) // _LOAD_ROUNDS)
    for start in range(0, part * _LOAD_ROUNDS, part):
        for system in systems:
            for threads in system.threads:
                asked = texts[start : start + part]
                seconds = system.call(load=asked, clients=_CLIENTS, threads=threads)["seconds"]
                system.rates.setdefault(threads, []).append(len(asked) / seconds)
    for system in systems:
        system.memory = system.call(memory=True)["mb"]


def show(systems: list[System], articles: Path, questions: Rows) -> None:
    count = sum(1 for _ in articles.open(encoding="utf-8"))
    of = f"{count} articles of OfficeDocs without symptom sections, {len(questions)} symptom texts"
    print(f"\n{of}, {os.cpu_count()} cores\n")
    print(f"{'':32}" + "".join(f"{column:>14}" for column in _COLUMNS))
    rows = [system.figures(questions) for system in systems]
    for system, row in zip(systems, rows, strict=True):
        print(f"{system.name:32}" + "".join(f"{v:14.{3 if v < 1 else 1}f}" for v in row))
    ours, *others = rows
    behind = [
        f"{column} ({system.name})"
        for row, system in zip(others, systems[1:], strict=True)
        for column, mine, other, less in zip(_COLUMNS, ours, row, _LESS_IS_BETTER, strict=True)
        if (mine >= other if less else mine <= other)
    ]
    print(f"\nFirstline is {'behind in ' + ', '.join(behind) if behind else 'ahead in every column'}.")
    print("Processor time, which other work on the machine changes less (index in s, one ask in ms):")
    for system in systems:
        print(f"  {system.name:30}{system.processor:8.0f}{system.computed / len(system.times):10.1f}")
    print(f"Asks/s: {_CLIENTS} clients at once; {_THREADS} threads a question for the peers, whichever is faster.")
    print("Memory: the most the serving process held.")


def _environment() -> dict[str, str]:
    return {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(Path.cwd())}


if __name__ == "__main__":
    main()
