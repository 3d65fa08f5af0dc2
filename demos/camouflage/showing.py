"""Results as the visitor sees them: picture first, then words, then bars."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from core import weights
from demos.base import Update
from demos.camouflage.bench import Bench, Shot
from demos.camouflage.parts import Parts
from demos.figures import Bar, bars, best_so_far, matrix, table
from demos.models import runnable
from demos.pictures import preview, tinted
from demos.sessions import Session

if TYPE_CHECKING:
    from core.camouflage.figures import ModelFigures
    from core.camouflage.system import Result
    from core.camouflage.verdict import Verdict

ROLES = {
    ("found", "optimised"): "searched with",
    ("found", "unseen"): "never seen by the search",
    ("ready", "optimised"): "searched with, on other people",
    ("ready", "unseen"): "never seen by the search",
    ("hand", "unseen"): "judges your design",
}


def shown(session: Session, bench: Bench, parts: Parts) -> Update:
    """The pattern on the bench: pictures, words and bars of what was measured last."""
    assert bench.judgement is not None
    results = parts.results
    return {
        results.slider: pictures(session, bench),
        results.verdict: words(bench.judgement.verdict),
        results.bars: bars_of(bench),
        results.files: None,
    }


def searched(result: "Result", parts: Parts) -> Update:
    """How the search went, and whether its pattern carries over."""
    return {
        parts.results.chart_box: gr.update(visible=True),
        parts.results.chart: chart(
            [(seconds, best) for _, seconds, best in result.search.history], _band(result.search.band)
        ),
        parts.results.transfer: carried(result),
    }


def pictures(session: Session, bench: Bench) -> tuple[str, str]:
    """The shown photo without and with the pattern, as files for this visitor."""
    from core.camouflage.project import paint
    from core.media import images

    main = bench.main()
    after = paint(main.image.pixels, main.face, bench.pattern) if bench.pattern else main.image
    both = [
        session.write(f"{name}.webp", images.save(preview(pixels), "webp", quality=88), slot=name)
        for name, pixels in (("before", main.image.pixels), ("after", after.pixels))
    ]
    return both[0], both[1]


def regions(session: Session, shot: Shot, parts: Parts) -> Update:
    """The regions of the shown face in colours, with their names."""
    from core.faces import regions as anatomy
    from core.faces import skin
    from core.media import images

    pixels, parser = shot.image.pixels, skin.parser()
    found = anatomy.masks(shot.face, *pixels.shape[:2], pixels=pixels, parser=parser)
    picture, colors = tinted(pixels, found)
    judge = "a face parser and their colour tell" if parser else "their colour tells"
    chips = "".join(
        f'<span><i style="background:{color}"></i>{name}</span>' for name, color in colors.items()
    )
    path = session.write("regions.webp", images.save(preview(picture), "webp", quality=88), slot="regions")
    return {
        parts.results.regions: path,
        parts.results.legend: f'<div class="legend">{chips}</div><div class="facet-note">Paint goes on skin '
        "only: eyes, brows, lips and nostrils stay free, and so does what lies outside the face, and hair, "
        f"beards and glasses as far as {judge} them.</div>",
    }


def bars_of(bench: Bench) -> str:
    """One bar a recogniser; those that are not here come last, with the reason."""
    from core.recognition import thresholds

    figures: Sequence[ModelFigures] = bench.judgement.figures if bench.judgement else ()
    known = thresholds.load()
    rows = [
        Bar(
            title=one.title,
            role=ROLES.get((bench.origin, one.role), one.role),
            unseen=one.role == "unseen",
            clean=one.clean,
            painted=one.painted,
            threshold=one.threshold,
            stranger=known[one.name].impostor_mean,
            same=known[one.name].genuine_mean,
            band=(one.band.low, one.band.high) if one.band else None,
        )
        for one in figures
    ]
    here = {one.name for one in figures}
    rows += [
        Bar(entry.title, weights.status(entry.name).reason, True)
        for entry in runnable("recognition")
        if entry.name not in here and not entry.optional
    ]
    return bars(rows, _caption(figures))


def _caption(figures: "Sequence[ModelFigures]") -> str:
    if not figures:
        return ""
    count, rate = figures[0].comparisons, figures[0].far
    return (
        f"Mean cosine over {count} comparison{'s' * (count != 1)} of a painted with a clean photo. The red "
        f"line is each model's own threshold at a false accept rate of {rate:.0%}. The scale runs from a "
        "typical stranger on the left to the same person on the right, so that models can be compared."
    )


def words(verdict: "Verdict") -> str:
    """The verdict as text: a headline, then a sentence for each group of models and each caveat."""
    details = "".join(f"<li>{html.escape(text)}</li>" for text in verdict.details)
    return (
        f'<section class="facet-verdict {verdict.level}" aria-live="polite" data-level="{verdict.level}">'
        f"<p><b>{html.escape(verdict.headline)}</b></p><ul>{details}</ul></section>"
    )


def chart(points: Sequence[tuple[float, float]], band: tuple[float, float] | None, end: float = 0.0) -> str:
    """The best score so far over the band of the random patterns."""
    return best_so_far(
        points,
        band,
        end=end or points[-1][0] if points else 1.0,
        unit="s",
        caption="In impostor spreads above the threshold of the least impressed model, penalties included; "
        "below the dashed line they reject. Yellow: the search's random patterns of equal area.",
    )


def _band(randoms: Sequence[float]) -> tuple[float, float] | None:
    ordered = sorted(randoms)
    if not ordered:
        return None
    low, high = (ordered[round(share * (len(ordered) - 1))] for share in (0.05, 0.95))
    return low, high


def carried(result: "Result") -> str:
    """The transfer matrix and what survives saving and resizing, as far as they were asked for."""
    parts: list[str] = []
    names: dict[str, str] = {one.name: one.title for one in result.judgement.figures}
    if result.transfer is not None:
        grid = result.transfer
        titles = [names.get(column, column) for column in grid.columns]
        places = [(i, j) for i in range(len(grid.rows)) for j in range(len(titles))]
        values = {(grid.rows[i], titles[j]): float(grid.accepted[i, j]) for i, j in places}
        seen = {(grid.rows[i], titles[j]) for i, j in places if grid.optimised[i, j]}
        parts.append(
            matrix(
                grid.rows,
                titles,
                values,
                seen,
                "Share of comparisons that each model (column) still accepts. A dot: the search of that row "
                "used the model; cells without a dot show transfer.",
            )
        )
    if result.survival:
        columns = list(next(iter(result.survival.values())))
        rows: list[list[Any]] = [
            [treatment, *(f"{shares[name]:.0%}" for name in columns)]
            for treatment, shares in result.survival.items()
        ]
        parts.append("<h4>After saving, resizing, blurring: still accepted</h4>")
        parts.append(table(["Treatment", *(names.get(name, name) for name in columns)], rows))
    return "".join(parts) or (
        '<div class="facet-note">The “Thorough” preset also saves, shrinks and blurs the painted photo and '
        "looks again. The purple bars above are models that this search never saw.</div>"
    )
