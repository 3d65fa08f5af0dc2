"""A made world of embeddings in which personalisation can be told from luck (card 2 of our design notes).

Class texts; a gap between texts and images; people of a few types, and for each type and class an offset of
where that class lies, shared by the people of the type and only by them; an offset of each person; and noise
that lasts from frame to frame. Source subjects of the target's type thus know where the target's classes lie,
those of other types do not, and a type shows in the statistics of unlabelled frames. All of it is our choice,
made while looking at seeds 0 to 2: it shows what the parts of the method do, not how well they do on faces.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.signal import lfilter

from core.metrics.classification import macro_f1
from core.personalize.build import Labelled, build
from core.personalize.evaluate import Clip, run
from core.personalize.methods import Choice, Method, Personalized, ZeroShot
from core.personalize.options import ABLATIONS, JUNE, MARCH, Options, ablate
from core.personalize.peers import EntropyTuning, Tda, TdaOptions
from core.personalize.subjects import Sources
from core.personalize.vectors import Vectors, unit
from core.types import FloatArray

MODEL: Final = "synthetic"


@dataclass(frozen=True, slots=True)
class World:
    """How embeddings are drawn. Lengths are of vectors, before an embedding is made a unit vector.

    Attributes:
        classes: K.
        dim: D.
        types: of people.
        sources, targets: how many people, types in turn.
        frames: of a clip, and of a source subject's class.
        clips: of a target's class.
        scale: logit scale.
        gap: of the direction shared by all images.
        signal: of the class direction of the texts.
        typed: of the offset of each type and class.
        own: of the offset of each person and class.
        look: of the offset of each type whatever the class, by which a type shows.
        noise: of a frame.
        lasting: correlation of the noise from frame to frame.
    """

    classes: int = 5
    dim: int = 64
    types: int = 3
    sources: int = 12
    targets: int = 6
    frames: int = 20
    clips: int = 4
    scale: float = 50.0
    gap: float = 1.0
    signal: float = 0.3
    typed: float = 0.3
    own: float = 0.3
    look: float = 0.3
    noise: float = 0.8
    lasting: float = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One world.

    Attributes:
        text: K×D unit vectors.
        scale: logit scale.
        sources: the source cache.
        clips: of the targets, clips of all classes mixed in time.
    """

    text: Vectors
    scale: float
    sources: Sources
    clips: tuple[Clip, ...]


def draw(seed: int, world: World) -> Drawn:
    """Draw texts, source subjects and targets."""
    rng = np.random.default_rng(seed)
    k, d = world.classes, world.dim
    directions = unit(rng.normal(size=(k, d))).astype(np.float64)
    text = unit(unit(rng.normal(size=d)) + 0.7 * directions)
    gap = world.gap * unit(rng.normal(size=d))
    types = world.typed * unit(rng.normal(size=(world.types, k, d)))
    looks = world.look * unit(rng.normal(size=(world.types, d)))

    def person(number: int) -> FloatArray:
        """K×D centres of one person's classes."""
        kind = number % world.types
        own = world.own * unit(rng.normal(size=(k, d)))
        centres: FloatArray = gap + looks[kind] + world.signal * directions + types[kind] + own
        return centres

    def frames(centre: FloatArray) -> FloatArray:
        """T×D frames around a centre."""
        fresh = rng.normal(scale=world.noise / np.sqrt(d), size=(world.frames, d))
        fresh[1:] *= np.sqrt(1 - world.lasting**2)
        rows: FloatArray = centre + lfilter([1.0], [1.0, -world.lasting], fresh, axis=0)
        return rows

    people = []
    for number in range(world.sources):
        centres = person(number)
        rows = np.concatenate([frames(centre) for centre in centres])
        people.append(Labelled(f"source {number}", rows, np.repeat(np.arange(k), world.frames)))
    clips = []
    for number in range(world.targets):
        centres = person(number)
        for place, label in enumerate(rng.permutation(np.repeat(np.arange(k), world.clips))):
            clips.append(Clip(f"target {number}", f"clip {place}", frames(centres[label]), int(label)))
    names = tuple(f"class {label}" for label in range(k))
    return Drawn(text, world.scale, build(people, names, MODEL, seed), tuple(clips))


def shared(world: World) -> World:
    """The control: the same spread of people but no types, so that nobody is more like a target."""
    return replace(world, own=float(np.hypot(world.own, world.typed)), typed=0.0, look=0.0)


FULL: Final = "TTA-CaP, ours"
OURS: Final = Options(nearest_sources=3)
"""A quarter of the twelve source subjects, as there are three types and noise; twenty would be everybody."""
TUNED: Final = "TDA, alpha 5"


def methods(drawn: Drawn, seed: int) -> dict[str, Method]:
    """Everything that the benchmark compares, by name; all with the same texts and sources."""
    text, scale, sources = drawn.text, drawn.scale, drawn.sources

    def full(options: Options, choice: Choice = "nearest") -> Method:
        return Personalized(text, scale, options, sources, choice=choice, seed=seed)

    bare = replace(OURS, nearest_sources=0, lambda_source=0.0)
    found: dict[str, Method] = {
        FULL: full(OURS),
        "zero-shot": ZeroShot(text, scale),
        "TDA": Tda(text, scale),
        TUNED: Tda(text, scale, TdaOptions(positive_weight=5.0)),
        "entropy tuning a video": EntropyTuning(text, scale, "video"),
        "March 2026": full(MARCH),
        "June 2026": full(JUNE),
        "random sources": full(OURS, "random"),
        "farthest sources": full(OURS, "farthest"),
        "source cache alone": full(replace(OURS, positive_capacity=0, negative_capacity=0)),
        "own caches alone": full(bare),
        "gates on zero-shot": full(replace(OURS, judge="zero-shot")),
        "bare scores": full(replace(OURS, scale_votes=False)),
    }
    return found | {name: full(ablate(OURS, name)) for name in ABLATIONS}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Macro-F1 of one world, by method.

    Attributes:
        videos: of clips, all targets pooled.
        frames: of their frames.
    """

    videos: dict[str, float]
    frames: dict[str, float]


def experiment(seed: int, world: World, only: Sequence[str] | None = None) -> Outcome:
    """Every method (or those named) on one drawn world."""
    drawn = draw(seed, world)
    videos, frames = {}, {}
    truth = np.array([clip.label for clip in drawn.clips])
    each = np.concatenate([clip.frame_labels for clip in drawn.clips])
    for name, method in methods(drawn, seed).items():
        if only is None or name in only:
            found = run(method, drawn.clips)
            videos[name] = macro_f1(truth, found.videos, world.classes)
            frames[name] = macro_f1(each, np.concatenate(found.frames), world.classes)
    return Outcome(videos, frames)
