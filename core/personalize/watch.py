"""From a clip or a row of photos to what the online loop reads: one person's embeddings, a few a second."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.personalize.types import Watched
from core.types import Pixels, Progress
from core.vision_language import ImageText


@dataclass(frozen=True, slots=True)
class Pace:
    """How much of a clip is read.

    Attributes:
        rate: faces that are embedded, a second at most; every frame is decoded and followed all the same.
        batch: frames that are decoded and kept at once.
    """

    rate: float = 5.0
    batch: int = 16


def watch(
    path: Path, model: ImageText, pace: Pace = Pace(), cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Progress | Watched]:
    """Read a clip once: follow the faces, embed those of the main person (``core.faces.track.pick``).

    Args:
        path: a video file; ``core.media.video`` is its door and makes its limits hold.
        model: makes the embeddings.
        pace: how densely.
        cancelled: asked after each batch; what was read until then is the result.

    Yields:
        Progress, then the person.

    Raises:
        UserError: as ``core.media.video``; ``NO_FACE`` when nobody is seen in any frame that was due.
    """
    raise NotImplementedError


def photos(
    pictures: Sequence[Pixels], model: ImageText, name: str = "photos", batch: int = 16
) -> Iterator[Progress | Watched]:
    """A row of photos of one person as a clip: the largest face of each; photos without one are absent.

    Args:
        pictures: H×W×3 uint8 RGB, upright.
        model: makes the embeddings.
        name: of the row.
        batch: crops that are embedded at once.

    Yields:
        Progress, then the person.

    Raises:
        UserError: ``NO_FACE`` when no photo shows a face.
    """
    raise NotImplementedError
