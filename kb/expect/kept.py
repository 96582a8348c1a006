"""Runs that were made before: the same snapshot asked by the same code finds the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from kb.expect.outcomes import DEPTH, Contents, Outcome, Rival, Run, Twin, passes, run
from kb.models import ArticleKey, Skipped
from kb.sheets import Progress
from kb.snapshot import Snapshot

_FILE = "asked.json"


def asked(
    snapshot: Snapshot,
    folder: Path,
    k: int,
    source: Path,
    progress: Progress,
    wanted: Callable[[str], bool] | None = None,
) -> Run:
    """As `run`, of a snapshot that lies in `folder` and was made of `source`; without asking where it was asked before.

    A run over all files is kept beside the snapshot, whatever `k` is (at most DEPTH).
    """
    if kept := _read(folder / _FILE):
        outcomes = tuple(replace(one, passed=passes(one.kind, one.place, k)) for one in kept.outcomes)
        again = replace(kept, k=k, outcomes=outcomes)
        return _only(again, wanted) if wanted else again
    made = run(snapshot, k, source, progress, wanted or (lambda path: True))
    if wanted is None and k <= DEPTH:
        _write(folder / _FILE, made)
    return made


def _only(made: Run, wanted: Callable[[str], bool]) -> Run:
    return replace(
        made,
        outcomes=tuple(one for one in made.outcomes if wanted(one.path)),
        untested=tuple(one for one in made.untested if wanted(one.path)),
    )


def _code() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _write(file: Path, made: Run) -> None:
    articles = [[key, asdict(contents)] for key, contents in made.articles.items()]
    held = {**asdict(replace(made, articles={})), "articles": articles, "code": _code()}
    # A name of its own: somebody else may be testing the same articles.
    with NamedTemporaryFile("w", encoding="ascii", dir=file.parent, prefix=".asked-", delete=False) as half:
        half.write(json.dumps(held, ensure_ascii=True))
    Path(half.name).replace(file)


def _read(file: Path) -> Run | None:
    """None where it was not asked yet, or by other code."""
    try:
        held = json.loads(file.read_text(encoding="ascii"))
        if held["code"] != _code():
            return None
        return Run(
            held["snapshot"],
            held["k"],
            tuple(_outcome(row) for row in held["outcomes"]),
            {ArticleKey(*key): _contents(row) for key, row in held["articles"]},
            tuple(Skipped(**{**row, "audiences": tuple(row["audiences"])}) for row in held["untested"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _contents(row: dict[str, Any]) -> Contents:
    return Contents(**{**row, "questions": tuple(row["questions"])})


def _outcome(row: dict[str, Any]) -> Outcome:
    rival = row["rival"] and Rival(**{**row["rival"], "key": ArticleKey(*row["rival"]["key"])})
    twins = tuple(Twin(**{**twin, "key": ArticleKey(*twin["key"])}) for twin in row["twins"])
    changed = {"key": ArticleKey(*row["key"]), "above": tuple(row["above"]), "rival": rival, "twins": twins}
    return Outcome(**{**row, **changed})
