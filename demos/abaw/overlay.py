"""What is drawn on a frame: the box of the face that is looked at, and what was decided."""

from collections.abc import Callable

import numpy as np

from core.abaw.classes import ACTION_UNITS, EXPRESSIONS
from core.abaw.types import ClipScores, Timeline
from core.types import FloatArray, Frame, Pixels
from demos.abaw.desk import placed
from demos.pictures import RIM

SHOWN_UNITS = 6  # action units that fit on one line


def label(timeline: Timeline, index: int) -> str:
    """The decided expression with its probability."""
    final = int(timeline.final[index])
    if final < 0:
        return "undecided"
    return f"{EXPRESSIONS[final]} {timeline.probabilities[index, final]:.2f}"


def second_line(timeline: Timeline, index: int) -> str:
    """Valence, arousal and the action units that are on, as far as there are such heads."""
    parts = []
    if timeline.valence_arousal is not None:
        valence, arousal = timeline.valence_arousal[index]
        parts.append(f"V {valence:+.2f} A {arousal:+.2f}")
    if timeline.active is not None:
        on = [ACTION_UNITS[n] for n in np.flatnonzero(timeline.active[index])][:SHOWN_UNITS]
        parts.append(" ".join(on))
    return "  ".join(part for part in parts if part)


def painter(scores: ClipScores, timeline: Timeline) -> Callable[[Frame], Pixels]:
    """A function that draws the box and the words on a frame, for ``core.media.video_write``."""

    there = placed(scores)

    def draw(frame: Frame) -> Pixels:
        n = frame.index
        if n >= len(scores) or not there[n]:
            return frame.pixels
        return drawn(frame.pixels, scores.boxes[n], label(timeline, n), second_line(timeline, n))

    return draw


def outlined(pixels: Pixels, box: FloatArray, word: str) -> Pixels:
    """A copy with a thin box and a word inside, for a person who is not looked at."""
    import cv2

    copy = np.ascontiguousarray(pixels).copy()
    x0, y0, x1, y1 = (round(float(value)) for value in box)
    line = max(1, max(copy.shape[:2]) // 500)
    cv2.rectangle(copy, (x0, y0), (x1, y1), (255, 255, 255), line)
    scale = max(copy.shape[0] / 1100, 0.4)
    place = (x0 + 3 * line, y1 - 4 * line)
    cv2.putText(copy, word, place, cv2.FONT_HERSHEY_DUPLEX, scale, (0, 0, 0), 3 * line, cv2.LINE_AA)
    cv2.putText(copy, word, place, cv2.FONT_HERSHEY_DUPLEX, scale, (255, 255, 255), line, cv2.LINE_AA)
    return copy


def drawn(pixels: Pixels, box: FloatArray, first: str, second: str = "") -> Pixels:
    """A copy with a box and up to two lines of words above it, or below where there is no room."""
    import cv2

    copy = np.ascontiguousarray(pixels).copy()
    height, width = copy.shape[:2]
    line = max(1, max(height, width) // 400)
    x0, y0, x1, y1 = (round(float(value)) for value in box)
    cv2.rectangle(copy, (x0, y0), (x1, y1), (255, 255, 255), 3 * line)
    cv2.rectangle(copy, (x0, y0), (x1, y1), RIM, 2 * line)
    scale = max(height / 900, 0.45)
    rows = [text for text in (first, second) if text]
    tall = round(30 * scale)
    top = y0 - tall * len(rows) - 4 * line
    top = top if top > 0 else min(y1 + 4 * line, height - tall * len(rows) - 2)
    for number, text in enumerate(rows):
        size = scale if number == 0 else 0.75 * scale
        (wide, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, size, line)
        left = min(max(x0, 2), max(width - wide - 2 * line - 6, 2))
        place = (left + 3 * line, top + tall * (number + 1) - round(8 * scale))
        corner = (left, top + tall * number)
        cv2.rectangle(copy, corner, (left + wide + 6 * line, corner[1] + tall), RIM, -1)
        cv2.putText(copy, text, place, cv2.FONT_HERSHEY_DUPLEX, size, (255, 255, 255), line, cv2.LINE_AA)
    return copy
