"""Recipes of the ABAW heads on stored features: ``python -m core train abaw expr|va|au|violence``.

Sizes, losses and rates are those of arXiv 2603.12693 and its authors' notebooks; what they leave open is
marked as our choice. Best epochs are chosen on the validation part, so figures on it flatter a little.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from core.abaw import heads
from core.abaw.classes import ACTION_UNITS
from core.abaw.features import FeatureStore, LabelledClips, LabelledFrames
from core.abaw.score import dimension_ccc, expression_f1, unit_f1
from core.abaw.trained import HEAD, Branch, head
from core.abaw.violence import violence_loss
from core.datasets import affwild2, dvd
from core.datasets.affwild2 import Part
from core.datasets.frame_labels import Annotation, Task
from core.metrics.classification import accuracy, macro_f1
from core.training import loop
from core.training.loop import Outcome, Predict, Recipe
from core.types import Progress


@dataclass(frozen=True, slots=True)
class Setting:
    """One head's training.

    Attributes:
        options: epochs, batch and the like.
        rate: learning rate; the highest one of the cycle for violence.
        decay: weight decay.
        length: frames of a window (violence).
        hop: frames between windows (violence).
        branch: action units from the encoder's features, or from its class scores: the paper averages both.
    """

    options: loop.Options = field(default_factory=loop.Options)
    rate: float = 1e-3
    decay: float = 0.0
    length: int = 32
    hop: int = 16
    branch: Branch = "features"


SETTINGS: Final[Mapping[Task, Setting]] = {
    Task.EXPRESSION: Setting(loop.Options(epochs=10, batch=256)),
    Task.DIMENSIONS: Setting(loop.Options(epochs=5, batch=1024, drop_last=True)),
    Task.UNITS: Setting(loop.Options(epochs=10, batch=256)),
    Task.VIOLENCE: Setting(loop.Options(epochs=15, batch=16, clip=1.0), decay=5e-4),
}
"""The published epochs and batches; our choice: the rates of valence-arousal and violence, drop_last, hop."""


def annotations(root: Path, task: Task, part: Part) -> tuple[Annotation, ...]:
    """Read one part of AffWild2 or, for violence, of DVD; errors as of their readers."""
    return dvd.read(root, part) if task is Task.VIOLENCE else affwild2.read(root, task, part)


def train(
    task: Task, root: Path, features: Path, out: Path, setting: Setting | None = None
) -> Iterator[Progress | Outcome]:
    """Train one head, or go on where an earlier run stopped.

    Args:
        task: which head.
        root: the data set's annotations.
        features: folder with the features of one encoder, of both parts.
        out: folder of this head; gets ``head.safetensors`` beside the files of the loop.
        setting: the published one where not given.

    Yields:
        Progress, then the outcome.

    Raises:
        UserError: labels or features that are missing or do not fit, or a folder of another run.
    """
    setting = setting or SETTINGS[task]
    store = FeatureStore.only(features)
    recipe = build(task, store, root, setting)
    dim = recipe.data.width  # type: ignore[attr-defined]
    for event in loop.run(recipe, out, setting.options):
        if isinstance(event, Outcome) and loop.is_first():
            about = {
                "task": task.value, "dim": str(dim), "branch": setting.branch, "features": store.folder.name,
                "length": str(setting.length), "best": json.dumps(dict(event.best)),
            }  # fmt: skip
            weights = {name: value.cpu().contiguous() for name, value in event.model.state_dict().items()}
            save_file(weights, out / HEAD, about)
        yield event


def build(task: Task, store: FeatureStore, root: Path, setting: Setting) -> Recipe:
    """The recipe of one head; the loop does the rest."""
    torch.manual_seed(setting.options.seed)
    if task is Task.VIOLENCE:
        return _violence(store, root, setting)
    parts = [annotations(root, task, part) for part in ("training", "validation")]
    scores = setting.branch == "scores"
    data, held = (LabelledFrames(store, part, scores) for part in parts)
    labels = torch.from_numpy(data.labels)
    loss, validate, best = {
        Task.EXPRESSION: (_weighted(heads.expression_loss, heads.class_weights), _expressions, "accuracy"),
        Task.DIMENSIONS: (lambda _: heads.ccc_loss, _dimensions, "mean_ccc"),
        Task.UNITS: (_weighted(heads.unit_loss, heads.unit_weights), _units, "mean_f1"),
    }[task]
    return Recipe(
        head(task, data.width),
        data,
        loss(labels),
        lambda parameters: torch.optim.Adam(parameters, setting.rate, weight_decay=setting.decay),
        validate=lambda model, predict: validate(*predict(model, held)),
        best=best,
    )


def _violence(store: FeatureStore, root: Path, setting: Setting) -> Recipe:
    data = LabelledClips(store, annotations(root, Task.VIOLENCE, "training"), setting.length, setting.hop)
    held = LabelledClips(
        store, annotations(root, Task.VIOLENCE, "validation"), setting.length, setting.length
    )

    def validate(model: nn.Module, predict: Predict) -> Mapping[str, float]:
        logits, labels = predict(model, held)
        known = labels >= 0
        truth, found = labels[known].numpy(), logits.argmax(2)[known].numpy()
        return {"macro_f1": macro_f1(truth, found, 2), "accuracy": accuracy(truth, found)}

    return Recipe(
        head(Task.VIOLENCE, data.width),
        data,
        violence_loss,
        lambda parameters: torch.optim.AdamW(parameters, setting.rate, weight_decay=setting.decay),
        lambda optimiser, steps: OneCycleLR(optimiser, setting.rate, total_steps=steps),
        validate,
        "macro_f1",
    )


def _weighted(
    loss: Callable[[Tensor, Tensor, Tensor], Tensor], weigh: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], loop.Loss]:
    """A loss whose weights come from all training labels."""

    def of(labels: Tensor) -> loop.Loss:
        weights = weigh(labels)
        return lambda outputs, truth: loss(outputs, truth, weights.to(outputs.device))

    return of


def _expressions(logits: Tensor, labels: Tensor) -> Mapping[str, float]:
    truth, found = labels.numpy(), logits.argmax(1).numpy()
    return {"accuracy": accuracy(truth, found), "macro_f1": float(expression_f1(truth, found).mean())}


def _dimensions(found: Tensor, labels: Tensor) -> Mapping[str, float]:
    valence, arousal = dimension_ccc(labels.double().numpy(), found.double().numpy())
    return {"valence_ccc": valence, "arousal_ccc": arousal, "mean_ccc": (valence + arousal) / 2}


def _units(logits: Tensor, labels: Tensor) -> Mapping[str, float]:
    each = unit_f1(labels.numpy(), (logits > 0).numpy())
    return {"mean_f1": float(each.mean()), **dict(zip(ACTION_UNITS, map(float, each), strict=True))}
