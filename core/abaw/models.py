"""The networks behind a clip's scores: an encoder, and the heads that were trained on its features."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn

from core import expression, weights
from core.abaw import hearing, trained, whole
from core.abaw.expression import arrange
from core.abaw.features import FeatureStore
from core.abaw.geometry import Scale
from core.abaw.heads import DimensionHead, ExpressionHead, UnitHead
from core.datasets.frame_labels import Task
from core.errors import Code, UserError
from core.expression.base import Encoder, Encoding
from core.faces.track import Embed, TrackOptions
from core.recognition import following
from core.settings import settings
from core.types import FloatArray
from core.vision_language import vit

HEADS = "facet-abaw-heads"
UNITS_MIXED = (
    "A head trained on annotations, mixed with a geometric rule on blendshape coefficients, which is not the "
    "second branch of the paper."
)
STAND_INS = {
    "expression": "Trained on the labels of FER2013, CK+ and LFW/film photos instead of AffWild2, which is "
    'not public: it never says "other".',
    "dimensions": "Trained on emotion labels placed in valence and arousal by ratings of words, not "
    "on ratings of these faces.",
    "units": "Trained on, and mixed with, a geometric rule on blendshape coefficients, not on the codes of "
    "FACS coders.",
}


FIELDS = {"expression": "mlp", "dimensions": "valence_arousal", "units": "units"}
"""Head -> the rows of ``core.abaw.types.ClipScores`` that it fills."""


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """What :func:`core.abaw.analyse.analyse` works with.

    Attributes:
        encoder: of the frames.
        modules: heads by name.
        scale: of the geometric rule for action units; None leaves the rule out.
        stand_ins: for each head a sentence on what it was really trained on.
        embed: tells people apart for the tracker; None to follow places alone.
        tracking: options of the tracker, with the limits that ``embed`` needs.
        ear: what hears the clip's sound; None while the speech encoder is not on this machine.
        watching: scores violence in whole pictures; None without a trained head.
    """

    encoder: Encoder
    modules: dict[str, nn.Module] = field(default_factory=dict)
    scale: Scale | None = None
    stand_ins: dict[str, str] = field(default_factory=dict)
    embed: Embed | None = None
    tracking: TrackOptions | None = None
    ear: hearing.Hearing | None = None
    watching: whole.Watching | None = None

    @torch.inference_mode()
    def rows(self, encoding: Encoding) -> dict[str, FloatArray]:
        """What the encoder and every head there is say about N faces, by field of ``ClipScores``.

        Returns:
            ``pretrained`` N×8 probabilities, and as far as there are heads ``mlp`` N×8 probabilities,
            ``valence_arousal`` N×2 in -1..1 and ``units`` N×12 in 0..1.
        """
        found = {"pretrained": arrange(encoding.probabilities.numpy(), self.encoder.card.classes)}
        for name, module in self.modules.items():
            out = module(encoding.features)
            if name == "expression":
                out = out.softmax(1)
            elif name == "units":
                out = torch.sigmoid(out)
            found[FIELDS[name]] = out.numpy().astype(np.float64)
        return found


def load(encoder: str = "facet-expression") -> Models:
    """Encoder and the heads that fit it; heads of another encoder are left out, never guessed.

    Heads in ``FACET_ABAW_HEADS`` (:mod:`core.abaw.trained`) take the place of the bundled ones. The sound is
    heard only if the speech encoder was fetched before, whole pictures are scored only if ViT-S/14 was; they
    are never fetched from here.

    Args:
        encoder: one of ``core.expression.encoders``.

    Raises:
        UserError: the encoder's weights cannot be had.
    """
    seeing = _load(encoder, settings().abaw_heads)
    return replace(seeing, ear=hearing.load()) if hearing.available() else seeing


@lru_cache(maxsize=4)
def _load(encoder: str, own: Path | None) -> Models:
    bundled = _bundled(encoder)
    return bundled if own is None else _with_own(bundled, own)


def _bundled(encoder: str) -> Models:
    loaded = expression.load(encoder)
    tensors, owner = _tensors()
    scale = Scale(tensors["scale.low"].numpy(), tensors["scale.high"].numpy())
    tracking, embed = following.identity()
    if owner != encoder:
        return Models(loaded, {}, scale, {"units": STAND_INS["units"]}, embed, tracking)
    dim = loaded.card.dim
    modules: dict[str, nn.Module] = {
        "expression": ExpressionHead(dim), "dimensions": DimensionHead(dim), "units": UnitHead(dim),
    }  # fmt: skip
    for name, module in modules.items():
        state = {
            key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(name)
        }
        module.load_state_dict(state)
        module.eval().requires_grad_(False)
    return Models(loaded, modules, scale, STAND_INS, embed, tracking)


NAMES = {Task.EXPRESSION: "expression", Task.DIMENSIONS: "dimensions", Task.UNITS: "units"}


def _with_own(models: Models, folder: Path) -> Models:
    """The heads of a folder in place of the bundled ones, as far as they fit the encoder."""
    encoder = models.encoder
    pictures = whole.store(Path())
    faces = FeatureStore(Path(), encoder.card.name, encoder.fingerprint)
    found = trained.fitting(folder, (faces, pictures))
    modules, stand_ins = dict(models.modules), dict(models.stand_ins)
    for task, name in NAMES.items():
        if task in found:
            modules[name] = found[task].model
            stand_ins.pop(name, None)
    if Task.UNITS in found and models.scale is not None:
        stand_ins["units"] = UNITS_MIXED
    watching = None
    if Task.VIOLENCE in found and weights.status(vit.NAME).present:
        watching = whole.Watching(vit.load(), found[Task.VIOLENCE])
    return replace(models, modules=modules, stand_ins=stand_ins, watching=watching)


def _tensors() -> tuple[dict[str, Tensor], str]:
    """The bundled heads in single precision, and the encoder on whose features they were trained."""
    with safe_open(weights.resolve(HEADS), "pt") as file:
        owner = (file.metadata() or {}).get("encoder")
        if owner is None:
            raise UserError(
                Code.WEIGHTS_CORRUPT,
                "The file of heads does not say for which encoder it is.",
                "Restore the weights folder of this copy, for instance with: git checkout -- weights",
            )
        return {name: file.get_tensor(name).float() for name in file.keys()}, owner  # noqa: SIM118
