"""Progress on standard error: a bar on a terminal, a line a stage elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

Show = Callable[[str, int, int], None]


@contextmanager
def progress() -> Iterator[Show]:
    """Yields a function `(stage, done, total)`; a total of 0 means that it is not known."""
    # Where only what serving needs is installed there is no rich.
    if sys.stderr.isatty() and find_spec("rich"):
        yield from _bar()
    else:
        yield from _lines()


def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=None)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total or None)

        yield show


def _lines() -> Iterator[Show]:
    last = ""

    def show(stage: str, _done: int, total: int) -> None:
        nonlocal last
        if stage != last:
            last = stage
            print(f"{stage}{f' ({total})' if total else ''}", file=sys.stderr, flush=True)  # noqa: T201

    yield show
