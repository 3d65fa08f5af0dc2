"""Natural patches: the priors on the screen, and what its slider means to each way."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from core import weights
from core.datasets.flowers import CLASSES
from core.errors import Code, UserError
from core.types import Progress
from demos.patches import words
from demos.patches.bench import STEPS

if TYPE_CHECKING:
    from core.patches.latent_generator import LatentGenerator
    from demos.patches.bench import Bench

FLOWERS: Final = "facet-flowers"
TITLES: Final = {
    FLOWERS: "Flowers (trained here)",
    "synthetic-eyes": "Face generator: around the eyes",
    "synthetic-face": "Face generator: a whole face",
    "stable-diffusion-v1-5": "Stable Diffusion 1.5 (large download)",
}
# The page says them before the priors, and torch with them, are imported.
LABELS: Final = {FLOWERS: CLASSES, "synthetic-eyes": ("face",), "synthetic-face": ("face",)}
RADIUS: Final = 1.0  # of the offset at full strength, in shares of the latent's own size
RATE: Final = 0.4  # of the steering at full strength; as the radius, RESULTS.md has half and all of it
FACES: Final = "mobilestylegan"
ONE_PASS: Final = "latent generator"
SAMPLE: Final = "natural sample"
JUDGE: Final = "vit-s14"  # tells how far a patch is from natural crops
JUDGES: Final = (JUDGE, "facet-sticker-detector")


def priors() -> list[tuple[str, str]]:
    """(title, name) of the models that natural patches come from."""
    return [(title, name) for name, title in TITLES.items()]


def labels(prior: str) -> list[str]:
    """Classes of a prior; none where any sentence goes."""
    return list(LABELS.get(prior, ()))


def ways(prior: str) -> list[tuple[str, str]]:
    """(title, name) of the ways that a prior knows; the last needs no search."""
    from core.patches import bundled

    found = [("Offset in the latent", "latent offset")]
    if not prior.startswith("synthetic"):
        found.append(("Guided denoising", "guided sample"))
    if prior == FLOWERS and bundled.NATURAL:
        found.append(("Offset by one pass (faces, hiding)", ONE_PASS))
    return found


def network(prior: str) -> str:
    """The prior's entry among the weights."""
    return FACES if prior.startswith("synthetic") else prior


def needed(prior: str) -> tuple[str, ...]:
    """What to fetch for a natural patch."""
    known = {entry.name for entry in weights.entries()}
    states = {name: weights.status(name) for name in (JUDGE, network(prior)) if name in known}
    return tuple(name for name, state in states.items() if not state.present and state.fetchable)


def paint(bench: "Bench", prior: str, label: str, way: str, strength: float, seed: int) -> Iterator[Progress]:
    """A natural patch, and the same prior without an attack beside it; then how natural all patches are.

    Raises:
        UserError: ``OPTION_RANGE``: an unknown prior or way.
    """
    from core.patches import natural_makers
    from core.patches.makers import makers

    known = {name for _, name in priors()}
    if prior not in known or way not in {name for _, name in ways(prior)} or not 0 <= strength <= 1:
        raise UserError(Code.OPTION_RANGE, "There is no such way to paint.", "Choose one of those shown.")
    if way == ONE_PASS:
        model = predictor(bench)
        label, seed = model.about.label, model.about.sample  # the one picture that it changes
    began: dict[str, Any] = {"prior": prior, "label": label}
    yield Progress(0.2, "The prior paints a picture of its own")
    key = f"{SAMPLE}: {prior}, {label}, {seed}"
    if key not in bench.tried:
        told = ", ".join([*([label] if label else []), f"seed {seed}"])
        plain = makers.create(SAMPLE, **began)
        bench.try_out(SAMPLE, f"{words.WAYS[SAMPLE]} ({told})", plain, seed, key=key, **began)
    reach = {"rate": strength * RATE} if way == "guided sample" else {"radius": strength * RADIUS}
    steps = natural_makers.QUICK.get(prior, STEPS)
    if way == ONE_PASS:
        maker = makers.create(way, model=model, **reach)
    elif way == "latent offset":
        maker = makers.create(way, **began, **reach)
    else:
        maker = makers.create(way, **began, **reach, steps=steps)
    yield Progress(0.4, "The picture is moved towards the attack")
    bench.try_out(way, words.WAYS[way], maker, seed, steps, **began, **reach)
    yield Progress(0.9, "How natural the patches look")
    score(bench)


def predictor(bench: "Bench") -> "LatentGenerator":
    """The bundled generator that predicts offsets for what is on the bench.

    Raises:
        UserError: ``OPTION_RANGE``: there is none for this purpose or place.
    """
    from core.patches import bundled
    from core.patches.latent_generator import LatentGenerator

    if bundled.knows(*bench.purpose(natural=True)):
        model = bundled.load(*bench.purpose(natural=True))
        assert isinstance(model, LatentGenerator)
        return model
    raise UserError(
        Code.OPTION_RANGE,
        "No generator of natural patches was trained for this.",
        "Choose the offset in the latent, or glasses or a mask on a face that is to hide.",
    )


def score(bench: "Bench") -> None:
    """Say of all tried patches how natural they are."""
    import torch

    from core.patches import naturalness

    fresh = [name for name in bench.tried if name not in bench.looks]
    if fresh:
        found = naturalness.score(torch.stack([bench.tried[name].made.patch for name in fresh]))
        bench.looks |= {
            name: (float(found.score[row]), bool(found.within[row]), float(found.sticker[row]))
            for row, name in enumerate(fresh)
        }
