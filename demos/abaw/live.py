"""Live from the camera: one face at a time; pictures are looked at and dropped, none is kept or written."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.errors import Code, UserError
from core.types import Image
from demos import strips
from demos.abaw import overlay, plots, showing
from demos.abaw.desk import SLUG, Desk
from demos.abaw.parts import Parts
from demos.base import Update, guarded
from demos.services import LIVE, Services

if TYPE_CHECKING:
    from core.abaw.live import Live

ROOM = f"{SLUG}-live"
EVERY_SECONDS, LIMIT_SECONDS = 0.4, 120
MOST_BYTES = 4_000_000


@dataclass(slots=True, eq=False)
class Watching:
    """The running means of the visitor's own camera."""

    _live: "Live | None" = None

    @property
    def live(self) -> "Live":
        """Made at the first picture."""
        from core.abaw.live import Live

        self._live = self._live or Live()
        return self._live

    def images(self) -> int:
        """No picture is kept."""
        return 0


def picture_of(upload: Mapping[str, Any] | None) -> Image | None:
    """The picture that a camera's event carries in its address; None when it carries none.

    Raises:
        UserError: it is no picture.
    """
    from core.media import images

    address = str((upload or {}).get("url") or "")
    if not address.startswith("data:"):
        return None
    try:
        data = base64.b64decode(address.partition(",")[2][: 2 * MOST_BYTES], validate=True)
    except (binascii.Error, ValueError):
        raise UserError(
            Code.FILE_UNREADABLE, "The camera sent no picture.", "Allow the camera and start again."
        ) from None
    return images.load(data)


def shown(desk: Desk, watching: Watching, image: Image) -> str:
    """What is read from one picture of the camera."""
    from core.abaw import live, models

    now = live.look(models.load(), image.pixels)
    found = watching.live.update(now, desk.options)
    if found is None or now is None:
        return '<div class="facet-note" role="status">No face is in sight.</div>'
    final = int(found.final[0])
    parts = [
        f"<p><b>{overlay.label(found, 0).capitalize()}</b> (mean of about the last second)</p>",
        plots.class_bars(found.probabilities[0], final),
    ]
    if found.valence_arousal is not None:
        path = live.trail(watching.live.path)
        times = EVERY_SECONDS * (1 + strips.sampled(len(path), len(path)))
        parts.append(plots.plane(path, times, len(path) - 1))
    heads = ("mlp", "valence_arousal")
    parts += [*(showing.stand_in(now, head) for head in heads), showing.about(now)]
    return f'<section class="facet-live">{"".join(parts)}</section>'


def wire(services: Services, parts: Parts) -> list[Any]:
    """Let the camera be read; returns the events that "Forget my images" must stop."""
    camera, result = parts.live.camera, parts.live.result

    @guarded(parts.live.notice)
    def watch(upload: Mapping[str, Any] | None, request: gr.Request) -> Update:
        image = picture_of(upload)
        if image is None:
            return {}
        session = services.session(request)
        return {result: shown(session.room(SLUG, Desk), session.room(ROOM, Watching), image)}

    streaming = camera.stream(
        watch,
        camera,
        [parts.live.notice, result],
        preprocess=False,
        stream_every=EVERY_SECONDS,
        time_limit=LIMIT_SECONDS,
        show_progress="hidden",
        api_visibility="private",
        **LIVE,
    )
    return [streaming]
