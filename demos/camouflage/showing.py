"""Results as the visitor sees them: picture first, then words, then bars."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import gradio as gr

from core import weights
from demos.base import Update
from demos.camouflage.bench import Bench, Shot
from demos.camouflage.parts import Parts
from demos.camouflage.words import LEFT_OUT, MATRIX, MATRIX_PLAIN, MORE, NOT_YET, SURVIVED
from demos.figures import Bar, bars, best_so_far, matrix
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
    ready = bench.origin == "ready"
    return {
        parts.ready: gr.skip() if ready else None,
        parts.ready_note: gr.skip() if ready else "",
        results.slider: pictures(session, bench),
        results.verdict: words(bench.judgement.verdict),
        results.bars: bars_of(bench),
        results.transfer: carried(bench),
        results.files: None,
    }


def searched(result: "Result", parts: Parts) -> Update:
    """How the search went."""
    return {
        parts.results.chart_box: gr.update(visible=True),
        parts.results.chart: chart(
            [(seconds, best) for _, seconds, best in result.search.history], _band(result.search.band)
        ),
    }


def pictures(session: Session, bench: Bench) -> tuple[str, str]:
    """The shown photo without and with the pattern, as files for this visitor."""
    from core.media import images

    main = bench.main()
    after = bench.work().painted(bench.pattern) if bench.pattern else main.image
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
        caption="How far the recognisers of the search are from rejecting the face, mostly those that are "
        "hardest to escape, in spreads of their scores for strangers: lower is better, below the dashed line "
        "they reject. Yellow: the search's random patterns of equal area.",
    )


def _band(randoms: Sequence[float]) -> tuple[float, float] | None:
    ordered = sorted(randoms)
    if not ordered:
        return None
    low, high = (ordered[round(share * (len(ordered) - 1))] for share in (0.05, 0.95))
    return low, high


def carried(bench: Bench) -> str:
    """The transfer matrix, and what survives saving and resizing where that was asked for."""
    from core.camouflage.session import titles
    from core.camouflage.transfer import matrix as lay_out
    from core.camouflage.transfer_picture import label

    if bench.judgement is None:
        return NOT_YET
    names = titles()
    grid = lay_out(bench.judgement.figures, bench.result.left_out if bench.result else {})
    rows = [label(row, names) for row in grid.rows]
    columns = [names.get(column, column) for column in grid.columns]
    places = [(i, j) for i in range(len(rows)) for j in range(len(columns))]
    shares = {(rows[i], columns[j]): float(grid.accepted[i, j]) for i, j in places}
    known = {place: share for place, share in shares.items() if share == share}  # not NaN
    seen = {(rows[i], columns[j]) for i, j in places if grid.optimised[i, j]}
    parts = [matrix(rows, columns, known, seen, MATRIX if seen else MATRIX_PLAIN)]
    if bench.result and bench.result.left_out:
        parts.append(f'<div class="facet-note">{LEFT_OUT}</div>')
    survived = bench.result.survival if bench.result else {}
    if survived:
        judges = list(next(iter(survived.values())))
        body = {(name, judge): share for name, row in survived.items() for judge, share in row.items()}
        shown = {(name, names.get(judge, judge)): share for (name, judge), share in body.items()}
        parts.append("<h4>After saving, resizing or blurring the painted photo</h4>")
        parts.append(
            matrix(list(survived), [names.get(judge, judge) for judge in judges], shown, (), SURVIVED)
        )
    elif bench.origin == "found":
        parts.append(f'<div class="facet-note">{MORE}</div>')
    return "".join(parts)
