"""Results as the visitor sees them: the picture first, then words, bars, the gallery, and way beside way."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from demos.base import Update, notices_panel
from demos.camouflage import examples
from demos.figures import Bar, bars
from demos.patches import canvas, words
from demos.patches.bench import AIM, RANDOMS, YOU, Bench, Tried
from demos.patches.parts import Parts
from demos.pictures import embedded, inlined, numbered, preview
from demos.sessions import Session

if TYPE_CHECKING:
    from core.patches.session import Figure, Hit, Judgement
    from core.types import Pixels

SIDE = 520  # pixels of the picture on the screen
THUMB = 72


def blank(parts: Parts) -> Update:
    """The result's side without a result."""
    results = parts.results
    return {
        results.working: "",
        results.empty: gr.update(visible=True),
        results.figures: gr.update(visible=False),
        results.slider: None,
        results.opacity: 100,
        results.shown: gr.update(choices=[], value=None),
        results.verdict: "",
        results.own: "",
        results.target: "",
        results.hits: "",
        results.ways: "",
        results.eyes: gr.update(choices=[], value=None),
        results.explained: "",
        results.defence: False,
        results.defended: "",
        results.files_box: gr.update(open=False),
        results.files: None,
    }


def probe(session: Session, bench: Bench, parts: Parts) -> Update:
    """The inputs' side for the probe on the bench."""
    from core.media import images

    inputs, one = parts.inputs, bench.probe
    if one is None:
        return {
            inputs.photo: None,
            inputs.advice: "",
            inputs.person: gr.update(choices=[], value=None, visible=False),
            **drawable(session, bench, parts),
        }
    several = len(one.faces) > 1
    picture = preview(numbered(one.photo, one.faces, one.chosen) if several else one.photo)
    return {
        inputs.photo: session.write("photo.webp", images.save(picture, "webp", quality=88), slot="probe"),
        inputs.advice: notices_panel(one.advice),
        inputs.person: gr.update(
            choices=[(f"Person {index + 1}", index) for index in range(len(one.faces))],
            value=one.chosen,
            visible=several,
        ),
        **drawable(session, bench, parts),
    }


def drawable(session: Session, bench: Bench, parts: Parts) -> Update:
    """The places for this kind, and the picture to draw on where that is asked for."""
    from core.media import images

    kind = "faces" if bench.probe is None else bench.probe.kind
    wanted = bench.place == "drawn" and bench.probe is not None
    path = None
    if wanted and bench.probe is not None:
        picture = images.save(bench.probe.picture, "webp", quality=90)
        path = session.write("draw.webp", picture, slot="draw")
    return {
        parts.inputs.place: gr.update(
            choices=[(title, name) for name, title in words.PLACES[kind].items()], value=bench.place
        ),
        parts.inputs.canvas: gr.update(value=path, visible=wanted),
        parts.inputs.strokes: "",
    }


def shown(session: Session, bench: Bench, parts: Parts) -> Update:
    """The patch on the bench: pictures, words and bars of what was measured last."""
    results, now, work = parts.results, bench.now, bench.work()
    assert now is not None
    choices = [(tried.title, name) for name, tried in bench.tried.items()]
    eyes = [(figure.title, figure.name) for figure in now.figures]
    return {
        results.empty: gr.update(visible=False),
        results.figures: gr.update(visible=True),
        results.slider: pictures(session, bench),
        results.shown: gr.update(choices=choices, value=bench.shown),
        results.verdict: verdict(bench),
        results.own: _bars(bench, "own"),
        results.target: _bars(bench, "target") if work.target is not None else "",
        results.hits: hits(bench),
        results.ways: ways(bench),
        results.eyes: gr.update(choices=eyes, value=eyes[0][1]),
        results.explained: "",
        results.defence: False,
        results.defended: "",
        results.files: None,
    }


def pictures(session: Session, bench: Bench) -> tuple[str, str]:
    """Without and with the patch, as files for this visitor; the second says of itself what it is."""
    from core.media import images
    from core.patches import safety

    before, after = views(bench)
    mode, method = bench.current().mode, bench.current().way
    limit = safety.exportable(mode).side  # type: ignore[arg-type]
    contents = {
        "before.webp": images.save(before if limit is None else preview(before, limit), "webp", quality=90),
        "after.jpg": safety.export_picture(after, mode, method, "jpeg", 90),  # type: ignore[arg-type]
    }
    both = [session.write(name, data, slot=f"patch-{Path(name).stem}") for name, data in contents.items()]
    return both[0], both[1]


