"""How well an encoder names the expressions of stills, and whether its probabilities can be believed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.datasets.expressions import LabelledFaces
from core.expression.base import Encoder
from core.expression.crop import WIDE
from core.metrics import calibration, classification, intervals
from core.metrics.intervals import Interval
from core.types import FloatArray

RESAMPLES = 500


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """An encoder on N stills.

    Attributes:
        classes: the C class names of the data set.
        samples: N.
        people: how many people they show; 0 where that is not known.
        accuracy: share that is right.
        macro_f1: mean F1 over the classes that the set has (in a resample: that it has).
        f1: C F1, nan for a class that the set lacks.
        confusion: C×(C + 1) counts of true class (rows) and answer (columns); the last column counts answers
            outside the data set's classes.
        calibration_error: expected calibration error in 15 bins of the probability of the answer.
    """

    classes: tuple[str, ...]
    samples: int
    people: int
    accuracy: Interval
    macro_f1: Interval
    f1: FloatArray
    confusion: NDArray[np.int64]
    calibration_error: Interval


def probabilities(encoder: Encoder, faces: LabelledFaces, classes: Sequence[str]) -> FloatArray:
    """The encoder's probabilities of a data set's classes.

    The stills show a face's height (side 1.0, see ``core.expression.crop``). Each is put under the encoder's
    own cut as a picture that a face fills, so that it is resampled as the frames of a clip are; grey is
    repeated for networks of colours.

    Args:
        encoder: any whose framing is no wider than the stills.
        faces: N stills of any size.
        classes: C names in the order of the labels.

    Returns:
        N×(C + 1): the classes, and last the sum of what the encoder gives to others, such as contempt.

    Raises:
        ValueError: the encoder looks at more than the stills show, or lacks a class.
    """
    card = encoder.card
    if card.framing.side + 2 * abs(card.framing.down) > 1:
        raise ValueError(f"{card.name} looks at more than the stills show, which is a face's height")
    if lacking := [name for name in classes if name not in card.classes]:
        raise ValueError(f"{card.name} does not know {', '.join(lacking)}")
    columns = [card.classes.index(name) for name in classes]
    others = [index for index in range(len(card.classes)) if index not in columns]
    rows = [np.zeros((0, len(columns) + 1))]
    with torch.inference_mode():
        for part in _batches(faces.pixels, card.batch):
            found = encoder(_crops(encoder, part)).probabilities.double().numpy()
            rows.append(np.column_stack([found[:, columns], found[:, others].sum(1)]))
    return np.concatenate(rows)


def _crops(encoder: Encoder, pixels: NDArray[np.uint8]) -> Tensor:
    side = pixels.shape[1]
    half = side / WIDE / 2  # a box as high as the still, and as wide as one of a face is
    box = np.array([[side / 2 - half, 0.0, side / 2 + half, side]])
    return torch.cat([encoder.cut(np.repeat(one[:, :, None], 3, axis=2), box) for one in pixels])


def _batches(pixels: NDArray[np.uint8], size: int) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(pixels), size):
        yield pixels[start : start + size]


def figures(found: FloatArray, faces: LabelledFaces, classes: Sequence[str], *, seed: int = 0) -> Figures:
    """All figures from probabilities.

    An answer is the likeliest of the data set's classes, unless what lies outside of them is likelier than
    each: then it is wrong. Intervals resample people where the set names them, else stills.

    Args:
        found: N×(C + 1) as :func:`probabilities` gives them.
        faces: the same N stills.
        classes: C names.
        seed: of the resampling.

    Raises:
        ValueError: fewer than two stills or people.
    """
    truth, count = faces.labels, len(classes)
    answer, confidence = found.argmax(1), found.max(1)
    known = any(faces.people)
    clusters = np.asarray(faces.people) if known else np.arange(len(truth))
    present = np.unique(truth)

    def interval(statistic: Callable[[NDArray[np.int64]], float]) -> Interval:
        return intervals.bootstrap(statistic, clusters, resamples=RESAMPLES, seed=seed)

    def f1(rows: NDArray[np.int64]) -> FloatArray:
        return classification.f1_per_class(truth[rows], answer[rows], count + 1)[:count]

    def error(rows: NDArray[np.int64]) -> float:
        right = answer[rows] == truth[rows]
        return calibration.reliability(confidence[rows], right).expected_error

    whole = np.full(count, np.nan)
    whole[present] = f1(np.arange(len(truth)))[present]
    return Figures(
        tuple(classes),
        len(truth),
        len(set(faces.people)) if known else 0,
        intervals.mean((answer == truth).astype(float), clusters, seed=seed),
        interval(lambda rows: float(f1(rows)[np.unique(truth[rows])].mean())),
        whole,
        classification.confusion(truth, answer, count + 1)[:count],
        interval(error),
    )
