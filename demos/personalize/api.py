"""The tab's functions for programs: HTTP endpoints, ``gradio_client`` and MCP tools.

Each call brings its clips and takes its files; nothing of a call is kept for the next one, because all MCP
callers share one gradio session. A person's cache comes back as a file, which a later call may bring again.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import gradio as gr

from core import weights
from core.errors import Code, UserError
from core.personalize.options import PRESETS
from demos.addresses import by_address
from demos.base import endpoint, path_of
from demos.models import described, missing
from demos.personalize import exports, intake, readers, reading, running, saved
from demos.personalize.desk import MAX_CLIPS, Desk
from demos.personalize.task import written
from demos.services import HEAVY, LIGHT, Services
from demos.sessions import Session

Upload = Mapping[str, Any]


def desk_for(
    services: Services, session: Session, clips: Sequence[Upload], prompts: str, preset: str
) -> Desk:
    """A desk with the clips of one call.

    Raises:
        UserError: no clip, a file that is none, an unknown preset or prompts that make no question.
    """
    if preset not in PRESETS:
        raise UserError(
            Code.OPTION_RANGE, "There is no such preset.", f"Choose one of: {', '.join(PRESETS)}."
        )
    desk = Desk(preset=preset, options=PRESETS[preset])
    if (prompts or "").strip():
        desk.task = written(prompts)
    if len(clips) > MAX_CLIPS + intake.MAX_PHOTOS:
        raise UserError(Code.OPTION_RANGE, "These are too many files.", f"Give at most {MAX_CLIPS} clips.")
    intake.bring(services, session, desk, clips)
    desk.source()
    return desk


def lay_out_and_wire(services: Services) -> None:
    """Register the endpoints; their components are never drawn."""

    @endpoint
    def personalize_read(
        clips: list[Upload], prompts: str = "", preset: str = "ours", cache: Upload | None = None
    ) -> tuple[list[str], dict[str, Any]]:
        """Classify one person’s face in clips with an image-text model that gets used to that person.

        TTA-CaP (arXiv 2603.21309): embeddings of sure frames are kept in a small cache, three gates decide
        which, and no weight of the model changes. Frames are compared with one sentence a class: the seven
        basic expressions, or sentences of your own (the bundled model has seen sentences about expressions
        only; other words it knows by their meaning alone). Takes about as long as the clips last, or some
        times longer. The order of clips and frames matters. An answer says what a face looks like, not what
        a person feels; it must not be used to judge, hire, grade or watch people.

        Args:
            clips: 1 to 8 video files of one person, or photos of them as one row; over MCP by address: an
                upload to this server, public http(s), or data:
            prompts: two to ten sentences, one a line and one a class; empty for the seven expressions
            preset: "ours", "March 2026" or "June 2026"
            cache: the person's cache from an earlier call with the same prompts, to start from; or nothing

        Returns:
            files: the person's cache as safetensors, table of all frames as CSV, report as JSON
            report: answer of each clip with and without personalisation, gate counts, cost, weight hashes
        """
        session = services.sessions.loose()
        desk = desk_for(services, session, clips or [], prompts, preset)
        data = saved.content(path_of(cache)) if cache else None
        with suppress(UserError):  # the reading says itself what it cannot do without
            for _ in weights.fetch(missing(readers.needed())):
                pass
        for _ in reading.read(desk.person, desk.model):
            pass
        if running.rerun(desk) is None:
            raise reading.nothing_read(desk.person)
        if data is not None:
            saved.take(desk, data)
        return exports.files(session, desk), exports.report(desk)

    @endpoint
    def list_personalize_models() -> list[dict[str, Any]]:
        """List the networks of the personalisation system: face detector, image-text models and their parts.

        Returns:
            models: name, title, whether it is here, licence of the weights, training data
        """
        return described([weights.entry(name) for name in readers.listed()])

    with gr.Row(visible=False):
        clips = by_address(gr.File(label="Clips", file_count="multiple"))
        prompts = gr.Textbox("", label="Prompts, one a line")
        preset = gr.Radio(list(PRESETS), value="ours", label="Preset")
        cache = by_address(gr.File(label="Saved cache"))
        files = gr.File(label="Files", file_count="multiple")
        report, listed = gr.JSON(label="Report"), gr.JSON(label="Models")
        gr.Button().click(
            personalize_read, [clips, prompts, preset, cache], [files, report], preprocess=False,
            api_name="personalize_read", api_visibility="public", **HEAVY,
        )  # fmt: skip
        gr.Button().click(  # queued, because what skips the queue reaches MCP clients in gradio's own words
            list_personalize_models, None, listed, api_name="list_personalize_models", **LIGHT
        )
