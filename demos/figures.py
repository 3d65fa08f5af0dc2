"""Figures as HTML and inline SVG: sharp on every screen, readable by a screen reader, at home in dark mode.

Colours come from style.css; what a colour means is always written too.
"""

import html
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Bar:
    """One recogniser's answer to "is this still the same person?".

    Attributes:
        title: the model's name.
        role: "found with it", "never seen by the search" or, without figures, why there are none.
        unseen: whether the search never saw the model.
        clean: cosine of two clean photos of the person, None when the model is not there.
        painted: cosine after painting or with a patch, None before there is one.
        threshold: cosine from which the model accepts.
        stranger: typical cosine of two different people: the left end of the scale.
        same: typical cosine of the same person: most of the way to the right end.
        band: 5th and 95th percentile of random patterns of equal area, or None when not measured.
        verdicts: what is said at the threshold or above, and below.
    """

    title: str
    role: str
    unseen: bool
    clean: float | None = None
    painted: float | None = None
    threshold: float = 0.0
    stranger: float = 0.0
    same: float = 1.0
    band: tuple[float, float] | None = None
    verdicts: tuple[str, str] = ("still accepted", "not recognised")

    def place(self, cosine: float) -> float:
        """Where a cosine lies, in percent of the track: 12 is a stranger, 85 the same person."""
        span = max(self.same - self.stranger, 1e-6)
        return min(max(12 + 73 * (cosine - self.stranger) / span, 0.0), 100.0)


PAINTED: Mapping[str, str] = MappingProxyType(
    {
        "seen": "after painting, models searched with",
        "unseen": "after painting, models never seen",
        "before": "without paint",
        "band": "random patterns, 5th to 95th percentile",
        "threshold": "accepted from here",
    }
)


