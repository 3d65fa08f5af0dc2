"""Heads for the ABAW tab from what honest data there is: ``python -m core train stand-ins``.

AffWild2 and DVD are not public, so nothing here saw them. On the features of the bundled encoder are trained

* an expression head on the labels of FER2013 Training and the training people of CK+ and LFW/film; it has no
  frame of "other", whose logit is therefore held down;
* valence and arousal towards the point at which the label's emotion lies in Russell and Mehrabian's ratings
  ("Evidence for a three-factor theory of emotions", J. Research in Personality 11, 1977): a smoothed
  translation of expressions, not a rating of these faces;
* action units towards ``core.abaw.geometry`` on the same people: a rule's opinion, not a coder's.

Each is named as a stand-in on the screen. Early stopping looks at PublicTest and the validation people.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.abaw import classes, geometry
from core.datasets.expressions import LabelledFaces, Part
from core.expression.base import Encoder
from core.expression.classes import EXPRESSIONS
from core.faces import blendshapes
from core.faces.find import find_batch
from core.training.expression_encoder import FILES, gather
from core.types import FloatArray

CIRCUMPLEX = {
    "anger": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happiness": (0.81, 0.51),
    "sadness": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
    "neutral": (0.0, 0.0),
}
"""Mean pleasure and arousal ratings of the words angry, disgusted, fearful, happy, sad and surprised
(Russell and Mehrabian 1977); neutral is the origin by our choice."""

STILL_SIDE = 192  # px, to which stills are enlarged before their landmarks are measured
STILL_EDGE = 64  # px of repeated edge, without which the detector misses faces that fill the picture
TEACHER_SIZE = {"ckplus": 48, "lfw-film": 160}


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What the heads learn from: one row a face.

    Attributes:
        features: N×D float32 of the encoder.
        labels: N int64, ABAW's classes.
        readings: N×12 raw readings of the geometric rule, nan where it was not asked or saw no face.
    """

    features: Tensor
    labels: Tensor
    readings: FloatArray


def to_abaw(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The encoder's seven classes -> ABAW's numbers."""
    table = np.array([classes.EXPRESSIONS.index(name) for name in EXPRESSIONS])
    return table[labels].astype(np.int64)


@torch.inference_mode()
def features(encoder: Encoder, faces: LabelledFaces, batch: int = 128) -> Tensor:
    """N×D features of grey stills of the encoder's own size."""
    rows = []
    for start in range(0, len(faces), batch):
        grey = torch.from_numpy(faces.pixels[start : start + batch])
        rows.append(encoder(grey.unsqueeze(1).expand(-1, 3, -1, -1)).features)
    return torch.cat(rows)


def teacher(faces: LabelledFaces, batch: int = 16) -> FloatArray:
    """N×12 raw readings of the geometric rule on grey stills; nan where no face is measured."""
    readings = np.full((len(faces), len(classes.ACTION_UNITS)), np.nan)
    for start in range(0, len(faces), batch):
        found = find_batch([_framed(still) for still in faces.pixels[start : start + batch]])
        seen = [(start + row, group[0]) for row, group in enumerate(found) if group]
        if seen:
            points = np.stack([face.landmarks for _, face in seen if face.landmarks is not None])
            rows = [row for row, _ in seen]
            readings[rows] = geometry.raw(blendshapes.measure([face for _, face in seen]), points)
    return readings


def _framed(still: NDArray[np.uint8]) -> NDArray[np.uint8]:
    large = cv2.resize(still, (STILL_SIDE, STILL_SIDE), interpolation=cv2.INTER_CUBIC)
    edged = cv2.copyMakeBorder(large, *(STILL_EDGE,) * 4, cv2.BORDER_REPLICATE)
    return np.repeat(np.asarray(edged, np.uint8)[:, :, None], 3, axis=2)


def examples(root: Path, encoder: Encoder, wanted: Part) -> Examples:
    """All three data sets' faces of one part, below ``root``."""
    rows = []
    for name in FILES:
        faces = gather(root, name, wanted, encoder.card.size)
        taught = np.full((len(faces), len(classes.ACTION_UNITS)), np.nan)
        if name in TEACHER_SIZE:
            taught = teacher(gather(root, name, wanted, TEACHER_SIZE[name]))
        rows.append((features(encoder, faces), torch.from_numpy(to_abaw(faces.labels)), taught))
    return Examples(
        torch.cat([row[0] for row in rows]),
        torch.cat([row[1] for row in rows]),
        np.concatenate([row[2] for row in rows]),
    )
