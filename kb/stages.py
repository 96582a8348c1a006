"""How long the stages of answering take: each part of the time counts for the innermost stage that runs."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from time import perf_counter
from types import TracebackType
from typing import Literal, ParamSpec, TypeVar

Stage = Literal["encode", "retrieve", "rank", "decide", "store", "render"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Times:
    """Seconds by stage, while `with` lasts; what runs in another thread meanwhile is not seen."""

    __slots__ = ("_entered", "_since", "seconds", "stage")

    def __init__(self) -> None:
        self.seconds: dict[Stage, float] = {}
        self.stage: Stage | None = None

    def __enter__(self) -> Times:
        self._since = perf_counter()
        self._entered = _running.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _running.reset(self._entered)

    def switch(self, stage: Stage | None) -> Stage | None:
        """Begins a stage, None for none of them; returns the one before."""
        now, before = perf_counter(), self.stage
        if before is not None:
            self.seconds[before] = self.seconds.get(before, 0.0) + now - self._since
        self._since, self.stage = now, stage
        return before


_running: ContextVar[Times | None] = ContextVar("times", default=None)


class stage:  # noqa: N801 - reads as a word of the language: `with stage("encode"):`
    """Counts what runs within for a stage, where somebody measures; else it costs one look-up."""

    __slots__ = ("_before", "_name", "_times")

    def __init__(self, name: Stage) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._times = _running.get()
        if self._times is not None:
            self._before = self._times.switch(self._name)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._times is not None:
            self._times.switch(self._before)


def staged(name: Stage) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Has all that a function does count for a stage, but for the stages within it."""

    def _decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @wraps(function)
        def _timed(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with stage(name):
                return function(*args, **kwargs)

        return _timed

    return _decorate
