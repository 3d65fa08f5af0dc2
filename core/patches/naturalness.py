"""How natural patches look: distance to natural crops by features, total variation, a detector of stickers.

A patch's score is the smallest of three shares: of natural crops that lie at least as far from a bank of
others, that vary at least as much, and that the detector finds at least as suspicious. Natural crops have
scores, too: a patch is "within" when its score is not below the 5th percentile of theirs, so 5 of 100
natural crops are not. The crops of bank, shares and percentiles are three disjoint sets of photographs; so
are the detector's.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional

from core import weights
from core.errors import Code, UserError
from core.metrics.natural import frechet, kernel
from core.patches.generator import PATCH
from core.types import FloatArray
from core.vision_language import vit

NAME: Final = "facet-sticker-detector"
FILE: Final = "facet_sticker_detector.safetensors"
MEASURES: Final = ("distance", "variation", "sticker")
LOWEST: Final = 0.05  # quantile of natural crops' scores from which on a patch is within
SEEN: Final = 112  # pixels a side in which the features are taken
BATCH: Final = 32
CHANNELS: Final = 24


class Detector(nn.Module):
    """Tells patches of attacks from natural pictures; 54,697 parameters."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((3, CHANNELS), (CHANNELS, 2 * CHANNELS), (2 * CHANNELS, 4 * CHANNELS)):
            layers += [
                nn.Conv2d(before, after, 3, 1, 1, bias=False),
                nn.GroupNorm(8, after),
                nn.SiLU(),
                nn.Conv2d(after, after, 3, 2, 1, groups=after),
            ]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(8 * CHANNELS, 1)

    def forward(self, patches: Tensor) -> Tensor:
        """N×3×64×64 in 0..1 -> N logits, above 0 for an attack's patch."""
        maps = self.layers(2 * patches - 1)
        pooled = torch.cat([maps.mean((2, 3)), maps.std((2, 3))], 1)
        logits: Tensor = self.last(pooled)[:, 0]
        return logits


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What patches are held to.

    Attributes:
        detector: trained.
        bank: B×384 unit vectors of natural crops.
        natural: by measure the sorted values of other natural crops, for the shares.
        scores: sorted scores of still others.
    """

    detector: Detector
    bank: Tensor
    natural: Mapping[str, FloatArray]
    scores: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """N patches.

    Attributes:
        distance: cosine distance of features to the nearest of the bank, 0..2.
        variation: mean absolute difference of neighbouring pixels, rows plus columns.
        sticker: 0..1, what the detector gives for an attack's patch.
        score: 0..1, the smallest of the three shares.
        within: whether it is not below what 95 of 100 natural crops have.
        tokens: N×384, their features.
    """

    distance: FloatArray
    variation: FloatArray
    sticker: FloatArray
    score: FloatArray
    within: NDArray[np.bool_]
    tokens: FloatArray


class Apart(NamedTuple):
    """Two sets of pictures: distances by features, and how well the detector tells them apart."""

    frechet: float
    kernel: float
    auc: float


def score(patches: Tensor, held: Reference | None = None) -> Scores:
    """How natural each patch is.

    Args:
        patches: N×3×64×64 in 0..1.
        held: None for the bundled reference.

    Raises:
        UserError: weights that cannot be had.
        ValueError: patches of another shape.
    """
    held = held or load()
    _check(patches)
    tokens = features(patches)
    return _scores(measures(patches, tokens, held), tokens, held)


def reference(held: Reference | None = None) -> dict[str, tuple[float, float, float]]:
    """5th, 50th and 95th percentile of natural crops by measure and of "score"; errors as :func:`load`."""
    held = held or load()
    found = {**held.natural, "score": held.scores}
    return {name: tuple(np.quantile(values, (0.05, 0.5, 0.95)).tolist()) for name, values in found.items()}


def apart(patches: Scores, natural: Scores) -> Apart:
    """A set of patches beside a set of natural crops, at least two each."""
    tokens = natural.tokens, patches.tokens
    truth = np.repeat([0, 1], [len(natural.sticker), len(patches.sticker)])
    found = np.concatenate([natural.sticker, patches.sticker])
    return Apart(frechet(*tokens), kernel(*tokens), float(roc_auc_score(truth, found)))


def measures(patches: Tensor, tokens: Tensor, held: Reference) -> dict[str, FloatArray]:
    """The three measures of N patches with their features, N each."""
    unit = functional.normalize(tokens, dim=1)
    down, across = (patches.diff(dim=axis).abs().mean((1, 2, 3)) for axis in (2, 3))
    return {
        "distance": (1 - (unit @ held.bank.T).max(1).values).double().numpy(),
        "variation": (down + across).double().numpy(),
        "sticker": 1 / (1 + np.exp(-_logits(held.detector, patches))),
    }


@torch.no_grad()
def features(patches: Tensor) -> Tensor:
    """N×3×h×w in 0..1 -> N×384, the class token of ViT-S/14 on pictures of 112 px."""
    net = _eye()
    rows = []
    for part in torch.split(patches, BATCH):
        large = functional.interpolate(part, SEEN, mode="bicubic").clamp(0, 1)
        rows.append(net(vit.normalised(large))[:, : vit.DIM])
    return torch.cat(rows)


def fitted(detector: Detector, bank: Tensor, shares: Tensor, percentiles: Tensor) -> Reference:
    """A reference of natural crops, three sets of N×3×64×64 from different photographs.

    Args:
        detector: trained on still others.
        bank: from which distances are taken.
        shares: whose measures are the scale.
        percentiles: whose scores are the range.
    """
    unit = functional.normalize(features(bank), dim=1).half().float()
    held = Reference(detector, unit, {}, np.zeros(1))
    scale = {name: np.sort(values) for name, values in measures(shares, features(shares), held).items()}
    found = score(percentiles, Reference(detector, unit, scale, np.zeros(1)))
    return Reference(detector, unit, scale, np.sort(found.score))


def save(held: Reference, path: Path) -> None:
    """Write a reference in half precision; its scales in single."""
    body = {f"detector.{name}": value.half() for name, value in held.detector.state_dict().items()}
    body |= {f"natural.{name}": torch.from_numpy(values).float() for name, values in held.natural.items()}
    body |= {"bank": held.bank.half(), "scores": torch.from_numpy(held.scores).float()}
    whole = {name: value.contiguous() for name, value in body.items()}
    save_file(whole, path, {"about": json.dumps({"detector": CHANNELS})})


def read(path: Path) -> Reference:
    """What :func:`save` wrote.

    Raises:
        UserError: ``WEIGHTS_CORRUPT``: the file holds something else.
    """
    with safe_open(path, "pt") as file:
        about = json.loads((file.metadata() or {}).get("about", "{}"))
    if about.get("detector") != CHANNELS:
        raise UserError(
            Code.WEIGHTS_CORRUPT,
            "This file holds no detector of stickers.",
            "Give one that was trained here.",
        )
    held = load_file(path)
    detector = Detector()
    start = "detector."
    state = {name.removeprefix(start): v.float() for name, v in held.items() if name.startswith(start)}
    detector.load_state_dict(state)
    natural = {name: held[f"natural.{name}"].double().numpy() for name in MEASURES}
    bank = functional.normalize(held["bank"].float(), dim=1)
    return Reference(detector.eval().requires_grad_(False), bank, natural, held["scores"].double().numpy())


@functools.lru_cache(maxsize=1)
def load() -> Reference:
    """The bundled reference, shared by the process.

    Raises:
        UserError: its file is missing or damaged.
    """
    return read(weights.resolve(NAME))


@functools.lru_cache(maxsize=1)
def _eye() -> nn.Module:
    return vit.load().eval().requires_grad_(False)


@torch.no_grad()
def _logits(detector: Detector, patches: Tensor) -> FloatArray:
    found = torch.cat([detector(part) for part in torch.split(patches, BATCH)])
    return found.double().numpy()


def _check(patches: Tensor) -> None:
    if patches.ndim != 4 or patches.shape[1:] != (3, PATCH, PATCH):
        raise ValueError(f"patches are N×3×{PATCH}×{PATCH}, not {tuple(patches.shape)}")


def _scores(found: Mapping[str, FloatArray], tokens: Tensor, held: Reference) -> Scores:
    shares = [_share(found[name], held.natural[name]) for name in MEASURES]
    smallest: FloatArray = np.min(shares, axis=0)
    return Scores(
        found["distance"],
        found["variation"],
        found["sticker"],
        smallest,
        smallest >= np.quantile(held.scores, LOWEST, method="lower"),
        tokens.double().numpy(),
    )


def _share(values: FloatArray, scale: FloatArray) -> FloatArray:
    """The share of the sorted scale that is at least as large as each value."""
    share: FloatArray = (len(scale) - np.searchsorted(scale, values, side="left")) / len(scale)
    return share
