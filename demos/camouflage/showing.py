"""Results as the visitor sees them: picture first, then words, then bars."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from demos.base import Update
from demos.camouflage.bench import Bench
from demos.camouflage.parts import Parts
from demos.figures import Bar, bars
from demos.pictures import preview
from demos.sessions import Session

if TYPE_CHECKING:
    from core.camouflage.figures import ModelFigures
    from core.camouflage.verdict import Verdict
    from core.recognition.thresholds import Thresholds
    from core.types import Pixels


def pictures(session: Session, before: "Pixels", after: "Pixels") -> tuple[str, str]:
    """Both sides of the slider as files for this visitor."""
    from core.media import images

    return tuple(
        session.write(f"{name}.webp", images.save(preview(pixels), "webp", quality=88), slot=name)
        for name, pixels in (("before", before), ("after", after))
    )  # type: ignore[return-value]  # two names, two paths


def bar_rows(
    figures: Sequence["ModelFigures"],
    thresholds: "dict[str, Thresholds]",
    absent: Sequence[tuple[str, str]],
) -> list[Bar]:
    """The bars of all recognisers: those that judged, then those that are not here with the reason."""
    rows = [
        Bar(
            title=one.title,
            role="found with it" if one.role == "optimised" else "never seen by the search",
            unseen=one.role == "unseen",
            clean=one.clean,
            painted=one.painted,
            threshold=one.threshold,
            stranger=thresholds[one.name].impostor_mean,
            same=thresholds[one.name].genuine_mean,
            band=(one.band.low, one.band.high) if one.band else None,
        )
        for one in figures
    ]
    return rows + [Bar(title, reason, True) for title, reason in absent]


def bars_of(rows: Sequence[Bar], figures: Sequence["ModelFigures"]) -> str:
    """The bars with their caption."""
    if not figures:
        return bars(rows, "")
    pairs, rate = figures[0].comparisons, figures[0].far
    return bars(
        rows,
        f"Mean cosine over {pairs} comparison{'s' * (pairs != 1)} of a painted with a clean photo. "
        f"The red line is each model's own threshold at a false accept rate of {rate:.0%}; the scale runs from "
        "a typical stranger (left) to the same person (right), so that models can be compared.",
    )


def words(verdict: "Verdict") -> str:
    """The verdict as text: a headline, then a sentence for each group of models and each caveat."""
    details = "".join(f"<li>{html.escape(text)}</li>" for text in verdict.details)
    return (
        f'<section class="facet-verdict {verdict.level}" aria-live="polite">'
        f"<p><b>{html.escape(verdict.headline)}</b></p><ul>{details}</ul></section>"
    )


def measured(session: Session, bench: Bench, parts: Parts) -> Update:
    """Everything that follows from the pattern on the bench."""
    raise NotImplementedError
