"""A face before a camera, decided from this picture and those before it: nothing after it is known yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from core.abaw.decide import decide
from core.abaw.types import ClipScores, Options, Timeline
from core.faces import detect
from core.types import FloatArray, Pixels

if TYPE_CHECKING:
    from core.abaw.models import Models

KEEP = 0.7  # share of the running mean that stays at each picture (our choice): at 3 a second about 1 s
FORGET_AFTER = 5  # pictures without a face, after which a face begins anew
ROWS = ("pretrained", "mlp", "valence_arousal", "units")


@dataclass(slots=True, eq=False)
class Live:
    """The running means of one face.

    Attributes:
        keep: share of the running mean that stays at each picture, 0..1; 0 turns smoothing off.
        means: head -> its running mean.
        missed: pictures since the face was seen.
        path: valence and arousal of the last pictures.
    """

    keep: float = KEEP
    means: dict[str, FloatArray] = field(default_factory=dict)
    missed: int = 0
    path: list[FloatArray] = field(default_factory=list)

    def update(self, now: ClipScores | None, options: Options) -> Timeline | None:
        """Take one more picture.

        Args:
            now: what the networks say about it, one row; None when it shows no face.
            options: as for a clip; windows are ignored, for they look ahead.

        Returns:
            One row, or None without a face.
        """
        if now is None:
            self.missed += 1
            if self.missed >= FORGET_AFTER:
                self.means, self.path = {}, []
            return None
        self.missed = 0
        for name in ROWS:
            values = getattr(now, name)
            if values is not None:
                before = self.means.get(name, values)
                self.means[name] = self.keep * before + (1 - self.keep) * values
        still = replace(
            options, window=0, window_dimensions=0, window_units=0, window_violence=0, visual_weight=1.0
        )
        averaged = replace(
            now,
            pretrained=self.means["pretrained"],
            mlp=self.means.get("mlp"),
            valence_arousal=self.means.get("valence_arousal"),
            units=self.means.get("units"),
        )
        found = decide(averaged, still)
        if found.valence_arousal is not None:
            self.path = [*self.path, found.valence_arousal[0]][-60:]
        return found


def look(models: "Models", pixels: Pixels) -> ClipScores | None:
    """What the networks say about the largest face of one picture; None when there is none.

    Args:
        models: encoder and heads.
        pixels: H×W×3 uint8 RGB.
    """
    faces = detect(pixels, thorough=False)
    if not faces:
        return None
    box = np.asarray(faces[0].box, np.float32)[None]
    rows = models.rows(models.encoder(models.encoder.cut(pixels, box)))
    return ClipScores(
        np.zeros(1), np.ones(1, bool), box, **rows,
        encoder=models.encoder.card.name, stand_ins=dict(models.stand_ins),
    )  # fmt: skip


def trail(path: Sequence[FloatArray]) -> FloatArray:
    """N×2 of the last pictures."""
    return np.stack(path) if path else np.zeros((0, 2))
