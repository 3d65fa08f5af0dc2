"""Action units read from facial geometry: blendshape coefficients and the gap between the lips.

A stand-in, not a coder: the Facial Action Coding System (Ekman, Friesen, Hager 2002) describes each unit by
what moves, and the coefficient that moves the same part stands for it here (our choice). MediaPipe's
coefficients cannot tell all units apart: cheeks hardly move in them, so AU6 is read where eyes narrow under
a smile, and AU23 and AU24 share the pressed lips.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.abaw.classes import ACTION_UNITS
from core.faces.blendshapes import NAMES
from core.types import Face, FloatArray

UPPER_LIP, LOWER_LIP, CORNERS = 13, 14, (61, 291)  # inner lips and mouth corners among the 478 points
RULES = {
    "AU1": ("browInnerUp",),
    "AU2": ("browOuterUpLeft", "browOuterUpRight"),
    "AU4": ("browDownLeft", "browDownRight"),
    "AU7": ("eyeSquintLeft", "eyeSquintRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU23": ("mouthRollLower", "mouthRollUpper"),
    "AU24": ("mouthPressLeft", "mouthPressRight"),
    "AU26": ("jawOpen",),
}


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What counts as nothing and as full strength of each unit's raw reading.

    Attributes:
        low: 12 values, median of neutral faces of the training people.
        high: 12 values, 97th percentile of all their faces.
    """

    low: FloatArray
    high: FloatArray


def raw(coefficients: FloatArray, points: FloatArray) -> FloatArray:
    """Raw readings, each in its own unit.

    Args:
        coefficients: N×52 blendshapes in 0..1, in the order of ``core.faces.blendshapes.NAMES``.
        points: N×478×2 landmarks, pixels.

    Returns:
        N×12 in the order of ``ACTION_UNITS``. AU25 is the gap of the inner lips over the mouth's width.
    """
    column = {name: coefficients[:, index] for index, name in enumerate(NAMES)}
    readings = {
        unit: np.mean([column[name] for name in names], axis=0) for unit, names in RULES.items()
    }  # both sides together: the challenges do not tell left from right
    readings["AU6"] = np.sqrt(readings["AU7"] * readings["AU12"])
    width = np.linalg.norm(points[:, CORNERS[0]] - points[:, CORNERS[1]], axis=1)
    gap = np.linalg.norm(points[:, UPPER_LIP] - points[:, LOWER_LIP], axis=1)
    readings["AU25"] = gap / np.maximum(width, 1e-6)
    return np.stack([readings[unit] for unit in ACTION_UNITS], axis=1)


def strengths(readings: FloatArray, scale: Scale) -> FloatArray:
    """N×12 raw readings -> N×12 in 0..1; .5 lies halfway between nothing and full strength."""
    return np.clip((readings - scale.low) / np.maximum(scale.high - scale.low, 1e-6), 0.0, 1.0)


def measure(faces: Sequence[Face], scale: Scale) -> FloatArray:
    """N×12 strengths of faces with landmarks; errors as :func:`core.faces.blendshapes.measure`."""
    from core.faces import blendshapes

    if not faces:
        return np.zeros((0, len(ACTION_UNITS)))
    points = np.stack([face.landmarks for face in faces if face.landmarks is not None])
    return strengths(raw(blendshapes.measure(faces), points), scale)


def calibrate(readings: FloatArray, neutral: FloatArray) -> Scale:
    """The scale of a set of faces.

    Args:
        readings: N×12 raw readings of all faces.
        neutral: M×12 raw readings of those labelled neutral.
    """
    return Scale(np.median(neutral, axis=0), np.percentile(readings, 97, axis=0))
