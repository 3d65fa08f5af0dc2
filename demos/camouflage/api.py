"""The tab's functions for programs: HTTP endpoints, ``gradio_client`` and MCP tools.

Each call brings its photos and takes its files; nothing of a call is kept for the next one, because all MCP
callers share one gradio session. The files are deleted by time.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import gradio as gr

from core import weights
from core.camouflage.pattern import Pattern
from core.errors import UserError
from demos.addresses import by_address
from demos.base import endpoint, path_of
from demos.camouflage import exports, ready
from demos.camouflage.bench import Bench, judgement_report, take
from demos.camouflage.find import first_fetch, options_for
from demos.camouflage.words import PRESETS
from demos.models import described, runnable
from demos.services import HEAVY, LIGHT, Services
from demos.sessions import Session

Upload = Mapping[str, Any]


def bench_for(services: Services, session: Session, uploads: Sequence[Upload | None]) -> Bench:
    """A workbench with the photos of one call."""
    bench = Bench()
    bench.start(
        take([(f"photo {n}", services.photo(session, path_of(one))) for n, one in enumerate(uploads, 1)])
    )
    return bench


def packed(session: Session, bench: Bench) -> tuple[str, list[str], dict[str, Any]]:
    """The painted photo, all files, and the report."""
    paths = exports.of_bench(session, bench)
    return paths[0], paths, judgement_report(bench.judgement, bench.result, bench.origin)


def put(bench: Bench, text: str) -> None:
    """Take a pattern from its JSON, or the ready-made one of this name."""
    text = (text or "").strip()
    if text.startswith("{"):
        bench.put(Pattern.from_json(text), "hand")
    else:
        chosen = ready.preset(text)
        bench.put(chosen.pattern, "ready", chosen.optimised_on)


def lay_out_and_wire(services: Services) -> None:
    """Register the endpoints; their components are never drawn."""

    @endpoint
    def find_camouflage(
        photo: Upload, more_photos: list[Upload] | None = None, preset: str = "quick", seed: float = 0
    ) -> tuple[str, list[str], dict[str, Any]]:
        """Find a face-paint pattern that makes face recognisers stop linking photos of one person.

        Fetches the weights that it needs when they are not here yet (once, at most 80 MB), then takes about
        30 seconds (quick) or 4 minutes (thorough): simulates paint on the photo and judges it with
        recognisers that took part in the search and others that did not, beside random patterns of equal
        area. The thorough preset also searches with each recogniser left out in turn, and looks again after
        saving, resizing and blurring. The largest face of a photo is taken. The report says what was reached
        for which model at which false accept rate. It is no promise about any other recogniser, camera or
        human. Use it for research, teaching and defence only.

        Args:
            photo: JPEG, PNG or WEBP; over MCP by address: an upload to this server, public http(s), or data:
            more_photos: up to 11 more of the same person, given likewise; every third only tests the pattern
            preset: "quick" or "thorough"
            seed: whole number; with it a search is repeated, as far as the machine is as fast

        Returns:
            painted: the photo with the pattern, PNG without metadata
            files: painted photo, recipe as PDF and PNG, transfer matrix as PNG, pattern and report as JSON
            report: verdict in words, figures by recogniser, options, versions and weight hashes
        """
        from core.camouflage import system

        session = services.sessions.loose()
        bench = bench_for(services, session, [photo, *(more_photos or [])])
        options = options_for(preset, (), None, None, None, seed)
        with suppress(UserError):  # the search goes on with what is here, and the report names who judged
            for _ in weights.fetch(first_fetch(options)):
                pass
        for event in system.run(bench.work(), options):
            if isinstance(event, system.Result):
                bench.found(event)
        return packed(session, bench)

    @endpoint
    def paint_camouflage(photo: Upload, pattern: str) -> tuple[str, list[str], dict[str, Any]]:
        """Paint a given pattern on the face of a photo and measure what recognisers make of it.

        Every recogniser whose weights are here compares painted and clean photo at its own threshold;
        20 random patterns of equal area stand beside it as the control. The largest face of the photo is
        taken.

        Args:
            photo: JPEG, PNG or WEBP; over MCP by address: an upload to this server, public http(s), or data:
            pattern: JSON as find_camouflage returns it, or a ready-made name from list_camouflage_models

        Returns:
            painted: the photo with the pattern, PNG without metadata
            files: painted photo, recipe as PDF and PNG, transfer matrix as PNG, pattern and report as JSON
            report: verdict in words, figures by recogniser and weight hashes
        """
        session = services.sessions.loose()
        bench = bench_for(services, session, [photo])
        put(bench, pattern)
        bench.judge(control=True)
        return packed(session, bench)

    @endpoint
    def list_camouflage_models() -> list[dict[str, Any]]:
        """List the face recognisers of the camouflage system and the ready-made patterns.

        Returns:
            models: name, title, whether it is here, licence of the weights, training data; then the patterns
        """
        patterns = [{"ready_made": name, "title": title} for title, name in ready.choices()]
        return described(runnable("recognition")) + patterns

    with gr.Row(visible=False):
        photo = by_address(gr.File(label="Photo"))
        more = by_address(gr.File(label="More photos of the same person", file_count="multiple"))
        preset = gr.Radio(list(PRESETS), value="quick", label="Preset")
        seed = gr.Number(0, label="Seed")
        pattern = gr.Textbox(label="Pattern as JSON, or the name of a ready-made one")
        outputs = [gr.Image(label="Painted photo"), gr.File(label="Files", file_count="multiple")]
        report, listed = gr.JSON(label="Report"), gr.JSON(label="Models")
        heavy: dict[str, Any] = {**HEAVY, "preprocess": False, "api_visibility": "public"}
        gr.Button().click(
            find_camouflage,
            [photo, more, preset, seed],
            [*outputs, report],
            api_name="find_camouflage",
            **heavy,
        )
        gr.Button().click(
            paint_camouflage, [photo, pattern], [*outputs, report], api_name="paint_camouflage", **heavy
        )
        gr.Button().click(  # queued, because what skips the queue reaches MCP clients in gradio's own words
            list_camouflage_models, None, listed, api_name="list_camouflage_models", **LIGHT
        )
