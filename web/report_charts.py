"""Columns and bars of reports and gaps as inline SVG: no script, no style of their own, every number in a table below.

Those of reports are 480 units wide: as wide as a column of the page on a desktop, and three quarters of that on a
telephone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH, _HEIGHT = 480, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 12, 30
_LINES = 4
#: So many labels fit below the columns.
_LABELS = 6
#: Narrower columns stand without a gap between them, as an outline.
_NARROW = 4.0
_BAR, _ROW = 14, 44


@dataclass(frozen=True, slots=True)
class Mark:
    """One column or bar: its number, how that is written, what it is called, and shortly so below a column.

    A `part` is drawn as such; of what is not `known` no column stands there, not even one of 0.
    """

    value: float
    written: str
    name: str
    short: str = ""
    part: bool = False
    known: bool = True


def columns(title: str, marks: Sequence[Mark], written: Sequence[str]) -> Markup:
    """A column a mark, from left to right. `written` are the numbers of `scale`, as people write them."""
    top = scale(marks)[-1]
    width = (_WIDTH - _LEFT - _RIGHT) / max(1, len(marks))
    gap = width * 0.2 if width > _NARROW else 0.0
    floor = _HEIGHT - _BOTTOM
    height = (floor - _TOP) / top
    grid = Markup("").join(
        _line(floor - value * height, words) for value, words in zip(scale(marks), written, strict=True)
    )
    drawn = Markup("").join(
        Markup('<rect class="chart-bar{}" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>').format(
            " chart-part" if mark.part else "", _n(_LEFT + n * width + gap / 2), _n(floor - mark.value * height),
            _n(width - gap), _n(mark.value * height), mark.name, mark.written,
        )
        for n, mark in enumerate(marks)
        if mark.value and mark.known
    )  # fmt: skip
    unknown = Markup("").join(
        Markup('<rect class="chart-unknown" x="{}" y="{}" width="{}" height="{}"/>').format(
            _n(_LEFT + first * width), _TOP, _n(length * width), floor - _TOP
        )
        for first, length in _runs([not mark.known for mark in marks])
    )
    every = max(1, math.ceil(len(marks) / _LABELS))
    labels = Markup("").join(
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
            _n(min(max(_LEFT + (n + 0.5) * width, _LEFT + 16), _WIDTH - 28)), _HEIGHT - 8, mark.short or mark.name
        )
        for n, mark in enumerate(marks)
        if n % every == 0
    )
    return _picture(title, _HEIGHT, unknown + grid + drawn + labels)


def bars(title: str, marks: Sequence[Mark]) -> Markup:
    """A bar a mark, one below the other, each with its name above and its number beside it."""
    most = max((mark.value for mark in marks), default=0) or 1
    drawn = Markup("").join(
        Markup(
            '<text class="chart-name" x="0" y="{}">{}</text><text x="{}" y="{}" text-anchor="end">{}</text>'
            '<rect class="chart-track" x="0" y="{}" width="{}" height="{}"/>'
            '<rect class="chart-bar" x="0" y="{}" width="{}" height="{}"/>'
        ).format(
            n * _ROW + 16, _shortened(mark.name), _WIDTH, n * _ROW + 16, mark.written,
            n * _ROW + 22, _WIDTH, _BAR, n * _ROW + 22, _n(_WIDTH * mark.value / most), _BAR,
        )
        for n, mark in enumerate(marks)
    )  # fmt: skip
    return _picture(title, max(1, len(marks)) * _ROW, drawn)


def sparkline(counts: Sequence[int], label: str = "") -> Markup:
    """Counts as bars in a line of text, the tallest as high as the line; `label` says them where no table does."""
    tallest, step = max([1, *counts]), 7
    drawn = Markup("").join(
        Markup('<rect x="{}" y="{}" width="5" height="{}"/>').format(n * step, 20 - height, height)
        for n, count in enumerate(counts)
        for height in [max(1, round(20 * count / tallest))]
    )
    width = len(counts) * step - 2
    told = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="bars" viewBox="0 0 {} 20" width="{}" height="20" {}>{}</svg>').format(
        width, width, told, drawn
    )


def scale(marks: Sequence[Mark]) -> list[float]:
    """Up to five round numbers from 0 to no less than the largest one."""
    most = max((mark.value for mark in marks), default=0)
    step = 1.0
    while step * _LINES < most:
        power = 10 ** math.floor(math.log10(step) + 1e-9)
        step = next(power * n for n in (2, 5, 10) if power * n > step + 1e-9)
    return [step * n for n in range(max(1, math.ceil(most / step)) + 1)]


def _runs(marked: Sequence[bool]) -> list[tuple[int, int]]:
    """(first, length) of each stretch that is marked."""
    found: list[tuple[int, int]] = []
    for n, here in enumerate(marked):
        if here and found and sum(found[-1]) == n:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif here:
            found.append((n, 1))
    return found


def _line(y: float, words: str) -> Markup:
    return Markup(
        '<line class="chart-line" x1="{}" y1="{}" x2="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>'
    ).format(_LEFT, _n(y), _WIDTH - _RIGHT, _n(y), _LEFT - 8, _n(y + 5), words)


def _picture(title: str, height: int, drawn: Markup) -> Markup:
    return Markup('<svg class="report-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, height, title, drawn
    )


def _shortened(name: str, most: int = 48) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
