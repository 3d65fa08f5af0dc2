"""What a visitor takes along of a person: the cache, a table of all frames, a report."""

import csv
import io
import json
import math
import re
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gradio as gr

from core.errors import Code, UserError
from demos.base import Update, guarded
from demos.personalize import readers, running, showing
from demos.personalize.desk import SLUG, Desk
from demos.personalize.parts import Parts
from demos.services import LIGHT, Services
from demos.sessions import Session

PACKAGES = ("torch", "numpy", "gradio", "av", "opencv-python-headless")
GATES = ("temporal", "confident", "prototype")


def rows(desk: Desk) -> list[dict[str, Any]]:
    """One row a frame as plain values."""
    made, names = desk.result(), desk.task.names
    found = []
    for at, step in enumerate(made.replay.steps):
        number = made.replay.clip_of(at)
        inside = at - made.replay.starts[number]
        piece, kept = made.pieces[number], step.kept
        row: dict[str, Any] = {
            "clip": number + 1,
            "clip_name": piece.name,
            "frame": inside,
            "time": round(float(piece.seen[desk.model].times[inside]), 3),
            "poisoned": int(made.replay.poisoned[at]),
            "zero_shot": names[step.label],
            "answer": names[step.answer],
            "running_answer": names[int(made.replay.running[at].argmax())],
            "judged": names[step.judged],
            "entropy": _number(step.entropy),
        }
        for gate in GATES:
            one = getattr(step, gate)
            row |= {
                f"{gate}_value": _number(one.value),
                f"{gate}_threshold": _number(one.threshold),
                f"{gate}_asked": int(one.asked),
                f"{gate}_passed": int(one.passed),
            }
        row |= {
            "ambiguous": int(step.ambiguous),
            "kept_in": kept.cache if kept else "",
            "kept_as": names[kept.label] if kept else "",
            "refused": int(step.refused),
        }
        row |= {f"before_{name}": _number(value) for name, value in zip(names, step.before, strict=True)}
        row |= {f"after_{name}": _number(value) for name, value in zip(names, step.after, strict=True)}
        found.append(row)
    return found


def csv_of(desk: Desk) -> str:
    """One line a frame, with a header."""
    table = rows(desk)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _plain(value) for key, value in row.items()} for row in table)
    return text.getvalue()


def cache_of(desk: Desk) -> bytes:
    """The person's caches as they are after the last frame.

    Raises:
        UserError: CACHE_INVALID: they hold frames that were mislabelled on purpose.
    """
    from core.personalize.files import save_person

    made = desk.result()
    if desk.person.poison is not None:
        raise UserError(
            Code.CACHE_INVALID,
            "These caches may hold frames that were mislabelled on purpose.",
            "Take the poison out before you export them.",
        )
    return save_person(made.session, desk.task.classes, readers.identity(desk.model))


def counts(desk: Desk) -> dict[str, Any]:
    """How many frames passed each gate, and how many were kept."""
    steps = desk.result().replay.steps
    gates = {
        gate: {
            "asked": sum(getattr(step, gate).asked for step in steps),
            "passed": sum(getattr(step, gate).asked and getattr(step, gate).passed for step in steps),
        }
        for gate in GATES
    }
    kept = [step.kept.cache for step in steps if step.kept]
    return {
        "frames": len(steps),
        "gates": gates,
        "kept": {name: kept.count(name) for name in ("positive", "negative")},
        "refused_by_full_buckets": sum(step.refused for step in steps),
    }


def report(desk: Desk) -> dict[str, Any]:
    """What was asked of which clips, what came of it and at which cost, as plain data."""
    made, person = desk.result(), desk.person
    replay, poison = made.replay, person.poison
    seen = [piece.seen[desk.model] for piece in made.pieces]
    clips = [
        {**told, "absent": one.absent, "others_left_out": one.others, "seconds_by_part": dict(one.seconds)}
        for told, one in zip(showing.verdicts(desk), seen, strict=True)
    ]
    spent = sum(one.seconds.get("encode", 0.0) for one in seen)
    return {
        "person": person.name,
        "model": desk.model,
        "classes": list(desk.task.names),
        "prompts": list(desk.task.prompts),
        "clips": clips,
        "counts": counts(desk),
        "milliseconds_a_frame": {
            "personalising": round(replay.milliseconds, 4),
            "image_encoder": round(1000 * spent / max(len(made), 1), 2),
        },
        "bytes": {"caches": replay.memory, "borrowed_prototypes": replay.shelf_memory},
        "borrowed_from": list(replay.lent),
        "began_with_a_saved_cache": made.imported,
        "poison": None if poison is None else _poison(desk),
        "methods": [
            {"name": one.name, "milliseconds_a_frame": round(one.milliseconds, 4), "bytes": one.memory}
            for one in running.compare(desk, person)
        ],
        "preset": desk.preset,
        "options": asdict(desk.options),
        "versions": {name: version(name) for name in PACKAGES},
        "weights": hashes(desk.model),
    }


def _poison(desk: Desk) -> dict[str, Any]:
    made, poison = desk.result(), desk.person.poison
    assert poison is not None and made.open is not None
    return {
        "frames": int(made.replay.poisoned.sum()),
        "towards": desk.task.names[poison.label],
        "in_positive_cache": showing.got_in(made.replay),
        "in_positive_cache_without_gates": showing.got_in(made.open),
    }


def hashes(model: str) -> dict[str, dict[str, str]]:
    """What a result rests on: model -> file -> SHA-256."""
    from core import weights

    return {
        name: {file.path: file.sha256 for file in weights.entry(name).files}
        for name in readers.needed(model)
        if weights.status(name).present
    }


def files(session: Session, desk: Desk) -> list[str]:
    """Write table and report, and the cache where it may be taken along, for this visitor."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", desk.person.name).strip("-").lower() or "person"
    contents = {
        f"{stem}.csv": csv_of(desk).encode(),
        f"{stem}-report.json": json.dumps(report(desk), indent=1).encode(),
    }
    if desk.person.poison is None:
        contents = {f"{stem}-cache.safetensors": cache_of(desk), **contents}
    return [
        session.write(name, content, slot=f"personalize {Path(name).suffix}")
        for name, content in contents.items()
    ]


def _number(value: float) -> float | str:
    """Rounded; nothing where there is no number."""
    return round(float(value), 5) if math.isfinite(value) else ""


def _plain(value: Any) -> Any:
    """A text that no table program takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def wire(services: Services, parts: Parts) -> None:
    """Write when asked."""
    results = parts.results

    @guarded(parts.inputs.notice)
    def prepare_files(request: gr.Request) -> Update:
        session = services.session(request)
        desk = session.room(SLUG, Desk)
        desk.result()
        if desk.person.poison is not None:
            gr.Warning("The cache is left out: it may hold mislabelled frames.", title="")
        return {results.files: files(session, desk)}

    results.prepare.click(
        prepare_files,
        outputs=[parts.inputs.notice, results.files],
        **LIGHT,
        show_progress_on=results.files,
        api_visibility="private",
    )
