"""What a visitor takes along: the painted photo, the recipe, the pattern and the report."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.errors import Code, UserError
from demos.base import Update, guarded
from demos.camouflage.bench import SLUG, Bench, judgement_report
from demos.camouflage.parts import Parts
from demos.services import LIGHT, Services
from demos.sessions import Session

if TYPE_CHECKING:
    from core.camouflage.session import Judgement
    from core.types import Pixels

TITLE = "Camouflage pattern"


def files(session: Session, bench: Bench, painted: "Pixels", judgement: "Judgement") -> list[str]:
    """Write the six files for this visitor; the painted photo is clean, without metadata."""
    from core.camouflage.recipe import recipe
    from core.camouflage.session import titles
    from core.camouflage.transfer import matrix
    from core.camouflage.transfer_picture import picture
    from core.media import images

    report = judgement_report(bench.judgement, bench.result, bench.origin)
    sheet = recipe(judgement.pattern, TITLE, judgement.verdict.text)
    table = matrix(judgement.figures, bench.result.left_out if bench.result else {})
    contents = {
        "painted.png": images.save(painted),
        "recipe.pdf": sheet.pdf,
        "recipe.png": sheet.png,
        "transfer.png": picture(table, titles(), judgement.figures[0].far),
        "pattern.json": sheet.json.encode(),
        "report.json": json.dumps(report, indent=1).encode(),
    }
    return [session.write(name, content, slot=name) for name, content in contents.items()]


def of_bench(session: Session, bench: Bench) -> list[str]:
    """The files of what is on the bench."""
    bench.main()
    if bench.pattern is None or bench.judgement is None:
        raise UserError(
            Code.PATTERN_INVALID,
            "There is nothing to take along yet.",
            "Find, choose or design a pattern first.",
        )
    painted = bench.work().painted(bench.pattern).pixels
    return files(session, bench, painted, bench.judgement)


def wire(services: Services, parts: Parts, after: Sequence[Any]) -> None:
    """Write the files when asked, when their box is opened, and after a search."""
    results = parts.results

    @guarded(results.notice)
    def prepare(request: gr.Request) -> Update:
        session = services.session(request)
        return {results.files: of_bench(session, session.room(SLUG, Bench))}

    @guarded(results.notice, follows=True)
    def follow(request: gr.Request) -> Update:
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        return {results.files: of_bench(session, bench)} if bench.judgement else {}

    shared: dict[str, Any] = {
        "outputs": [results.notice, results.files],
        **LIGHT,
        "show_progress_on": results.files,
        "api_visibility": "private",
    }
    results.prepare.click(prepare, **shared)
    results.files_box.expand(follow, **shared)
    for event in after:
        event.then(follow, **shared)
