"""The smallest honest experiment of the expression steps: clips whose truth is known because it was drawn.

Labels switch slowly. A head is fitted to noisy frame features of training clips; each clip shifts its
features a little, as a new face does. A weak "pretrained" classifier knows seven classes and is right when it
is sure: a weakly acted stretch it takes for another one, with evidence as weak. All of it is our choice; what
is tested is that choosing by p0 and averaging over ±delta pay off as arXiv 2603.12693 says, and why.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.abaw.classes import EXPRESSIONS, OTHER
from core.abaw.expression import softmax
from core.abaw.gla import search_bias, search_grid
from core.abaw.split import LabelledClip, Split, Tuned, evaluate, figures
from core.abaw.types import ClipScores, Options
from core.types import FloatArray

SHARES = np.array([0.22, 0.07, 0.06, 0.06, 0.16, 0.13, 0.08, 0.22])
"""Of the eight expressions, uneven as in AffWild2 but milder, so that every fold holds every class."""
CONFIDENCES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
WINDOWS = (0, 2, 4, 8, 12, 20, 40, 80, 160)


@dataclass(frozen=True, slots=True)
class World:
    """How clips are drawn.

    Attributes:
        clips: in each of the training, tuning and test folds.
        frames: of a clip.
        stretch: mean length of a label, in frames.
        dim: length of the features.
        separation: standard deviation of the classes' means.
        noise: of a frame's features.
        shift: of a whole clip's features.
        evidence: logit of the pretrained classifier for its class in the most strongly acted stretch.
        doubt: standard deviation of its logits.
        clear: stretches acted less than this (of 0..1) it takes for any of its classes; "other" as well.
        missing: share of frames without a face, in gaps of ten.
        shuffled: frames of each clip come in random order: the same frames and scores, without time.
    """

    clips: int = 16
    frames: int = 400
    stretch: float = 40.0
    dim: int = 12
    separation: float = 0.35
    noise: float = 1.0
    shift: float = 0.35
    evidence: float = 5.0
    doubt: float = 1.0
    clear: float = 0.65
    missing: float = 0.08
    shuffled: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """Macro-F1 on the test fold of settings that were tuned on the tuning fold.

    Attributes:
        final: p0 and delta tuned together.
        mlp: the head alone, its own delta.
        pretrained: the pretrained classes alone, their own delta.
        unsmoothed: ``final`` with delta 0.
        adjusted: ``final`` and the bias of each class (GLA), tuned after them.
        final_tuning: ``final`` on the tuning fold itself.
        adjusted_tuning: ``adjusted`` on the tuning fold itself.
        tuned: the setting of ``final``.
        confidences: over ``CONFIDENCES`` at the tuned delta.
        windows: over ``WINDOWS`` at the tuned p0.
    """

    final: float
    mlp: float
    pretrained: float
    unsmoothed: float
    adjusted: float
    final_tuning: float
    adjusted_tuning: float
    tuned: Options
    confidences: tuple[float, ...]
    windows: tuple[float, ...]


def draw(seed: int, world: World) -> tuple[Split, Split]:
    """A tuning and a test fold of different clips, scored by a head that was fitted to third ones."""
    rng = np.random.default_rng(seed)
    means = rng.normal(scale=world.separation, size=(len(EXPRESSIONS), world.dim))
    order = np.random.default_rng(seed + 1_000_000)
    train = [_clip(rng, means, world) for _ in range(world.clips)]
    weight, offset = _fit(np.concatenate([x for _, x, _ in train]), np.concatenate([y for y, _, _ in train]))
    folds = []
    for name in ("tune", "test"):
        clips = []
        for number in range(world.clips):
            labels, features, pretrained = _clip(rng, means, world)
            seen = _seen(rng, world)
            places = order.permutation(world.frames) if world.shuffled else np.arange(world.frames)
            face = seen[places]
            scores = ClipScores(
                times=np.arange(world.frames) / 25,
                seen=face,
                boxes=np.where(face[:, None], np.array([0.0, 0.0, 1.0, 1.0]), np.nan),
                pretrained=pretrained[places] * face[:, None],
                mlp=softmax(features @ weight + offset)[places] * face[:, None],
                encoder="synthetic",
            )
            clips.append(LabelledClip(f"{name}-{number}", scores, labels[places]))
        folds.append(Split(name, tuple(clips)))
    return folds[0], folds[1]


def experiment(seed: int, world: World) -> Outcome:
    """Tune on one fold, report on the other; nothing of the test fold is looked at before."""
    tune, test = draw(seed, world)
    final, _ = search_grid(tune, Tuned(), CONFIDENCES, WINDOWS)
    mlp, _ = search_grid(tune, Tuned(), (1.0,), WINDOWS)
    pretrained, _ = search_grid(tune, Tuned(), (0.0,), WINDOWS)

    def reached(options: Options) -> float:
        return evaluate(test, replace(final, options=options)).macro_f1

    chosen, adjusted = final.options, search_bias(tune, final)
    return Outcome(
        final=reached(chosen),
        mlp=evaluate(test, mlp).macro_f1,
        pretrained=evaluate(test, pretrained).macro_f1,
        unsmoothed=reached(replace(chosen, window=0)),
        adjusted=evaluate(test, adjusted).macro_f1,
        final_tuning=figures(tune, chosen).macro_f1,
        adjusted_tuning=figures(tune, adjusted.options).macro_f1,
        tuned=chosen,
        confidences=tuple(reached(replace(chosen, confidence=value)) for value in CONFIDENCES),
        windows=tuple(reached(replace(chosen, window=value)) for value in WINDOWS),
    )


def smoothing_gain(seed: int, world: World, window: int, confidence: float) -> float:
    """Macro-F1 on the test fold with a given delta minus that with none; nothing is tuned."""
    _, test = draw(seed, world)
    with_window, without = (
        evaluate(test, Tuned(Options(confidence=confidence, window=half))).macro_f1 for half in (window, 0)
    )
    return with_window - without


def _clip(
    rng: np.random.Generator, means: FloatArray, world: World
) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
    """Labels, features and the pretrained classifier's probabilities of one clip."""
    lengths = 1 + rng.geometric(1 / world.stretch, size=world.frames)
    stretch = np.repeat(np.arange(world.frames), lengths)[: world.frames]
    labels = rng.choice(len(EXPRESSIONS), size=world.frames, p=SHARES)[stretch]
    strength = rng.random(world.frames)[stretch]
    features = means[labels] + rng.normal(scale=world.shift, size=world.dim)
    features = features + rng.normal(scale=world.noise, size=features.shape)
    strength = np.where(labels == OTHER, strength * world.clear, strength)
    taken_for = np.where(strength < world.clear, rng.integers(0, OTHER, size=world.frames)[stretch], labels)
    logits = rng.normal(scale=world.doubt, size=(world.frames, len(EXPRESSIONS)))
    logits[np.arange(world.frames), taken_for] += world.evidence * strength
    logits[:, OTHER] = -np.inf  # it knows no "other"
    return labels, features, softmax(logits)


def _seen(rng: np.random.Generator, world: World) -> NDArray[np.bool_]:
    gap = 10
    absent = rng.random(-(-world.frames // gap)) < world.missing
    return ~np.repeat(absent, gap)[: world.frames]


def _fit(features: FloatArray, labels: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Linear discriminant analysis with equal priors: weights D×8 and offsets of eight logits."""
    means = np.array([features[labels == label].mean(axis=0) for label in range(len(EXPRESSIONS))])
    spread = np.cov((features - means[labels]).T)
    weight = np.linalg.solve(spread, means.T)
    return weight, -0.5 * (means * weight.T).sum(axis=1)