def views(bench: Bench) -> "tuple[Pixels, Pixels]":
    """The part of the photo that matters, without and with the patch."""
    one = bench.main()
    if one.kind == "persons":
        after = canvas.on_photo(
            canvas.enlarged(one.picture, 2), 0.5 * np.array([[1, 0, -0.5], [0, 1, -0.5]]), bench.patch(),
            bench.slot(), bench.opacity,
        )  # fmt: skip
        return canvas.enlarged(one.picture, 2), after
    photo = preview(one.photo, 1600)
    share = photo.shape[1] / one.photo.shape[1]
    matrix = np.asarray(one.matrix, np.float64).copy()
    matrix[:, 2] += matrix[:, :2] @ np.full(2, (1 / share - 1) / 2)  # centres of pixels at whole numbers
    matrix[:, :2] /= share
    after = canvas.on_photo(photo, matrix, bench.patch(), bench.slot(), bench.opacity)
    x0, y0, x1, y1 = (share * value for value in one.faces[one.chosen].box)
    return tuple(preview(canvas.around(p, (x0, y0, x1, y1)), SIDE) for p in (photo, after))  # type: ignore[return-value]


def verdict(bench: Bench) -> str:
    """What was reached, in words."""
    now, work = bench.now, bench.work()
    assert now is not None
    aimed = work.target is not None
    details = []
    for seen, name in ((True, "attacked"), (False, "never seen")):
        group = [one for one in now.figures if one.seen == seen]
        if group:
            details.append(_group(group, name, aimed, bench))
    first, second = now.rank
    if aimed and now.target_rank is not None:
        details.append(
            f"Among {len(work.names)} pictures of the gallery, the target’s best comes in place "
            f"{now.target_rank[0]} without and {now.target_rank[1]} with the patch."
        )
    else:
        details.append(
            f"Searched among {len(work.names)} pictures of the gallery, the person’s own best comes in place "
            f"{first} without and {second} with the patch."
        )
    if not bench.main().bundled:
        details.append("Your photo is compared with itself, which is harder to hide from than another photo.")
    if aimed and bench.stranger:
        details.append(
            "The attacker has the very photo of the target that judges: that favours the attacker."
        )
    headline, level = _headline(now.figures, aimed)
    items = "".join(f"<li>{html.escape(text)}</li>" for text in details)
    return (
        f'<section class="facet-verdict {level}" aria-live="polite" data-level="{level}">'
        f"<p><b>{html.escape(headline)}</b></p><ul>{items}</ul></section>"
    )


def _headline(figures: "Sequence[Figure]", aimed: bool) -> tuple[str, str]:
    turned = [one.taken if aimed else one.hidden for one in figures]
    share = sum(turned) / len(turned)
    if aimed:
        told = f"{sum(turned)} of {len(turned)} encoders now take the person for the target"
    else:
        told = f"{sum(turned)} of {len(turned)} encoders no longer recognise the person"
    level = "strong" if share > 0.75 else "partial" if share > 0 else "none"
    return f"{told}." if sum(turned) else f"The patch turns nobody’s decision: {told}.", level


def _group(group: "Sequence[Figure]", name: str, aimed: bool, bench: Bench) -> str:
    names = {one.name for one in group}
    turned = sum(one.taken if aimed else one.hidden for one in group)
    chance = [
        sum((one.taken if aimed else one.hidden) for one in judged.figures if one.name in names)
        for judged in bench.chance
    ]
    what = "take the person for the target" if aimed else "lose the person"
    told = f"Encoders {name}: {turned} of {len(group)} {what}"
    if chance:
        told += f"; behind random squares in the same place {np.mean(chance):.1f} on average"
    return f"{told}."


