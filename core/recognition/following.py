"""What the tracker needs to tell the people of a clip apart: a recogniser, and the limits measured for it."""

from typing import Final

from core.faces.track import Embed
from core.faces.track_options import TrackOptions
from core.recognition import thresholds
from core.recognition.loading import embedder

EMBEDDER: Final = "dlib-resnet"  # bundled, so that people can be told apart without any download
SAME_FAR: Final = 1e-2  # false accepts at which two glimpses in one clip count as one person


def identity() -> tuple[TrackOptions, Embed]:
    """Both arguments of ``core.faces.track.Tracker``; the recogniser is shared by the whole process.

    Raises:
        UserError: its weights cannot be had.
    """
    known = thresholds.load()[EMBEDDER]
    limits = TrackOptions(same=known.far[SAME_FAR], different=known.impostor_mean)
    return limits, embedder(EMBEDDER)
