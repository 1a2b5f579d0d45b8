"""Expected against observed, as a picture MLflow's page shows without network or scripts."""

from __future__ import annotations

import dataclasses
from html import escape
from typing import Any

HEIGHT, GROUND, LEFT, STEP = 320, 250, 60, 34
COLORS = {"expected": "#0072b2", "observed": "#e69f00"}  # told apart by the color-blind as well


@dataclasses.dataclass(frozen=True)
class Bars:
    """A pair of bars for each label; ``values`` says what they count."""

    title: str
    values: str
    labels: tuple[str, ...]
    expected: tuple[float, ...]
    observed: tuple[float, ...]

    def table(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return dataclasses.asdict(self)

    def svg(self) -> str:
        """The chart as SVG; every bar says its number when pointed at."""
        width = LEFT + STEP * len(self.labels) + 20
        top = max((*self.expected, *self.observed), default=0.0) or 1.0
        parts = [f'<text x="8" y="20" font-weight="bold">{escape(self.title)}</text>']
        for place, (name, color) in enumerate(COLORS.items()):
            parts.append(_box((LEFT + 110 * place, 32), (10, 10), color, name))
            parts.append(f'<text x="{LEFT + 110 * place + 14}" y="42">{name}</text>')
        for share in (0.0, 0.5, 1.0):
            y = GROUND - share * (GROUND - 60)
            parts.append(f'<path d="M{LEFT} {y}H{width}" stroke="#999" stroke-width="0.5"/>')
            parts.append(
                f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{_number(top * share)}</text>'
            )
        for place, (label, *pair) in enumerate(
            zip(self.labels, self.expected, self.observed, strict=True)
        ):
            x = LEFT + STEP * place + 4
            for side, (name, value) in enumerate(zip(COLORS, pair, strict=True)):
                tall = max(value, 0.0) / top * (GROUND - 60)
                said = f"{label}: {_number(value)} {self.values} {name}"
                parts.append(_box((x + 13 * side, GROUND - tall), (12, tall), COLORS[name], said))
            parts.append(
                f'<text transform="translate({x + 16} {GROUND + 12}) rotate(-60)" '
                f'text-anchor="end">{escape(label)}</text>'
            )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {max(width, 640)} {HEIGHT}" '
            f'font-family="sans-serif" font-size="11" role="img" aria-label="{escape(self.title)}">'
            f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>'
        )


def _box(place: tuple[float, float], size: tuple[float, float], color: str, said: str) -> str:
    (x, y), (width, height) = place, size
    return (
        f'<rect x="{x:g}" y="{y:.1f}" width="{width:g}" height="{height:.1f}" fill="{color}">'
        f"<title>{escape(said)}</title></rect>"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