def _bars(bench: Bench, side: str) -> str:
    now = bench.now
    assert now is not None
    rows = []
    for one in now.figures:
        pair = one.own if side == "own" else one.target
        assert pair is not None
        band = [
            getattr(figure, side)[1]
            for judged in bench.chance
            for figure in judged.figures
            if figure.name == one.name
        ]
        rows.append(
            Bar(
                title=one.title,
                role="attacked" if one.seen else "never seen",
                unseen=not one.seen,
                clean=pair[0],
                painted=pair[1],
                threshold=one.scale.threshold,
                stranger=one.scale.stranger,
                same=one.scale.same,
                band=(min(band), max(band)) if band else None,
                verdicts=_verdicts(side, pair[0] >= one.scale.threshold),
            )
        )
    whom = "the person’s own pictures" if side == "own" else "the target’s pictures"
    caption = (
        f"Mean cosine to {whom}. The red line is each encoder’s own threshold at a false accept rate of "
        f"{now.figures[0].scale.far:.0%}; the scale runs from a typical stranger on the left to the same "
        "person on the right."
    )
    title = "How alike to oneself" if side == "own" else "How alike to the target"
    return f"<h3>{title}</h3>" + bars(rows, caption, words.FACES, title)


def _verdicts(side: str, before: bool) -> tuple[str, str]:
    """What is said at the threshold or above, and below; ``before``: it was reached without the patch."""
    if side == "own":
        return (
            ("still accepted", "not recognised") if before else ("accepted", "not recognised without either")
        )
    return ("taken for them without, too" if before else "taken for them"), "refused"


def hits(bench: Bench) -> str:
    """The ten best of the gallery, before and after."""
    now, work = bench.now, bench.work()
    assert now is not None
    rows = [
        _hits("Without the patch", now.before, bench),
        _hits("With the patch", now.after, bench),
    ]
    target = '<span><i class="target"></i>the target</span>' if work.target is not None else ""
    return (
        f"<h3>Who a search finds</h3>"
        f'<figure class="facet-hits {work.kind}" role="group" aria-label="The ten best of the gallery">'
        f'{"".join(rows)}<div class="legend" aria-hidden="true"><span><i class="own"></i>the person</span>'
        f"{target}<span><i></i>somebody else</span></div>"
        "<figcaption>The gallery’s ten best by the mean cosine of the attacked encoders.</figcaption>"
        "</figure>"
    )


def _hits(name: str, found: "Sequence[Hit]", bench: Bench) -> str:
    work = bench.work()
    items = []
    for place, hit in enumerate(found, 1):
        kind = "own" if hit.identity == work.identity else "other"
        if work.target is not None and hit.identity == work.target.identity:
            kind = "target"
        picture = inlined(preview(work.picture(hit.row), THUMB if work.kind == "faces" else 96), "webp", 80)
        who = {"own": "the person", "target": "the target"}.get(kind, called(hit.identity))
        items.append(
            f'<li class="{kind}"><img src="{picture}" alt="{place}: {html.escape(who)}, {hit.score:.2f}">'
            f"<small>{hit.score:.2f}</small></li>"
        )
    return f"<div><h4>{html.escape(name)}</h4><ol>{''.join(items)}</ol></div>"


def called(identity: str) -> str:
    """A name of the gallery for the screen."""
    return {YOU: "you", AIM: "the second photo"}.get(identity, examples.title(identity))


def ways(bench: Bench) -> str:
    """All patches that were made, with what they do and cost; chance stands last."""
    aimed = bench.work().target is not None
    head = ["Way", "Attacked", "Never seen", "Turned", "Time", *(["Natural"] if bench.looks else [])]
    rows = [
        _way(
            tried.title,
            [tried.full],
            aimed,
            _time(tried),
            _thumb(tried),
            name == bench.shown,
            _natural(bench, name),
        )
        for name, tried in bench.tried.items()
    ]
    if bench.chance:
        rows.append(
            _way(
                f"{words.CHANCE} (mean of {RANDOMS})",
                bench.chance,
                aimed,
                "–",
                "",
                False,
                "–" if bench.looks else None,
            )
        )
    top = "".join(f"<th scope='col'>{name}</th>" for name in head)
    whom = "the target" if aimed else "oneself"
    wanted = "higher" if aimed else "lower"
    return (
        f'<div class="facet-scroll"><table class="facet-table facet-ways"><thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        f'<div class="facet-note">Mean cosine to {whom} at full opacity ({wanted} is the attacker’s aim), of '
        "encoders that were looked at and of others; “turned” counts decisions at each encoder’s threshold. "
        f"{_race(bench, aimed)}{_looks(bench)}</div>"
    )


