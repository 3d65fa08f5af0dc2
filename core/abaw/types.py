"""What is measured once of a clip, and what the sliders ask of it."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.abaw.classes import ACTION_UNITS, DIMENSIONS, EXPRESSIONS
from core.errors import Code, UserError
from core.types import FloatArray, Mask

Branch = Literal["pretrained", "mlp"]


@dataclass(frozen=True, slots=True, eq=False)
class ClipScores:
    """Everything that the networks said about one person in one clip; computed once, read by every slider.

    Rows are the F frames of the whole clip, also those in which the person is not seen; rows of unseen frames
    are zero. A head that is not there is None.

    Attributes:
        times: F float, seconds from the first frame.
        seen: F bool, the face was found (or bridged) in this frame.
        boxes: F×4 float32 pixels, nan where unseen.
        pretrained: F×8 probabilities of the encoder's own classes in the order of ``EXPRESSIONS``
            (:func:`core.abaw.expression.arrange`); a class that the encoder does not know is 0. The slot of
            "other" holds contempt where it knows that, and never wins.
        mlp: F×8 probabilities of the expression head.
        audio: F×8 probabilities of the audio head, for every frame.
        valence_arousal: F×2 in -1..1.
        units: F×12 in 0..1, action units of the feature branch.
        units_second: F×12 in 0..1, action units of the second branch (scores or geometry).
        violence: F in 0..1.
        encoder: name of the expression encoder.
        stand_ins: head -> sentence that says what it was really trained on, for the screen.
    """

    times: FloatArray
    seen: Mask
    boxes: FloatArray
    pretrained: FloatArray
    mlp: FloatArray | None = None
    audio: FloatArray | None = None
    valence_arousal: FloatArray | None = None
    units: FloatArray | None = None
    units_second: FloatArray | None = None
    violence: FloatArray | None = None
    encoder: str = ""
    stand_ins: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows, classes = len(self.times), len(EXPRESSIONS)
        for name, shape in (
            ("seen", (rows,)),
            ("boxes", (rows, 4)),
            ("pretrained", (rows, classes)),
            ("mlp", (rows, classes)),
            ("audio", (rows, classes)),
            ("valence_arousal", (rows, len(DIMENSIONS))),
            ("units", (rows, len(ACTION_UNITS))),
            ("units_second", (rows, len(ACTION_UNITS))),
            ("violence", (rows,)),
        ):
            values = getattr(self, name)
            if values is not None and np.shape(values) != shape:
                raise ValueError(f"{name} has shape {np.shape(values)}, not {shape}")

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True)
class Options:
    """The steps after the networks, each of which can be switched off.

    Attributes:
        confidence: p0 in 0..1; the pretrained class is taken where its probability is larger. 1 leaves the
            expression head alone, 0 the pretrained classes alone.
        window: delta, half width of the box average of expressions, in frames, 0..1000; 0 turns it off.
        visual_weight: w in 0..1 of the visual head against the audio head; 1 is visual only.
        bias: eight numbers in -20..20, added to the log-probabilities of the expression head (after the
            audio), or of the pretrained classes where there is no head (GLA); all equal changes nothing.
        fill: interpolate probabilities over frames without a face; else such frames stay undecided.
        window_dimensions: half width of the average of valence and arousal, in frames, 0..1000.
        window_units: half width of the average of action units, in frames, 0..1000.
        window_violence: half width of the average of the violence score, in frames, 0..1000.
        unit_thresholds: twelve thresholds in 0..1.
        unit_mix: weight in 0..1 of the feature branch of action units against the second one.
        violence_threshold: in 0..1.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    confidence: float = 0.8
    window: int = 25
    visual_weight: float = 1.0
    bias: tuple[float, ...] = (0.0,) * len(EXPRESSIONS)
    fill: bool = True
    window_dimensions: int = 50
    window_units: int = 5
    window_violence: int = 8
    unit_thresholds: tuple[float, ...] = (0.5,) * len(ACTION_UNITS)
    unit_mix: float = 0.5
    violence_threshold: float = 0.5

    def __post_init__(self) -> None:
        for name in ("confidence", "visual_weight", "unit_mix", "violence_threshold"):
            _check(name, (getattr(self, name),), 1, 0.0, 1.0)
        for name in ("window", "window_dimensions", "window_units", "window_violence"):
            _check(name, (getattr(self, name),), 1, 0, 1000)
            if int(getattr(self, name)) != getattr(self, name):
                raise UserError(Code.OPTION_RANGE, "A window is not whole.", "Give it as a number of frames.")
        _check("bias", self.bias, len(EXPRESSIONS), -20.0, 20.0)
        _check("unit_thresholds", self.unit_thresholds, len(ACTION_UNITS), 0.0, 1.0)


def _check(name: str, values: tuple[float, ...], count: int, low: float, high: float) -> None:
    label = name.replace("_", " ").capitalize()
    if len(values) != count:
        raise UserError(Code.OPTION_RANGE, f"{label} has a wrong length.", f"Give {count} numbers.")
    if not all(low <= value <= high for value in values):  # nan compares as false
        hint = f"Choose from {low:g} to {high:g}."
        raise UserError(Code.OPTION_RANGE, f"{label} is out of range.", hint)


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """What the steps made of the scores; F rows, -1 marks a frame that stays undecided.

    Attributes:
        raw: F int, arg-max of the expression head (of the pretrained classes where there is none) per frame,
            after the filling.
        smoothed: F int, the same after the window.
        final: F int, after the choice of the branch.
        probabilities: F×8, those that ``final`` is the arg-max of; rows sum to 1, undecided ones are 0.
        branch: F int8: 0 pretrained, 1 head, -1 undecided.
        filled: F bool: no face was seen, the row was interpolated.
        valence_arousal: F×2 smoothed, nan where undecided, or None.
        units: F×12 mixed and smoothed strengths, nan where undecided, or None.
        active: F×12 bool, strengths above their thresholds, or None.
        violence: F smoothed, or None.
        violent: F bool, violence above its threshold, or None.
    """

    raw: NDArray[np.int64]
    smoothed: NDArray[np.int64]
    final: NDArray[np.int64]
    probabilities: FloatArray
    branch: NDArray[np.int8]
    filled: Mask
    valence_arousal: FloatArray | None = None
    units: FloatArray | None = None
    active: Mask | None = None
    violence: FloatArray | None = None
    violent: Mask | None = None
