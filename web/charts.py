"""Charts as inline SVG: no script, colours from the page's variables, every number of them in a table beside it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bot.metrics import Bin, Coverage

_WIDTH, _HEIGHT = 400, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 34, 48
#: More points than the chart has pixels would only make the page larger.
_MOST_POINTS = 300

Point = tuple[float, float]


def reliability_chart(bins: Sequence[Bin]) -> Markup:
    """Confidence against the share of right ones, a point a bin, with its distance from the diagonal."""
    points = [(b.confidence, b.right) for b in bins]
    gaps = Markup("").join(
        Markup('<line class="gap" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(*_at(x, x), *_at(x, y)) for x, y in points
    )
    dots = Markup("").join(
        Markup('<circle class="dot" cx="{}" cy="{}" r="5"><title>{}, confidence {}: {} right</title></circle>').format(
            *_at(b.confidence, b.right), _questions(b.count), percent(b.confidence), percent(b.right)
        )
        for b in bins
    )
    drawn = Markup('{}{}<polyline class="curve thin" points="{}"/>{}').format(_diagonal(), gaps, _path(points), dots)
    return _chart("Share of right first articles against confidence", "Confidence, %", "Right, %", drawn)


def coverage_chart(curve: Sequence[Coverage], operating: Coverage | None, queries: int) -> Markup:
    """The share of right answers against the share of answered questions, with the policy's own point marked."""
    step = max(1, len(curve) // _MOST_POINTS)
    shown = [*curve[:-1:step], curve[-1]]
    drawn = Markup('<polyline class="curve" points="{}"/>').format(
        _path([(c.answered / queries, c.right / c.answered) for c in shown])
    )
    if operating:
        drawn += _mark(operating.answered / queries, operating.right / operating.answered)
    return _chart("Share of right answers against the share of answered questions", "Answered, %", "Right, %", drawn)


def percent(share: float) -> str:
    """`0.4037` -> "40.4 %", with a space that does not break."""
    return f"{share * 100:.1f}\u00a0%"


def _mark(x: float, y: float) -> Markup:
    """A ring with its words beside it: the curve falls, so there is room above it on the right, below on the left."""
    across, down = _at(x, y)
    anchor, beside, first = ("start", across + 12, down - 20) if x < 0.4 else ("end", across - 12, down + 22)
    return Markup(
        '<circle class="ring" cx="{}" cy="{}" r="7"/>'
        '<text class="mark" text-anchor="{}" x="{:.1f}" y="{:.1f}">Answers {},'
        '<tspan x="{:.1f}" dy="15">{} right</tspan></text>'
    ).format(across, down, anchor, beside, first, percent(x), beside, percent(y))


def _chart(title: str, across: str, up: str, drawn: Markup) -> Markup:
    grid = Markup("").join(_tick(n / 4) for n in range(5))
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}'
        '<text x="{}" y="16" class="axis">{}</text><text x="{}" y="{}" text-anchor="end" class="axis">{}</text>{}</svg>'
    ).format(_WIDTH, _HEIGHT, title, grid, 4, up, _WIDTH - _RIGHT, _HEIGHT - 8, across, drawn)


def _tick(value: float) -> Markup:
    left, level = _at(0, value)
    right, _ = _at(1, value)
    across, floor = _at(value, 0)
    return Markup(
        '<line class="grid" x1="{}" y1="{}" x2="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{:.0f}</text>'
        '<text x="{}" y="{}" text-anchor="middle">{:.0f}</text>'
    ).format(left, level, right, level, left - 8, level + 4, value * 100, across, floor + 18, value * 100)


def _diagonal() -> Markup:
    return Markup('<line class="diagonal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(*_at(0, 0), *_at(1, 1))


def _path(points: Sequence[Point]) -> str:
    return " ".join("{},{}".format(*_at(x, y)) for x, y in points)


def _at(x: float, y: float) -> Point:
    """Shares, 0 to 1, as a place in the picture."""
    across = _LEFT + x * (_WIDTH - _LEFT - _RIGHT)
    return round(across, 1), round(_TOP + (1 - y) * (_HEIGHT - _TOP - _BOTTOM), 1)


def _questions(count: int) -> str:
    return f"{count:,} question" if count == 1 else f"{count:,} questions"
