"""What a visitor takes along: the marked picture with the patch, the patch, and the report."""

import json
from typing import Any

import gradio as gr

from demos.base import Update, guarded
from demos.patches import canvas
from demos.patches.bench import SLUG, Bench, report
from demos.patches.parts import Parts
from demos.services import LIGHT, Services
from demos.sessions import Session


def files(session: Session, bench: Bench) -> list[str]:
    """Write the files for this visitor; in impersonation mode the patch itself is not among them.

    Raises:
        UserError: there is no patch yet.
    """
    from core.patches import safety

    one, mode, method = bench.main(), bench.current().mode, bench.current().way
    whole = canvas.on_photo(one.photo, one.matrix, bench.patch(), bench.slot(), bench.opacity)
    contents = {
        "with-patch.png": safety.export_picture(whole, mode, method),  # type: ignore[arg-type]
        "report.json": json.dumps(report(bench), indent=1).encode(),
    }
    if safety.exportable(mode).patch:  # type: ignore[arg-type]
        contents["patch.png"] = safety.export_patch(bench.patch(), mode, method)  # type: ignore[arg-type]
    return [session.write(name, content, slot=f"patches-{name}") for name, content in contents.items()]


def wire(services: Services, parts: Parts) -> None:
    """Write the files when asked, and when their box is opened."""
    results, notice = parts.results, parts.inputs.notice

    @guarded(notice)
    def prepare_patch(request: gr.Request) -> Update:
        session = services.session(request)
        return {results.files: files(session, session.room(SLUG, Bench))}

    @guarded(notice, follows=True)
    def open_files(request: gr.Request) -> Update:
        session = services.session(request)
        bench = session.room(SLUG, Bench)
        return {results.files: files(session, bench)} if bench.shown else {}

    shared: dict[str, Any] = {
        "outputs": [notice, results.files],
        **LIGHT,
        "show_progress_on": results.files,
        "api_visibility": "private",
    }
    results.prepare.click(prepare_patch, **shared)
    results.files_box.expand(open_files, **shared)
