"""A log-log line chart as SVG, without a library."""

from __future__ import annotations

import math
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 360, 64, 48, 32, 120
COLOURS = ("#2563eb", "#c2410c", "#15803d", "#7c3aed")
Points = list[tuple[float, float]]


def chart(title: str, x_label: str, y_label: str, lines: dict[str, Points]) -> str:
    """Give the chart of named lines; all values are above 0."""
    points = [point for line in lines.values() for point in line]
    xs, ys = _Scale([x for x, _ in points], LEFT, WIDTH - RIGHT), _Scale([y for _, y in points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 {HEIGHT / 2})">{escape(y_label)}</text>',
    ]
    parts += [
        f'<text x="{xs.at(x):.0f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>'
        for x in sorted({x for x, _ in points})
    ]
    for y in ys.ticks():
        parts.append(f'<path d="M{LEFT} {ys.at(y):.0f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{ys.at(y) + 4:.0f}" text-anchor="end">{y:g}</text>')
    for colour, (name, line) in zip(COLOURS, lines.items(), strict=False):
        path = "L".join(f"{xs.at(x):.1f} {ys.at(y):.1f}" for x, y in line)
        x, y = line[-1]
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{xs.at(x) + 6:.0f}" y="{ys.at(y) + 4:.0f}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    def __init__(self, values: list[float], low: float, high: float) -> None:
        self._first, self._last = math.log10(min(values)), math.log10(max(values))
        self._low, self._high = low, high

    def at(self, value: float) -> float:
        """Give where a value is drawn."""
        part = (math.log10(value) - self._first) / ((self._last - self._first) or 1)
        return self._low + part * (self._high - self._low)

    def ticks(self) -> list[float]:
        """Give the round values in between, such as 1, 2, 5 and 10."""
        decades = range(math.floor(self._first), math.ceil(self._last) + 1)
        candidates = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
        return [value for value in candidates if self._first <= math.log10(value) <= self._last]
