"""How the light of a photo falls on the skin, so that paint takes the same light.

Paint hides the skin's colour, not the light on it: it is darker where the cheek turns away, it shows
creases and stubble a little, it shines where the skin shines, and in a black-and-white photo it is
grey. All of that is read from the skin's own luminance. The gains multiply display values: for the
power law of displays a product of light is a product of values, and mixing paint and skin in display
values is the card's x' = (1 - a m) x + a m c. Our choice.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from core.errors import Code, UserError
from core.types import FloatArray, Mask

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec. 709
FORM = 0.16  # eye-distances; light changes slower than this over a face, skin detail faster
LIT = 70  # percentile of the skin's luminance that counts as fully lit
EXPOSED = 0.66  # display value of fully lit fair skin in a well exposed photo
WHITEST = 99.5  # percentile of the luminance that counts as white
WHITE = 0.9  # its display value in a well exposed photo
GAIN = (0.1, 1.3)
GLOSS = 0.04  # display value that fully lit paint adds by mirroring
SHINE = 0.9  # how much of the skin's own highlights stays on the paint
GREY = 0.02  # mean saturation of skin below which a photo counts as black and white


@dataclass(frozen=True, slots=True)
class PaintOptions:
    """How paint is made to sit on skin.

    Attributes:
        shading: how much of the skin's shading, and of the photo's exposure, the paint takes, 0..1.
        detail: how much of creases, pores and stubble shows through, 0..1.
        sheen: how much of the skin's highlights the paint keeps, 0..1.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    shading: float = 1.0
    detail: float = 0.6
    sheen: float = 0.5

    def __post_init__(self) -> None:
        for what in ("shading", "detail", "sheen"):
            if not 0 <= getattr(self, what) <= 1:
                raise UserError(Code.OPTION_RANGE, f"The {what} is out of range.", "Choose it from 0 to 1.")


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """What happens to paint in this light: ``paint * gain + sheen``, in display values 0..1.

    Attributes:
        gain: h×w float32.
        sheen: h×w float32, added to every channel.
        grey: the photo is black and white.
    """

    gain: FloatArray
    sheen: FloatArray
    grey: bool


def light(skin: FloatArray, mask: Mask, eye_distance: float, options: PaintOptions) -> Light:
    """Read the light from the skin.

    Args:
        skin: h×w×3 float32 RGB display values, 0..1.
        mask: h×w, where ``skin`` is bare skin.
        eye_distance: pixels.
        options: how much of it paint takes.
    """
    shape = mask.shape
    if not mask.any():
        return Light(np.ones(shape, np.float32), np.zeros(shape, np.float32), False)
    luma = np.maximum(skin @ LUMA, 1e-3)
    form = _smooth(luma, mask, FORM * eye_distance)
    lit = float(np.percentile(form[mask], LIT))
    exposure = _exposure(lit, float(np.percentile(luma, WHITEST))) ** options.shading
    relief = luma / form - 1
    gain = exposure * (form / lit) ** options.shading * (1 + options.detail * relief)
    # wet-looking paint mirrors a little of the light whatever its colour: seen on black and blue
    sheen = exposure * options.sheen * (GLOSS * form / lit + SHINE * np.maximum(luma - form, 0))
    some = skin[mask][:: max(int(mask.sum()) // 20_000, 1)]
    spread = some.max(1) - some.min(1)
    return Light(
        np.clip(gain, *GAIN).astype(np.float32), sheen.astype(np.float32), bool(spread.mean() < GREY)
    )


def _exposure(lit: float, brightest: float) -> float:
    """How bright white things are in this photo, 1 where it is well exposed.

    Skin alone cannot tell dim light from dark skin. Were it fair, its brightness would give a lower
    bound; the brightest spots of the face (teeth, eyes, highlights) give an upper one. Between them.
    """
    low, high = lit / EXPOSED, max(brightest, lit) / WHITE
    return float(np.clip(np.sqrt(low * high), 0.25, 1.0))


def _smooth(values: FloatArray, mask: Mask, sigma: float) -> FloatArray:
    """Gaussian mean over the masked pixels only, so that eyes, hair and background do not bleed in."""
    weight = mask.astype(np.float32)
    step = max(int(sigma / 4), 1)  # blur a reduced picture: the result is smooth anyway
    size = (max(values.shape[1] // step, 1), max(values.shape[0] // step, 1))
    parts = []
    for part in (values * weight, weight):
        small = cv2.resize(part.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_REPLICATE)
        parts.append(cv2.resize(small, values.shape[::-1], interpolation=cv2.INTER_LINEAR))
    total, count = parts
    mean = float(values[mask].mean())
    return np.where(count > 1e-3, total / np.maximum(count, 1e-3), mean)
