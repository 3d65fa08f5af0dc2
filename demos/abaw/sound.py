"""The sound: when its weight may be moved, why not when not, and the speech encoder for those who want it."""

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

import gradio as gr

from core import weights
from demos.abaw.readers import SPEECH
from demos.abaw.words import FETCH_SPEECH, SOUND
from demos.base import Update, guarded, paced
from demos.models import bar
from demos.services import FETCH

if TYPE_CHECKING:
    from demos.abaw.desk import Desk
    from demos.abaw.parts import Parts


def situation(desk: "Desk | None") -> str:
    """Which of the sentences in ``SOUND`` is true; before an analysis, whether a clip could be heard."""
    here = weights.status(SPEECH).present
    if desk is None or not desk.people:
        return "ready" if here else "fetch"
    scores = desk.scores()
    if scores.audio is not None:
        return "heard" if scores.mlp is not None else "no head"
    if desk.clip is not None and not desk.clip.has_audio:
        return "no sound"
    return "silent" if here else "fetch"


def shown(desk: "Desk | None", parts: "Parts") -> Update:
    """The slider of the weight, what is said beside it, and the button that fetches the encoder."""
    case, steps = situation(desk), parts.steps
    return {
        steps.visual_weight: gr.update(interactive=case == "heard"),
        steps.sound: note(case),
        steps.fetch_speech: gr.update(visible=offered(case)),
    }


def offered(case: str) -> bool:
    """Whether there is a button that fetches the encoder."""
    return case == "fetch" and weights.status(SPEECH).fetchable


def note(case: str) -> str:
    """The sentence of a situation, with the command where something is to be fetched."""
    command = f" <code>{html.escape(FETCH_SPEECH)}</code>" if case == "fetch" else ""
    return f'<div class="facet-note" data-sound="{case}">{html.escape(SOUND[case])}{command}</div>'


def wire(parts: "Parts") -> None:
    """Let the button fetch the speech encoder, beside everybody's other downloads."""
    steps, panel = parts.steps, parts.models

    @guarded(parts.results.notice, lambda: {steps.sound: note("fetch")})
    def fetch_speech() -> Iterator[Update]:
        for event in paced(weights.fetch([SPEECH])):
            yield {steps.sound: bar(event.done, event.message)}
        yield {steps.sound: note("again"), steps.fetch_speech: gr.update(visible=False), **panel.refreshed()}

    steps.fetch_speech.click(
        fetch_speech,
        outputs=[parts.results.notice, steps.sound, steps.fetch_speech, panel.listing, panel.button],
        **FETCH,
        show_progress="hidden",
        api_visibility="private",
    )
