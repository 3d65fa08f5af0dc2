"""What a visitor takes along: table, the challenge's files, report, and the clip with box and label."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.errors import UserError
from core.types import Progress
from demos.abaw import overlay, scoring, showing
from demos.abaw.desk import SLUG, Desk, placed
from demos.abaw.parts import Parts
from demos.abaw.readers import HEARING, needed
from demos.abaw.words import CONTEMPT
from demos.base import Update, guarded, paced
from demos.models import bar
from demos.services import HEAVY, LIGHT, Services
from demos.sessions import Session

if TYPE_CHECKING:
    from core.abaw.types import ClipScores, Timeline

PACKAGES = ("torch", "numpy", "gradio", "av", "opencv-python-headless")


def csv_of(desk: Desk) -> str:
    """One line a frame, with a header."""
    rows = showing.table(desk)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def report(desk: Desk) -> dict[str, Any]:
    """What was measured of which clip, with which networks and which options, as plain data."""
    assert desk.analysis is not None and desk.clip is not None
    clip = {key: value for key, value in asdict(desk.clip).items() if key != "notices"}
    return {
        "clip": {**clip, "frames_read": len(desk.scores())},
        **decisions(desk),
        "scores": scored_or_why(desk),
        "seconds_by_part": dict(desk.analysis.seconds),
        "versions": {name: version(name) for name in PACKAGES},
        "weights": hashes(desk.scores()),
    }


def scored_or_why(desk: Desk) -> dict[str, Any]:
    """Scores against the visitor's labels, or the sentence why there are none."""
    try:
        return scoring.scores(desk, desk.controls())
    except UserError as problem:
        return {"none": problem.message}


def decisions(desk: Desk) -> dict[str, Any]:
    """The part of the report that follows from the scores and the options."""
    scores = desk.scores()
    return {
        "person": desk.track,
        "people": sorted(desk.people),
        "frames": len(scores),
        "frames_with_face": int(placed(scores).sum()),
        "frames_measured": int(scores.seen.sum()),
        "options": asdict(desk.options),
        "encoder": scores.encoder,
        "stand_ins": dict(scores.stand_ins),
        "heads": heads(scores),
        "shares": shares(desk.decided()),
        "not_a_class": CONTEMPT,
    }


def heads(scores: "ClipScores") -> dict[str, bool]:
    """Which heads spoke."""
    names = ("mlp", "audio", "valence_arousal", "units", "units_second", "violence")
    return {name: getattr(scores, name) is not None for name in names}


def shares(timeline: "Timeline") -> dict[str, float]:
    """Share of the frames of each final expression."""
    from core.abaw.classes import EXPRESSIONS

    count = max(len(timeline.final), 1)
    return {name: float((timeline.final == n).sum()) / count for n, name in enumerate(EXPRESSIONS)}


def hashes(scores: "ClipScores") -> dict[str, dict[str, str]]:
    """What a result rests on: model -> file -> SHA-256, of what found, read and heard the people."""
    from core import weights

    hearing = HEARING if scores.audio is not None else ()
    return {
        name: {file.path: file.sha256 for file in weights.entry(name).files}
        for name in (*needed(scores.encoder), *hearing)
        if weights.status(name).present
    }


def files(session: Session, desk: Desk) -> list[str]:
    """Write table, submission files and report for this visitor."""
    contents = {f"{desk.name}.csv": csv_of(desk), **submissions(desk)}
    contents[f"{desk.name}-report.json"] = json.dumps(report(desk), indent=1)
    return [session.write(name, content.encode(), slot=name) for name, content in contents.items()]


def submissions(desk: Desk) -> dict[str, str]:
    """The challenges' files of this clip, by name, as far as there are heads for them."""
    from core.abaw import submission
    from core.datasets.frame_labels import Task

    timeline = desk.decided()
    there = {
        Task.EXPRESSION: True,
        Task.DIMENSIONS: timeline.valence_arousal is not None,
        Task.UNITS: timeline.active is not None,
    }
    found = {
        f"{desk.name}-{task}.txt": submission.write(task, {desk.name: submission.answer(timeline, task)})
        for task, here in there.items()
        if here
    }
    if timeline.violent is not None:
        found[f"{desk.name}-violence.csv"] = submission.write_violence(timeline.violent)
    return found


def film(session: Session, desk: Desk) -> Iterator[Progress | str]:
    """Write the clip with box and label, with its sound; progress, then its path."""
    from core.media import video

    draw = overlay.painter(desk.scores(), desk.decided())
    target = session.place() / f"{desk.name}-read.mp4"
    yield Progress(0.0, "Drawing on every frame")
    assert desk.path is not None
    for event in video.write(desk.path, target, draw):
        if isinstance(event, Progress):
            yield event
    yield str(target)


def wire(services: Services, parts: Parts) -> list[Any]:
    """Write when asked; returns the events that "Forget my images" must stop."""
    results = parts.results

    @guarded(results.notice)
    def prepare_tables(request: gr.Request) -> Update:
        session = services.session(request)
        return {results.files: files(session, session.room(SLUG, Desk))}

    @guarded(results.notice, lambda: {results.making: ""})
    def make_film(request: gr.Request) -> Iterator[Update]:
        session = services.session(request)
        desk = session.room(SLUG, Desk)
        desk.scores()
        for event in paced(film(session, desk), 0.4):
            if isinstance(event, Progress):
                yield {results.making: bar(event.done, event.message)}
            else:
                yield {results.making: "", results.video: gr.update(value=event, visible=True)}

    results.prepare.click(
        prepare_tables,
        outputs=[results.notice, results.files],
        **LIGHT,
        show_progress_on=results.files,
        api_visibility="private",
    )
    made = results.film.click(
        make_film,
        outputs=[results.notice, results.making, results.video],
        **HEAVY,
        show_progress="hidden",
        api_visibility="private",
    )
    return [made]
