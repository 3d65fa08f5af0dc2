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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.abaw import classes, geometry
from core.abaw.heads import (
    DimensionHead,
    ExpressionHead,
    UnitHead,
    ccc_loss,
    class_weights,
    expression_loss,
)
from core.datasets.expressions import LabelledFaces, Part
from core.expression.base import Encoder
from core.expressions import EXPRESSIONS
from core.training import abaw_teacher, bundled, loop
from core.training.expression_encoder import FILES, gather
from core.training.loop import Loss, Options
from core.types import FloatArray, Progress

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

OPTIONS = Options(epochs=12, batch=256, cpu=True)
RATE = 1e-3
NEVER = -30.0  # logit of a class that no example had
FILE = "facet_abaw_heads.safetensors"
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


def examples(root: Path, encoder: Encoder, wanted: Part, cache: Path) -> Iterator[Progress | Examples]:
    """All three data sets' faces of one part, below ``root``.

    Args:
        root: the folder of research data.
        encoder: whose features they are.
        wanted: which part.
        cache: folder in which the rule's measurements are kept, see ``core.training.abaw_teacher``.

    Yields:
        Progress of the rule, then the examples.
    """
    rows = []
    for number, name in enumerate(FILES):
        faces = gather(root, name, wanted, encoder.card.size)
        taught = np.full((len(faces), len(classes.ACTION_UNITS)), np.nan)
        if name in TEACHER_SIZE:
            stills = gather(root, name, wanted, TEACHER_SIZE[name])
            for event in abaw_teacher.measured(stills, cache / f"{name}-{wanted}.npz"):
                if isinstance(event, Progress):
                    yield replace(event, done=(number + event.done) / len(FILES))
                else:
                    taught = event.readings
        rows.append((features(encoder, faces), torch.from_numpy(to_abaw(faces.labels)), taught))
        yield Progress((number + 1) / len(FILES), f"Encoded {name}, {wanted}")
    yield Examples(
        torch.cat([row[0] for row in rows]),
        torch.cat([row[1] for row in rows]),
        np.concatenate([row[2] for row in rows]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Features with what one head is to say of them: a batch, and a source of batches, of the loop.

    Attributes:
        inputs: N×D.
        labels: N×anything.
    """

    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, numbers: NDArray[np.int64]) -> "Rows":
        """The rows with these numbers, in their order."""
        return Rows(self.inputs[numbers], self.labels[numbers])


def train(
    tuned: Examples, checked: Examples, folder: Path, options: Options = OPTIONS
) -> Iterator[Progress | dict[str, Tensor]]:
    """Train the three heads.

    Args:
        tuned: rows of the training part.
        checked: rows of the validation part, by which an epoch is kept.
        folder: for the loop's checkpoints, one folder a head.
        options: of the loop, the same for each head.

    Yields:
        Progress, then tensors by name (``expression.…``, ``dimensions.…``, ``units.…``, ``scale.low``,
        ``scale.high``), as ``core.abaw.models`` reads them.
    """
    dim = tuned.features.shape[1]
    torch.manual_seed(options.seed)
    weights, scale = class_weights(tuned.labels), scale_of(tuned)
    soft = functional.binary_cross_entropy_with_logits
    jobs: dict[str, tuple[nn.Module, Callable[[Examples], Rows], Loss]] = {
        "expression": (ExpressionHead(dim), labelled, partial(expression_loss, weights=weights)),
        "dimensions": (DimensionHead(dim), placed, ccc_loss),
        "units": (UnitHead(dim), partial(taught, scale=scale), soft),
    }
    tensors = {"scale.low": scale.low, "scale.high": scale.high}
    found = {name: torch.from_numpy(side.astype(np.float32)) for name, side in tensors.items()}
    for number, (name, (head, rows, loss)) in enumerate(jobs.items()):
        for event in loop.run(recipe(head, rows(tuned), rows(checked), loss), folder / name, options):
            if isinstance(event, Progress):
                yield replace(event, done=(number + event.done) / len(jobs))
                continue
            if name == "expression":
                never(event.model, ("other",))
            state = event.model.state_dict()
            found |= {f"{name}.{key}": value.detach().clone() for key, value in state.items()}
    yield found


@torch.no_grad()
def never(head: nn.Module, names: Sequence[str]) -> None:
    """Hold the logits of these classes down: no example showed them, so nothing may choose them."""
    last = list(head.children())[-1]
    assert isinstance(last, nn.Linear)
    for number in map(classes.EXPRESSIONS.index, names):
        last.weight[number], last.bias[number] = 0.0, NEVER


def recipe(head: nn.Module, tuned: Rows, checked: Rows, loss: Loss) -> loop.Recipe:
    """Adam, and the epoch with the lowest loss on ``checked``."""

    def validate(model: nn.Module, predict: loop.Predict) -> dict[str, float]:
        out, wanted = predict(model, checked)
        return {"minus loss": -float(loss(out, wanted))}

    return loop.Recipe(head, tuned, loss, partial(torch.optim.Adam, lr=RATE), None, validate, "minus loss")


def labelled(rows: Examples) -> Rows:
    """Features with ABAW's class numbers."""
    return Rows(rows.features, rows.labels)


def placed(rows: Examples) -> Rows:
    """Features with N×2 valence and arousal of their labels, see :data:`CIRCUMPLEX`; -5 for "other"."""
    unknown = (classes.IGNORED_DIMENSION,) * 2
    table = [CIRCUMPLEX.get(name, unknown) for name in classes.EXPRESSIONS]
    return Rows(rows.features, torch.tensor(table)[rows.labels])


def taught(rows: Examples, scale: geometry.Scale) -> Rows:
    """Features with the N×12 strengths of the geometric rule, where it was asked and saw a face."""
    known = ~np.isnan(rows.readings).any(1)
    strengths = geometry.strengths(rows.readings[known], scale)
    return Rows(rows.features[torch.from_numpy(known)], torch.from_numpy(strengths).float())


def scale_of(rows: Examples) -> geometry.Scale:
    """The rule's scale on the faces that it saw."""
    known = ~np.isnan(rows.readings).any(1)
    neutral = known & (rows.labels.numpy() == classes.EXPRESSIONS.index("neutral"))
    return geometry.calibrate(rows.readings[known], rows.readings[neutral])


def run(root: Path, encoder: Encoder, out: Path) -> Iterator[Progress | dict[str, Tensor]]:
    """Gather and train; a second call goes on where one stopped, and measures nothing twice.

    Args:
        root: the folder of research data.
        encoder: on whose features the heads stand.
        out: gets ``teacher``, which serves every encoder, and a folder of checkpoints for this one.

    Yields:
        Progress, then tensors as of :func:`train`.
    """
    parts: dict[Part, Examples] = {}
    shares: dict[Part, tuple[float, float]] = {"training": (0.0, 0.6), "validation": (0.6, 0.2)}
    for part, (begin, size) in shares.items():
        for event in examples(root, encoder, part, out / "teacher"):
            if isinstance(event, Progress):
                yield replace(event, done=begin + size * event.done)
            else:
                parts[part] = event
    folder = out / f"{encoder.card.name}-{encoder.fingerprint[:12]}"
    for last in train(parts["training"], parts["validation"], folder):
        yield replace(last, done=0.8 + 0.2 * last.done) if isinstance(last, Progress) else last


def save(tensors: dict[str, Tensor], encoder: str, folder: Path) -> str:
    """Write the heads to the folder of weights, with the name of their encoder; the manifest's line."""
    halved = {name: value.half() if value.ndim > 1 else value for name, value in tensors.items()}
    return bundled.install(halved, folder / FILE, {"encoder": encoder})
