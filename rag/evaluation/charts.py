"""Figures -> small pictures: inline SVG, coloured by the page's style sheet, no library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.evaluation.metrics import Bin

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 360, 240, 44, 36, 12, 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One stage of an answer: the usual and the slow case, in milliseconds."""

    label: str
    p50: float
    p95: float


def _x(value: float) -> float:
    return LEFT + value * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return HEIGHT - BOTTOM - value * (HEIGHT - BOTTOM - TOP)


def _frame(title: str, across: str, up: str, body: str) -> str:
    grid = "".join(
        f'<line class="grid" x1="{_x(0):.1f}" x2="{_x(1):.1f}" y1="{_y(v):.1f}" y2="{_y(v):.1f}"/>'
        f'<line class="grid" x1="{_x(v):.1f}" x2="{_x(v):.1f}" y1="{_y(0):.1f}" y2="{_y(1):.1f}"/>'
        f'<text class="tick" x="{_x(0) - 6:.1f}" y="{_y(v) + 3:.1f}" text-anchor="end">{v:g}</text>'
        f'<text class="tick" x="{_x(v):.1f}" y="{_y(0) + 14:.1f}" text-anchor="middle">{v:g}</text>'
        for v in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    middle_y = (_y(0) + _y(1)) / 2
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{grid}{body}'
        f'<text class="axis" x="{(_x(0) + _x(1)) / 2:.1f}" y="{HEIGHT - 6}" '
        f'text-anchor="middle">{across}</text>'
        f'<text class="axis" transform="translate(11 {middle_y:.1f}) rotate(-90)" '
        f'text-anchor="middle">{up}</text></svg>'
    )


def risk_coverage(curve: Sequence[tuple[float, float]]) -> str:
    """Return the risk-coverage curve: how often wrong, if only the surest are answered."""
    points = " ".join(f"{_x(coverage):.1f},{_y(risk):.1f}" for coverage, risk in curve)
    dots = "".join(
        f'<circle class="dot" cx="{_x(c):.1f}" cy="{_y(r):.1f}" r="2.5">'
        f"<title>answering {c:.0%}: {r:.1%} wrong</title></circle>"
        for c, r in curve
    )
    return _frame(
        "Risk and coverage",
        "share of questions answered",
        "share of those wrong",
        f'<polyline class="line" points="{points}"/>{dots}',
    )


def calibration(bins: Sequence[Bin]) -> str:
    """Return the calibration diagram: confidence across, how often right up."""
    most = max((b.count for b in bins), default=1)
    dots = "".join(
        f'<circle class="dot" cx="{_x(b.confidence):.1f}" cy="{_y(b.accuracy):.1f}" '
        f'r="{3 + 7 * b.count / most:.1f}"><title>{b.count} answers at {b.confidence:.2f}: '
        f"{b.accuracy:.0%} right</title></circle>"
        for b in bins
    )
    ideal = (
        f'<line class="ideal" x1="{_x(0):.1f}" y1="{_y(0):.1f}" x2="{_x(1):.1f}" y2="{_y(1):.1f}"/>'
    )
    return _frame("Calibration", "confidence", "share right", ideal + dots)


def latency(bars: Sequence[Bar]) -> str:
    """Return p50 and p95 of each stage as horizontal bars, longest scale 100 %."""
    most = max((bar.p95 for bar in bars), default=1.0) or 1.0
    row = 30
    height = row * len(bars) + 14
    left, room = 92, WIDTH - 92 - 66
    body = ""
    for at, bar in enumerate(bars):
        y = 8 + at * row
        body += (
            f'<text class="tick" x="{left - 6}" y="{y + 13}" text-anchor="end">{bar.label}</text>'
            f'<rect class="slow" x="{left}" y="{y}" width="{room * bar.p95 / most:.1f}" '
            f'height="18" rx="2"/>'
            f'<rect class="usual" x="{left}" y="{y + 4}" width="{room * bar.p50 / most:.1f}" '
            f'height="10" rx="2"/>'
            f'<text class="tick" x="{left + room * bar.p95 / most + 5:.1f}" y="{y + 13}">'
            f"{bar.p50:.0f} / {bar.p95:.0f}</text>"
        )
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Latency">{body}</svg>'


def interval(value: float, low: float | None, high: float | None) -> str:
    """Return a small picture of a figure from 0 to 1 with its interval."""
    width = 150.0
    span = (
        f'<line class="span" x1="{5 + low * (width - 10):.1f}" '
        f'x2="{5 + high * (width - 10):.1f}" y1="8" y2="8"/>'
        if low is not None and high is not None
        else ""
    )
    return (
        f'<svg class="interval" viewBox="0 0 {width:.0f} 16" aria-hidden="true">'
        f'<line class="grid" x1="5" x2="{width - 5:.0f}" y1="8" y2="8"/>{span}'
        f'<circle class="dot" cx="{5 + value * (width - 10):.1f}" cy="8" r="3.5"/></svg>'
    )
