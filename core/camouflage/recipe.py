"""The sheet that tells how to paint a pattern: one A4 page as PDF and PNG, and the pattern's JSON."""

import io
import textwrap
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from core.camouflage.palette import PALETTE
from core.camouflage.pattern import Pattern, Shape
from core.camouflage.project import Surface
from core.camouflage.render import LEFT, SIDE, TOP, render
from core.camouflage.steps import MILLIMETRES, Step, references, steps, stroke_note
from core.faces import outlines, topology
from core.types import FloatArray

PAGE = (8.27, 11.69)  # inches, A4
DPI = 150
TEXELS = 720
BADGE_TEXELS = 150
VERDICT_LINES = 7  # as many as leave room for eight shapes
INK, FAINT, SKIN, LINE = "#23262b", "#747b85", "#ead0bd", "#a58a78"
COLUMNS = (0.06, 0.345, 0.52, 0.795)
VIEW = (-1.42, 1.42, -1.08, 2.06)  # of a diagram: left, right, top, bottom, eye-distances
FEATURES = (  # the eyes first: their irises are drawn inside them
    outlines.LEFT_EYE,
    outlines.RIGHT_EYE,
    outlines.LEFT_BROW,
    outlines.RIGHT_BROW,
    outlines.LIPS_OUTER,
    outlines.LIPS_INNER,
)
NOSE = (129, 64, 98, 97, 2, 326, 327, 294, 358)  # the lower rim from wing to wing