def bars(
    rows: Sequence[Bar],
    caption: str,
    words: Mapping[str, str] = PAINTED,
    label: str = "Similarity by recogniser",
) -> str:
    """One row a recogniser: how alike the faces still are, against the model's own threshold.

    Args:
        rows: from top.
        caption: a sentence below.
        words: what each kind of mark is called in the legend.
        label: of the whole figure, for those who do not see it.
    """
    if not rows:
        return ""
    legend = "".join(
        f'<span><i class="{kind}"></i>{html.escape(told)}</span>' for kind, told in words.items()
    )
    body = "".join(_bar(row) for row in rows)
    return (
        f'<figure class="facet-bars" role="group" aria-label="{html.escape(label)}">{body}'
        f'<div class="legend" aria-hidden="true">{legend}</div>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _bar(row: Bar) -> str:
    name, _, rest = row.title.partition(" (")
    data = f"({html.escape(rest)} · " if rest else ""
    title = f"<b>{html.escape(name)}</b> <small>{data}{html.escape(row.role)}</small>"
    if row.clean is None:
        return f'<div class="row absent"><div class="name">{title}</div></div>'
    marks = [f'<i class="before" style="left:{row.place(row.clean):.1f}%"></i>']
    words = f"{row.clean:.2f}"
    if row.painted is not None:
        kind = "unseen" if row.unseen else "seen"
        marks.insert(0, f'<i class="fill {kind}" style="width:{row.place(row.painted):.1f}%"></i>')
        verdict = row.verdicts[row.painted < row.threshold]
        words = f"{row.clean:.2f} → {row.painted:.2f} · {verdict}"
    if row.band is not None:
        left, right = row.place(row.band[0]), row.place(row.band[1])
        marks.append(f'<i class="band" style="left:{left:.1f}%;width:{max(right - left, 0.8):.1f}%"></i>')
    marks.append(f'<i class="threshold" style="left:{row.place(row.threshold):.1f}%"></i>')
    return (
        f'<div class="row"><div class="name">{title}<span class="value">{words}</span></div>'
        f'<div class="track" aria-hidden="true">{"".join(marks)}</div>'
        f'<span class="sr-only">threshold {row.threshold:.2f}</span></div>'
    )


def best_so_far(
    points: Sequence[tuple[float, float]],
    band: tuple[float, float] | None,
    *,
    end: float,
    unit: str,
    caption: str,
) -> str:
    """The search's best score against time, over the band of random patterns of equal area.

    Args:
        points: (time or evaluations, score), lower is better, in order.
        band: 5th and 95th percentile of the random patterns' scores.
        end: the right end of the axis.
        unit: what the axis counts, for instance "s".
        caption: a sentence below the figure.
    """
    if not points:
        return ""
    values = [score for _, score in points] + list(band or ()) + [0.0]
    top, low = max(values), min(values)
    pad = 0.08 * max(top - low, 1e-6)
    top, low = top + pad, low - pad
    end = max(end, points[-1][0], 1e-6)

    def x(value: float) -> float:
        return 600 * value / end

    def y(value: float) -> float:
        return 220 * (top - value) / (top - low)

    steps = [f"{x(points[0][0]):.1f},{y(points[0][1]):.1f}"]
    for (_, before), (time, score) in itertools.pairwise(points):
        steps += [f"{x(time):.1f},{y(before):.1f}", f"{x(time):.1f},{y(score):.1f}"]
    steps.append(f"{x(end) if len(points) == 1 else x(points[-1][0]):.1f},{y(points[-1][1]):.1f}")
    parts = [f'<line class="threshold" x1="0" x2="600" y1="{y(0):.1f}" y2="{y(0):.1f}"/>']
    if band is not None:
        upper, lower = y(band[1]), y(band[0])
        height = max(lower - upper, 2)
        parts.insert(0, f'<rect class="band" x="0" width="600" y="{upper:.1f}" height="{height:.1f}"/>')
    parts.append(f'<polyline class="line" points="{" ".join(steps)}"/>')
    last = points[-1][1]
    label = f"Best score so far {last:.2f}" + (
        f"; random patterns {band[0]:.2f} to {band[1]:.2f}" if band else ""
    )
    return (
        '<figure class="facet-chart"><svg viewBox="0 0 600 220" preserveAspectRatio="none" '
        f'role="img" aria-label="{html.escape(label)}">{"".join(parts)}</svg>'
        f'<div class="axis"><span>0</span><span>{end:.0f} {html.escape(unit)}</span></div>'
        f"<figcaption>{html.escape(label)}. {html.escape(caption)}</figcaption></figure>"
    )


def matrix(
    rows: Sequence[str],
    columns: Sequence[str],
    shares: Mapping[tuple[str, str], float],
    seen: Collection[tuple[str, str]],
    caption: str,
) -> str:
    """A transfer matrix as a coloured table: rows are what was painted, columns the models that judge.

    Args:
        rows: names of the rows, from top.
        columns: names of the columns.
        shares: accepted share in 0..1 by (row, column).
        seen: cells whose model took part in the row's search.
        caption: a sentence that says what the numbers are.
    """
    head = ""
    for name in columns:
        first, gap, rest = html.escape(name).partition(" (")
        head += f"<th scope='col'><span>{first}{'<br>(' if gap else ''}{rest}</span></th>"
    body = ""
    for row in rows:
        cells = "".join(_cell(shares.get((row, name)), (row, name) in seen) for name in columns)
        body += f"<tr><th scope='row'>{html.escape(row)}</th>{cells}</tr>"
    return (
        f'<figure class="facet-matrix"><div class="facet-scroll"><table><thead><tr><th></th>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table></div><figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _cell(share: float | None, seen: bool) -> str:
    if share is None:
        return "<td>–</td>"
    kind = "below" if share < 0.5 else "above"
    dot = ' <span title="the search used this model">•</span>' if seen else ""
    return f'<td class="{kind}" style="--strength:{2 * abs(share - 0.5):.2f}">{share:.0%}{dot}</td>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, absent: Sequence[int] = ()) -> str:
    """A plain table; ``absent`` are the numbers of rows drawn grey."""
    top = "".join(f"<th scope='col'>{html.escape(name)}</th>" for name in head)
    body = ""
    for number, row in enumerate(rows):
        grey = ' class="absent"' if number in absent else ""
        cells = (
            f'<td data-label="{html.escape(name)}">{html.escape(cell)}</td>'
            for name, cell in zip(head, row, strict=True)
        )
        body += f"<tr{grey}>{''.join(cells)}</tr>"
    return (
        f'<div class="facet-scroll"><table class="facet-table"><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
