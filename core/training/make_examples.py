"""The example faces that ship with the app: who they are, how to draw them again, how they were found.

    python -m core examples draw     draws every picture of the index again
    python -m core examples aim      finds the views anew with the directions that are there
    python -m core examples find     finds the directions anew, too
    python -m core examples check    says whether recognisers agree on who is who

Nobody's photo is involved: a person is a seed of the generator, a view is a move of its latent.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from core.faces import generate
from core.faces.generate import FaceGenerator
from core.media import images
from core.training import face_directions
from core.training.example_index import FOLDER, Index, Person, View, file_name
from core.training.face_directions import ATTRIBUTES, Directions
from core.types import Pixels, Progress

SIZE = 512
QUALITIES, MOST_BYTES = (88, 80, 72, 64), 60_000  # the first that is small enough
SAMPLES, SAMPLE_TRUNCATION = 400, 0.7  # faces on which the directions are fitted
# Less truncation tells people better apart: of the 3160 pairs among seeds 0 to 79, drawn without moves, at
# least one of seven recognisers takes 621 for one person (FAR 1e-3) at 0.7, 236 at 0.85, 185 at 0.9.
TRUNCATION = 0.9

# Chosen by eye among seeds 0 to 588 for being adults without artefacts who differ in apparent gender, age
# and skin, then so that every recogniser tells them apart in every view.
PEOPLE: Mapping[str, int] = {
    "person-a": 240,
    "person-b": 66,
    "person-c": 60,
    "person-d": 69,
    "person-e": 203,
    "person-f": 328,
    "person-g": 88,
    "person-h": 136,
    "person-i": 150,
    "person-j": 445,
}
NEUTRAL, SMILING = 0.42, 0.56
LEVEL = {"yaw": 0.0, "pitch": 0.0, "smile": NEUTRAL}
# Whose glasses would come and go; held for everybody, age would move with them.
GLASSES = {"person-j": 0.06}
# What a view shall measure, and by how much its light is moved; the first is where the others begin. The app
# lets every third photo only test: a turn and a light that the search has not seen.
VIEWS: Mapping[str, tuple[dict[str, float], dict[str, float]]] = {
    "frontal": (LEVEL, {}),
    "left": (LEVEL | {"yaw": -15.0}, {}),
    "right": (LEVEL | {"yaw": 15.0}, {}),
    "smile": (LEVEL | {"smile": SMILING}, {}),
    "up": (LEVEL | {"pitch": 6.0}, {}),
    "light": (LEVEL, {"brightness": -25.0, "side_light": 100.0}),
}
CLOSE = {"yaw": 1.5, "pitch": 1.5, "smile": 0.015, "glasses": 0.008}
ROUNDS = 5


def draw(folder: Path = FOLDER) -> Iterator[Progress]:
    """Draw every picture of the index into the folder, replacing what is there.

    Yields:
        One event a picture.
    """
    index, directions, generator = Index.load(folder), _directions(folder), generate.load()
    pictures = [(n, p.seed, v, view) for n, p in index.people.items() for v, view in p.views.items()]
    for done, (name, seed, view_name, view) in enumerate(pictures, 1):
        pixels = picture(generator, directions, seed, view.moves, index.truncation, index.size)
        (folder / file_name(name, view_name)).write_bytes(encode(pixels))
        yield Progress(done / len(pictures), f"{name}, {view_name}")


def find(folder: Path = FOLDER, samples: int = SAMPLES) -> Iterator[Progress]:
    """Find directions and views anew (about six minutes of one core), then write index and pictures.

    Args:
        folder: where they go.
        samples: faces drawn to fit the directions.

    Yields:
        Progress; the last event comes after everything is written.
    """
    generator = generate.load()
    latents, measured = [], []
    for seed in range(samples):
        values = face_directions.measure(picture(generator, None, seed, {}, SAMPLE_TRUNCATION))
        if values is not None:
            latents.append(generator.latents([seed], SAMPLE_TRUNCATION))
            measured.append(values)
        yield Progress(0.6 * (seed + 1) / samples, f"{seed + 1} of {samples} sample faces")
    face_directions.fit(torch.cat(latents), measured).save(folder / "directions.safetensors")
    for event in aim_all(folder):
        yield Progress(0.6 + 0.4 * event.done, event.message)


def aim_all(folder: Path = FOLDER) -> Iterator[Progress]:
    """Find the views of everybody with the folder's directions, then write index and pictures.

    Yields:
        One event a person; the last comes after everything is written.
    """
    generator, directions = generate.load(), _directions(folder)
    people: dict[str, Person] = {}
    for name, seed in PEOPLE.items():
        views: dict[str, View] = {}
        level: Mapping[str, float] = {}
        for view, (target, light) in VIEWS.items():
            start = {key: move + target.get(key, 0) - LEVEL.get(key, 0) for key, move in level.items()}
            wanted = target | ({"glasses": GLASSES[name]} if name in GLASSES else {})
            pixels, views[view] = aim(generator, directions, seed, wanted, start | light)
            level = level or views[view].moves
            (folder / file_name(name, view)).write_bytes(encode(pixels))
        people[name] = Person(seed, views)
        Index("mobilestylegan", TRUNCATION, SIZE, people).save(folder)
        yield Progress(len(people) / len(PEOPLE), name)


def aim(
    generator: FaceGenerator,
    directions: Directions,
    seed: int,
    target: Mapping[str, float],
    moves: Mapping[str, float],
) -> tuple[Pixels, View]:
    """Move a face until it measures what is wanted.

    The measurement answers almost linearly, so a step by what is missing is repeated a few times.

    Args:
        generator: the face generator.
        directions: unit moves.
        seed: the person.
        target: attribute -> wanted measurement.
        moves: attribute -> move to begin with; those that are no target stay.

    Returns:
        The picture that came closest, and its view.

    Raises:
        ValueError: no face was found in a drawn picture.
    """
    now = _rounded({**dict.fromkeys(target, 0.0), **moves})
    best: tuple[float, Pixels, View] | None = None
    for _ in range(ROUNDS):
        pixels = picture(generator, directions, seed, now)
        values = face_directions.measure(pixels)
        if values is None:
            raise ValueError(f"seed {seed} lost its face")
        measured = dict(zip(ATTRIBUTES, values.tolist(), strict=True))
        missing = {name: wanted - measured[name] for name, wanted in target.items()}
        error = max(abs(gap) / CLOSE[name] for name, gap in missing.items())
        if best is None or error < best[0]:
            best = error, pixels, View(now, _rounded(measured))
        if error <= 1:
            break
        now = now | _rounded({name: now[name] + gap for name, gap in missing.items()})
    assert best is not None
    return best[1], best[2]


def picture(
    generator: FaceGenerator,
    directions: Directions | None,
    seed: int,
    moves: Mapping[str, float],
    truncation: float = TRUNCATION,
    size: int = SIZE,
) -> Pixels:
    """Draw one view of a seed, size×size×3 uint8 RGB."""
    w = generator.latents([seed], truncation)
    with torch.inference_mode():
        return generate.to_pixels(generator(directions.move(w, moves) if directions else w, size))[0]


def encode(pixels: Pixels) -> bytes:
    """A JPEG without metadata, at the best quality that keeps it small."""
    best = (images.save(pixels, "jpeg", quality) for quality in QUALITIES)
    return next(
        (data for data in best if len(data) <= MOST_BYTES), images.save(pixels, "jpeg", QUALITIES[-1])
    )


def _directions(folder: Path) -> Directions:
    return Directions.load(folder / "directions.safetensors")


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}