LIMITS = (
    "For research and teaching. This sheet does not make you unrecognisable: what is said above was measured "
    "on photos, for the named recognisers and thresholds only. Other recognisers, cameras, light, and people "
    "who know you may recognise you all the same, and the result changes with how exactly you paint."
)
MEASURE = (
    "All lengths are eye-distances: the distance between your two pupils is 1.00. Measure it once in a "
    f"mirror (millimetres are for {MILLIMETRES} mm, usual for an adult). Left and right are your own; turns "
    "are as others see you. Use water-based face paint, test it on your arm first, keep it off eyes, lips "
    "and nostrils: shapes stop there."
)


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How to paint a pattern.

    Attributes:
        pdf: one A4 page; the pattern's JSON is also in the document's subject.
        png: the same page at 150 dpi.
        json: the pattern, as ``Pattern.from_json`` reads it.
        steps: one sentence a shape, in the order of painting.
    """

    pdf: bytes
    png: bytes
    json: str
    steps: tuple[str, ...]


def recipe(pattern: Pattern, title: str, verdict: str) -> Recipe:
    """Draw the sheet of a pattern.

    Args:
        pattern: what to paint.
        title: the sheet's heading.
        verdict: one or two sentences on what was measured, printed as they are.

    Returns:
        The sheet; the same arguments give the same bytes.
    """
    # lazily: only this function needs matplotlib, and it is slow to import
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=PAGE, dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    told = steps(pattern)
    bottom = _heading(figure, title, verdict) - 0.392
    picture = _picture(pattern)
    _diagram(figure.add_axes((0.055, bottom, 0.435, 0.34)), pattern, picture, mirrored=False)
    _diagram(figure.add_axes((0.51, bottom, 0.435, 0.34)), pattern, picture, mirrored=True)
    _colors(figure, pattern, bottom - 0.032)
    _table(figure, told, bottom - 0.062)
    _note(figure, MEASURE, 0.112, INK)
    _note(figure, LIMITS, 0.06, FAINT)
    text = pattern.to_json()
    return Recipe(
        _saved(figure, "pdf", {"CreationDate": None, "Title": title, "Subject": text}),
        _saved(figure, "png", {"Title": title, "Description": text}),
        text,
        tuple(step.sentence(number) for number, step in enumerate(told, 1)),
    )


def _saved(figure: Any, kind: str, metadata: dict[str, str | None]) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=DPI, metadata=metadata)
    return stream.getvalue()


def _heading(figure: Any, title: str, verdict: str) -> float:
    """Title and verdict; returns how far down the page they reach, 1 being its top."""
    figure.text(
        0.06, 0.955, textwrap.shorten(title, 36, placeholder=" ..."), fontsize=20, weight="bold", color=INK
    )
    figure.text(0.94, 0.959, "Facet · face-paint recipe", fontsize=9, color=FAINT, ha="right")
    lines = textwrap.wrap(verdict, 106)
    if len(lines) > VERDICT_LINES:
        kept = VERDICT_LINES - 1
        lines = [*lines[:kept], textwrap.shorten(" ".join(lines[kept:]), 106, placeholder=" ...")]
    figure.text(0.06, 0.94, "\n".join(lines), fontsize=9, color=INK, va="top", linespacing=1.4)
    return 0.94 - 0.0154 * len(lines)


def _picture(pattern: Pattern) -> FloatArray:
    """S×S×4 RGBA of the paint on the mean face, cut where a face is not painted."""
    surface = Surface.mean_face(TEXELS)
    x0, y0, x1, y1 = surface.window
    mask = np.zeros((TEXELS, TEXELS, 1), np.float32)
    mask[y0:y1, x0:x1, 0] = surface.mask.numpy()
    texture = render([pattern], TEXELS)[0].permute(1, 2, 0).numpy()
    alpha = texture[..., 3:]
    opaque = texture[..., :3] / np.maximum(alpha, 1e-6)
    return np.concatenate([opaque, alpha * mask], 2).clip(0, 1)


def _diagram(axes: Any, pattern: Pattern, picture: FloatArray, *, mirrored: bool) -> None:
    left, right, top, bottom = VIEW
    axes.set(xlim=(right, left) if mirrored else (left, right), ylim=(bottom, top), aspect="equal")
    axes.axis("off")
    title = "In your mirror" if mirrored else "As others see you"
    axes.set_title(title, fontsize=11, weight="bold", color=INK, pad=13)
    mean = topology.mean_face()
    oval = mean[list(outlines.FACE_OVAL)]
    axes.fill(oval[:, 0], oval[:, 1], facecolor=SKIN, edgecolor=LINE, linewidth=1.2, zorder=1)
    drawn = []
    for loop in FEATURES:
        points = mean[list(loop)]
        drawn += axes.fill(points[:, 0], points[:, 1], facecolor="none", edgecolor=LINE, lw=0.9, zorder=4)
    for lids, (center, *rim) in zip(drawn, (outlines.LEFT_IRIS, outlines.RIGHT_IRIS), strict=False):
        radius = np.linalg.norm(mean[rim] - mean[center], axis=1).mean()
        turn = np.linspace(0, 2 * np.pi, 60)
        circle = mean[center] + radius * np.stack([np.cos(turn), np.sin(turn)], 1)
        iris = axes.fill(circle[:, 0], circle[:, 1], color=LINE, alpha=0.6, linewidth=0, zorder=4)[0]
        iris.set_clip_path(lids)
    nose = mean[list(NOSE)]
    axes.plot(nose[:, 0], nose[:, 1], color=LINE, linewidth=0.9, zorder=4)
    extent = (LEFT, LEFT + SIDE, TOP + SIDE, TOP)
    axes.imshow(picture, extent=extent, zorder=3, interpolation="bilinear", aspect="equal")
    axes.set(xlim=(right, left) if mirrored else (left, right), ylim=(bottom, top))
    _rulers(axes)
    for name, x, y in references():
        del name
        axes.plot(x, y, marker="+", markersize=6, markeredgewidth=0.9, color=INK, zorder=5)
    for number, shape in enumerate(pattern.shapes, 1):
        x, y = _badge(shape, pattern)
        r, g, b = PALETTE[shape.color]
        dark = 0.299 * r + 0.587 * g + 0.114 * b < 140
        axes.text(
            x,
            y,
            str(number),
            fontsize=8.5,
            weight="bold",
            ha="center",
            va="center",
            color=INK,
            zorder=6,
            bbox={
                "boxstyle": "circle,pad=0.22",
                "facecolor": "white",
                "edgecolor": "white" if dark else INK,
                "linewidth": 0.8,
            },
        )
    for side, x in (("your right", -1.02), ("your left", 1.02)):
        axes.text(x, bottom - 0.03, side, fontsize=8, color=FAINT, ha="center", va="bottom", zorder=6)


def _badge(shape: Shape, pattern: Pattern) -> tuple[float, float]:
    """Where a shape's number goes: well inside what is painted of it, as near to its centre as it may."""
    surface = Surface.mean_face(BADGE_TEXELS)
    x0, y0, x1, y1 = surface.window
    cover = render([Pattern((shape,), 1.0, False, pattern.repeat)], BADGE_TEXELS)[0, 3, y0:y1, x0:x1]
    painted = (cover * surface.mask > 0.5).numpy().astype(np.uint8)
    if not painted.any():
        return shape.x, shape.y
    inset = cv2.distanceTransform(np.pad(painted, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    rows, columns = np.nonzero(inset >= 0.7 * inset.max())
    texel = SIDE / BADGE_TEXELS
    x, y = LEFT + (columns + x0 + 0.5) * texel, TOP + (rows + y0 + 0.5) * texel
    nearest = int(np.argmin(np.hypot(x - shape.x, y - shape.y)))
    return float(x[nearest]), float(y[nearest])


def _rulers(axes: Any) -> None:
    left, right, top, bottom = VIEW
    for x in (-1.0, -0.5, 0.0, 0.5, 1.0):
        axes.plot([x, x], [top, bottom], color=FAINT, linewidth=0.35, alpha=0.45, zorder=2)
        axes.text(x, top, f"{abs(x):g}", fontsize=6.5, color=FAINT, ha="center", va="bottom")
    for y in (-0.5, 0.0, 0.5, 1.0, 1.5):
        axes.plot([left, right], [y, y], color=FAINT, linewidth=0.35, alpha=0.45, zorder=2)
        axes.text(left, y, f"{abs(y):g}", fontsize=6.5, color=FAINT, ha="center", va="center")


def _colors(figure: Any, pattern: Pattern, y: float) -> None:
    from matplotlib.patches import Rectangle

    x = 0.06
    for name in pattern.colors:
        rgb = PALETTE[name]
        tone = tuple(part / 255 for part in rgb)
        figure.add_artist(Rectangle((x, y - 0.004), 0.026, 0.0165, facecolor=tone, edgecolor=LINE, lw=0.6))
        figure.text(x + 0.033, y, name, fontsize=9.5, color=INK)
        x += 0.048 + 0.011 * len(name)
    coats = "two thin coats" if pattern.opacity >= 0.8 else "one thin coat"
    if pattern.opacity < 0.5:
        coats = "one thin, watered coat"
    note = f"opacity {pattern.opacity:.0%}: {coats} \N{MIDDLE DOT} {stroke_note(pattern)}"
    figure.text(0.94, y, note, fontsize=9.5, color=INK, ha="right")


def _table(figure: Any, told: tuple[Step, ...], y: float) -> None:
    from matplotlib.patches import Ellipse

    for x, name in zip(COLUMNS, ("paint in this order", "size", "centre", "turn"), strict=True):
        figure.text(x, y, name, fontsize=8, color=FAINT)
    height = min(0.046, (y - 0.128) / len(told))
    for number, step in enumerate(told, 1):
        row = y - 0.004 - height * (number - 0.5)
        rgb = tuple(part / 255 for part in PALETTE[step.shape.color])
        swatch = Ellipse(
            (0.108, row), 0.018, 0.018 * PAGE[0] / PAGE[1], facecolor=rgb, edgecolor=LINE, lw=0.6
        )
        figure.add_artist(swatch)
        figure.text(0.08, row, str(number), fontsize=9.5, weight="bold", color=INK, ha="center", va="center")
        cells = (step.what, step.size, step.place, step.turn)
        for x, text, width in zip((0.126, *COLUMNS[1:]), cells, (30, 28, 40, 23), strict=True):
            lines = "\n".join(textwrap.wrap(text, width))
            figure.text(x, row, lines, fontsize=7.6, color=INK, va="center", linespacing=1.25)


def _note(figure: Any, text: str, y: float, color: str) -> None:
    figure.text(0.06, y, textwrap.fill(text, 130), fontsize=7.6, color=color, va="top", linespacing=1.35)