def _looks(bench: Bench) -> str:
    if not bench.looks:
        return ""
    return (
        " “Natural” is the share of natural crops that are at least as far from other natural crops, by "
        "features, by total variation and by a detector of stickers, the worst of the three."
    )


def _race(bench: Bench, aimed: bool) -> str:
    one, slow = bench.tried.get("generator"), bench.tried.get("pgd")
    if one is None or slow is None:
        return "Search for a patch as well (left), and both are compared here."

    def change(tried: Tried) -> float:
        """Of the mean cosine, towards what the attacker wants."""
        pairs = [figure.target if aimed else figure.own for figure in tried.full.figures if figure.seen]
        gain = float(np.mean([pair[1] - pair[0] for pair in pairs if pair is not None]))
        return gain if aimed else -gain

    fast, full = change(one), change(slow)
    times = slow.made.seconds / max(one.made.seconds, 1e-4)
    moved = "raised" if aimed else "lowered"
    return (
        f"One pass {moved} the attacked encoders’ cosine by {fast:.2f}, the search by {full:.2f}; "
        f"the search took {times:.0f} times as long."
    )


def _way(
    title: str,
    judged: "Sequence[Judgement]",
    aimed: bool,
    time: str,
    thumb: str,
    chosen: bool,
    natural: str | None,
) -> str:
    def mean(seen: bool) -> str:
        found = [
            pair[1]
            for one in judged
            for figure in one.figures
            if figure.seen == seen and (pair := figure.target if aimed else figure.own) is not None
        ]
        return f"{np.mean(found):.2f}" if found else "–"

    turned = np.mean([sum(f.taken if aimed else f.hidden for f in one.figures) for one in judged])
    count = len(judged[0].figures)
    number = f"{turned:.0f} of {count}" if len(judged) == 1 else f"{turned:.1f} of {count}"
    cells = zip(
        ("Attacked", "Never seen", "Turned", "Time"), (mean(True), mean(False), number, time), strict=True
    )
    body = "".join(f'<td data-label="{name}">{value}</td>' for name, value in cells)
    if natural is not None:
        body += f'<td data-label="Natural">{natural}</td>'
    mark = ' class="chosen"' if chosen else ""
    return (
        f'<tr{mark}><td data-label="Way"><div>{thumb}<span>{html.escape(title)}</span></div></td>{body}</tr>'
    )


def _time(tried: Tried) -> str:
    """Seconds of those ways that compute something."""
    if tried.way in ("natural crop", "target crop", "camouflage", "natural sample"):
        return "–"
    seconds = tried.made.seconds
    return f"{1000 * seconds:.0f} ms" if seconds < 0.95 else f"{seconds:.1f} s"


def _natural(bench: Bench, name: str) -> str | None:
    """How natural a patch is; None where nobody asked."""
    if not bench.looks:
        return None
    if name not in bench.looks:
        return "–"
    share, within, sticker = bench.looks[name]
    return f"{share:.0%}{' · as a natural crop' if within else ''} <small>sticker {sticker:.0%}</small>"


def _thumb(tried: Tried) -> str:
    """The patch; where it may not leave alone, whoever wears it."""
    from core.patches import safety
    from core.patches.session import pixels

    if safety.exportable(tried.mode).patch:  # type: ignore[arg-type]
        return f'<img src="{labelled(pixels(tried.made.patch), tried)}" alt="the patch">'
    worn = preview(pixels(tried.full.worn), THUMB)
    return f'<img src="{labelled(worn, tried)}" alt="with the patch">'


def labelled(picture: "Pixels", tried: Tried) -> str:
    """An adversarial picture as a data address; its metadata say what it is."""
    from core.patches import safety

    return embedded(safety.watermark(picture, tried.mode, tried.way, "jpeg", 88), "jpeg")  # type: ignore[arg-type]


def aimed(bench: Bench) -> str:
    """Who the target is."""
    if bench.aim is None:
        return ""
    picture = inlined(preview(bench.aim.picture, 96), "webp", 85)
    return (
        f'<div class="facet-aimed"><img src="{picture}" alt=""><span>To be taken for: '
        f"<b>{html.escape(called(bench.aim.name))}</b></span></div>"
    )
