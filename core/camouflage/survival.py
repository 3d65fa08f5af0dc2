"""Does the effect survive what happens to a saved photo: JPEG, resizing, cropping, blur, brightness.

Real encoders and resamplers (Pillow, OpenCV) on the full photo; the face is then found again.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from core.camouflage.evaluate import Evaluator, Genuine, embed, look
from core.camouflage.pattern import Pattern
from core.camouflage.project import paint_surface
from core.types import Face, Pixels

Change = Callable[[Pixels], Pixels]


@dataclass(frozen=True, slots=True)
class Treatment:
    """One thing that is done to a photo.

    Attributes:
        name: for tables.
        change: pixels to pixels.
        moves: how the face's coordinates follow: scale, and shift in shares of width and height that
            is applied before the scale.
    """

    name: str
    change: Change
    moves: tuple[float, float, float] = (1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Survived:
    """Painted photos after one treatment.

    Attributes:
        treatment: its name.
        genuine: scores against the clean gallery.
        detected: share of photos on which the face was found.
    """

    treatment: str
    genuine: Genuine
    detected: float


def jpeg(quality: int) -> Change:
    """Save as JPEG of this quality and load again."""

    def change(pixels: Pixels) -> Pixels:
        buffer = io.BytesIO()
        PIL.Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
        return np.asarray(PIL.Image.open(buffer).convert("RGB"), np.uint8)

    return change


def resize(factor: float) -> Change:
    """Reduce (area average) or enlarge (cubic)."""

    def change(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        size = max(1, round(width * factor)), max(1, round(height * factor))
        way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(pixels, size, interpolation=way), np.uint8)

    return change


def crop(share: float) -> Change:
    """Cut this share of the width and height off every edge."""

    def change(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        dy, dx = int(height * share), int(width * share)
        return np.ascontiguousarray(pixels[dy : height - dy, dx : width - dx])

    return change


def blur(share: float) -> Change:
    """Gaussian blur whose sigma is this share of the photo's longer side."""

    def change(pixels: Pixels) -> Pixels:
        sigma = share * max(pixels.shape[:2])
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)

    return change


def brightness(factor: float) -> Change:
    """Multiply the values."""

    def change(pixels: Pixels) -> Pixels:
        brighter = np.clip(pixels * np.float32(factor) + 0.5, 0, 255)
        return np.asarray(brighter, np.uint8)

    return change


def screenshot(pixels: Pixels) -> Pixels:
    """Shown at an odd size and captured: 0.83 linear, sharpened a little by cubic 1.13, JPEG 80."""
    height, width = pixels.shape[:2]
    shown = cv2.resize(pixels, (round(width * 0.83), round(height * 0.83)), interpolation=cv2.INTER_LINEAR)
    size = round(shown.shape[1] * 1.13), round(shown.shape[0] * 1.13)
    return jpeg(80)(np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_CUBIC), np.uint8))


TREATMENTS: tuple[Treatment, ...] = (
    *(Treatment(f"JPEG {quality}", jpeg(quality)) for quality in (50, 65, 80, 95)),
    Treatment("half size", resize(0.5), (0.5, 0.0, 0.0)),
    Treatment("one and a half size", resize(1.5), (1.5, 0.0, 0.0)),
    Treatment("edges cropped 8 %", crop(0.08), (1.0, 0.08, 0.08)),
    Treatment("blur", blur(0.005)),
    Treatment("darker", brightness(0.6)),
    Treatment("brighter", brightness(1.4)),
    Treatment("screenshot", screenshot, (0.83 * 1.13, 0.0, 0.0)),
)


def survival(
    evaluator: Evaluator, pattern: Pattern, treatments: tuple[Treatment, ...] = TREATMENTS
) -> tuple[Survived, ...]:
    """Treat the painted photos in each way and compare with the clean gallery again."""
    painted = [paint_surface(surface, pattern).pixels for surface in evaluator.surfaces]
    results = []
    for treatment in treatments:
        photos = [treatment.change(pixels) for pixels in painted]
        faces = [moved(p.face, treatment, p.pixels.shape[1], p.pixels.shape[0]) for p in evaluator.portraits]
        sight = look(photos, faces)
        genuine = evaluator.genuine(embed(evaluator.models, sight.aligned))
        results.append(Survived(treatment.name, genuine, float(sight.detected.mean())))
    return tuple(results)


def moved(face: Face, treatment: Treatment, width: int, height: int) -> Face:
    """Where a known face is after a treatment, good enough to recognise it by overlap."""
    scale, left, top = treatment.moves
    shift = np.array([int(width * left), int(height * top)], np.float32)
    x0, y0, x1, y1 = face.box
    low, high = (np.array([x0, y0]) - shift) * scale, (np.array([x1, y1]) - shift) * scale
    box = float(low[0]), float(low[1]), float(high[0]), float(high[1])
    five: NDArray[np.float32] = ((face.five - shift) * scale).astype(np.float32)
    return Face(box=box, score=face.score, five=five)


def accepted(results: tuple[Survived, ...], thresholds: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Share of genuine pairs accepted, by treatment and recogniser."""
    return {
        one.treatment: {name: one.genuine.tar(name, tau) for name, tau in thresholds.items()}
        for one in results
    }
