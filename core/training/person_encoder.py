"""Train the bundled person encoders: ``python -m core train person-encoder --architecture NAME``.

Each sample is a visit of one identity: several pictures of it by different cameras, procedural pedestrians
drawn anew every time, or crops of MOT17's training sequences under a made-up camera. Identity softmax with
label smoothing after the last batch norm and batch-hard triplets with a soft margin (arXiv 1703.07737)
before it, as in arXiv 1903.07071; flips and random erasing (arXiv 1708.04896).
The epoch is chosen on drawn people and cameras of another town than those trained on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from core.datasets import mot_crops
from core.metrics.identification import identify
from core.reid import facet, siblings
from core.reid.facet import FacetPerson
from core.reid.siblings import Mixed, Plain, Residuals
from core.training import bundled, loop
from core.training.person_data import Check, Visits
from core.types import Progress

Encoder = FacetPerson | Residuals | Plain | Mixed
ARCHITECTURES: Final[Mapping[str, Callable[[], Encoder]]] = {
    facet.CARD.name: FacetPerson,
    siblings.B.name: Residuals,
    siblings.C.name: Plain,
    siblings.D.name: Mixed,
}
SMOOTHING: Final = 0.1


@dataclass(frozen=True, slots=True)
class Options:
    """The recipe.

    Attributes:
        architecture: one of ``ARCHITECTURES``.
        identities: drawn people.
        visits: how often an epoch visits each identity of MOT17.
        shots: pictures of a visit.
        kept: pictures that there are of each drawn person, or 0 to draw them anew for every visit.
        epochs: passes.
        batch: visits a step.
        rate: highest learning rate of the cycle.
        decay: weight decay.
        seed: of the order, the augmentation and the network.
        check: drawn people that the epoch is chosen on.
    """

    architecture: str = facet.CARD.name
    identities: int = 800
    visits: int = 3
    shots: int = 4
    kept: int = 0
    epochs: int = 14
    batch: int = 16
    rate: float = 2e-3
    decay: float = 5e-4
    seed: int = 0
    check: int = 100


class Learner(nn.Module):
    """The encoder with the layer that tells the training people apart."""

    def __init__(self, classes: int, net: Encoder | None = None) -> None:
        super().__init__()
        self.net = net or FacetPerson()
        self.classify = nn.Linear(self.net.card.dim, classes, bias=False)
        nn.init.normal_(self.classify.weight, std=0.01)
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """N×K×3×H×W -> N×K×dim before and after the last batch norm, N×K×classes."""
        raw = self.net.raw(pictures.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        features = self.net.neck(raw)
        scores = self.classify(features)
        people, shots = pictures.shape[:2]
        return (
            raw.reshape(people, shots, -1),
            features.reshape(people, shots, -1),
            scores.reshape(people, shots, -1),
        )


def loss(outputs: tuple[Tensor, Tensor, Tensor], labels: tuple[Tensor]) -> Tensor:
    """Identity softmax plus batch-hard triplets."""
    raw, _, scores = outputs
    who = labels[0].flatten()
    identity = nn.functional.cross_entropy(scores.flatten(0, 1), who, label_smoothing=SMOOTHING)
    return identity + hardest_triplets(raw.flatten(0, 1), who)


def hardest_triplets(vectors: Tensor, who: Tensor) -> Tensor:
    """Mean of ``log(1 + exp(d(a, p) - d(a, n)))`` over the anchors of a batch, ``p`` the farthest picture of
    the same identity and ``n`` the nearest of another (arXiv 1703.07737); 0 where all are one identity.
    """
    squared = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist").square()
    distances = (squared + 1e-8).sqrt()  # the root has no gradient at 0
    same = who[:, None] == who[None, :]
    if bool(same.all()):
        return vectors.sum() * 0
    far = distances.masked_fill(~same, 0).amax(1)
    near = distances.masked_fill(same, torch.inf).amin(1)
    return nn.functional.softplus(far - near).mean()


def run(root: Path | None, folder: Path, options: Options = Options()) -> Iterator[Progress | loop.Outcome]:
    """Train, or go on where an earlier call stopped.

    Args:
        root: the folder of research data with the crops of MOT17, or None to train on drawn people alone.
        folder: for checkpoints, see ``core.training.loop``.
        options: the recipe.

    Raises:
        UserError: the crops are missing, or the folder holds a run with other options.
    """
    torch.manual_seed(options.seed)
    crops = mot_crops.read(root, mot_crops.TRAINING) if root else ()
    halved = options.architecture != facet.CARD.name
    visits = Visits(options.identities, options.visits, options.shots, crops, options.kept, halved)
    check = Check(options.check)

    def validate(model: nn.Module, predict: loop.Predict) -> Mapping[str, float]:
        (_, features, _), (who, camera) = predict(model, check)
        unit = nn.functional.normalize(features.flatten(0, 1), dim=1)
        names, places = who.flatten().numpy(), camera.flatten().numpy()
        found = identify((unit @ unit.T).numpy(), names, names, places, places)
        return {"mAP": found.mean_average_precision, "rank1": found.rank1}

    recipe = loop.Recipe(
        Learner(visits.classes, ARCHITECTURES[options.architecture]()), visits, loss,
        lambda p: _optimiser(p, options), _schedule(options), validate, "mAP",
    )  # fmt: skip
    how = loop.Options(options.epochs, options.batch, options.seed, clip=5.0, drop_last=True, every=20)
    yield from loop.run(recipe, folder, how)


def _optimiser(parameters: list[nn.Parameter], options: Options) -> torch.optim.Optimizer:
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": options.decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, options.rate)


def _schedule(options: Options) -> Any:
    def cycle(optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        total = max(steps + 1, 5)  # torch divides by the steps of each half of the cycle
        return torch.optim.lr_scheduler.OneCycleLR(
            optimiser, options.rate, total_steps=total, pct_start=max(0.2, 2 / total)
        )

    return cycle


def exported(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's own tensors of a :class:`Learner`: filters in half precision, the rest in single."""
    found = {}
    for name, value in state.items():
        if name.startswith("net.") and not name.endswith("num_batches_tracked"):
            kept = value.half() if value.ndim > 1 else value.float()
            found[name.removeprefix("net.")] = kept.contiguous().clone()
    return found


def file_of(architecture: str) -> str:
    """Where the encoder lies in the folder of weights."""
    return f"{architecture.replace('-', '_')}.safetensors"


def save(model: nn.Module, target: Path) -> str:
    """Write the encoder into the folder of weights; its line in the manifest."""
    assert isinstance(model, Learner)
    return bundled.install(exported(model.state_dict()), target / file_of(model.net.card.name))
