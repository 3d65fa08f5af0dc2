"""What stands around the tabs: the header with "Forget my images", the footer's sentence."""

from typing import Any

import gradio as gr

from demos.base import Built, panel
from demos.services import Services

HEAD = """<header class="facet-head">
<svg viewBox="0 0 40 40" role="img" aria-label="Facet"><path d="M20 2 36 12 31 34 9 34 4 12Z" fill="#0f7a6d"/>
<path d="M20 2 36 12 20 18 4 12Z" fill="#41b2a0"/><path d="M20 18 36 12 31 34Z" fill="#104e48"/>
<path d="M20 18 31 34 9 34Z" fill="#1d9786"/></svg>
<div><h1>Facet</h1><p>A hands-on lab for facial AI: try it on a photo, see what was measured.</p></div>
</header>"""

FOOT = """<div class="facet-note">Photos and clips stay on this server, apart from other visitors’, and are
deleted after {minutes:g} idle minutes or when you press “Forget my images”. Nothing is sent anywhere else.
For research, teaching and defence.</div>"""


def header() -> tuple[gr.Button, gr.HTML]:
    """The title, the button that forgets, and the place of its answer."""
    with gr.Row(elem_id="facet-top"):
        gr.HTML(HEAD, scale=1)
        button = gr.Button("Forget my images", elem_id="facet-forget", size="lg", scale=0)
    return button, gr.HTML(elem_id="facet-forgotten")


def wire_forgetting(services: Services, button: gr.Button, answer: gr.HTML, tabs: list[Built]) -> None:
    """Let the button stop what runs, delete what the visitor brought and clear what the tabs show of it."""

    def blank() -> dict[Any, Any]:
        return {component: value for tab in tabs for component, value in tab.blank().items()}

    def forget_my_images(request: gr.Request) -> dict[Any, Any]:
        """Delete every image, result and file of this session from the server, and say what was deleted."""
        return {answer: panel("done", services.forget(request)), **blank()}

    button.click(
        forget_my_images,
        outputs=[answer, *blank()],
        cancels=[event for tab in tabs for event in tab.running],
        queue=False,
        api_name="forget_my_images",
        api_visibility="undocumented",
    )


def footer(services: Services) -> None:
    """What happens with photos."""
    gr.HTML(FOOT.format(minutes=services.settings.session_minutes))
