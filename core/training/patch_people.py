"""The pictures that patch generators learn from and are judged on: people of one part, several of each.

Faces are those of LFW (grey, ``faces/lfw_expressions.parquet``), found and aligned as everywhere, and
synthetic ones; people are the crops of ``reid/mot17_mini_crops.parquet``, or drawn. Parts are by person, see
``core.datasets.expressions.part``; of drawn people by town, as for the person encoder. Both can come from a
published set in its own layout instead (``core.training.patch_sets``).
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.datasets import lfw, mot_crops
from core.datasets.expressions import Part, part
from core.datasets.folders import Photo
from core.errors import Code, UserError
from core.faces import align, find_batch, generate
from core.reid import pedestrians
from core.training import example_index, patch_sets, person_data
from core.types import Face, FloatArray, Pixels, Progress

FACES: Final = "faces/lfw_expressions.parquet"
BATCH: Final = 32
LENT: Final = ("frontal", "left", "light")  # views of a bundled person that an attacker has
JUDGED: Final = ("right", "smile", "up")  # and those that one who is judged is compared with
NOTHING: Final = np.full((5, 2), np.nan, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Pictures of one size with their people.

    Attributes:
        pixels: N×H×W×3 uint8 RGB.
        identities: N names.
    """

    pixels: NDArray[np.uint8]
    identities: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.pixels)

    def others(self, row: int) -> NDArray[np.int64]:
        """Rows of the same person's other pictures; the row itself where there is no other."""
        same = np.flatnonzero(self.identities == self.identities[row])
        rest = same[same != row]
        return rest if len(rest) else same


def gather(
    data: Path,
    kind: str,
    wanted: Part,
    folder: Path,
    size: tuple[int, int],
    *,
    layout: str | None = None,
    each: int = 6,
    limit: int = 0,
    least: int = 2,
) -> Iterator[Progress | People]:
    """The people of one part who have pictures enough.

    Args:
        data: the folder of research data, or that of the set which ``layout`` names.
        kind: "faces" or "persons".
        wanted: the part.
        folder: where found faces are kept, so that a second call is quick.
        size: height and width of the pictures; 224 and 224 for faces.
        layout: of a published set, as ``core.training.patch_sets.photos`` takes it; None for research data.
        each: most pictures of one person.
        limit: most people, 0 for all.
        least: pictures that a person has to have.

    Yields:
        Progress, then the people.

    Raises:
        UserError: the data set is not there, it is not as published, or nobody has pictures enough.
    """
    points: Mapping[str, tuple[float, float]] = {}
    kept = folder / "faces.npz"
    if layout is None:
        photos = [photo for photo in _research(data, kind) if part(photo.identity) == wanted]
    else:
        photos, points = patch_sets.photos(layout, kind, data, wanted)
        # copies of one set may hold other pictures under the same names
        kept = folder / f"{layout}-{zlib.crc32(str(data.resolve()).encode()):08x}.npz"
    chosen = _chosen(photos, each, limit, least)
    if not chosen:
        raise UserError(
            Code.LABELS_INVALID,
            f"Nobody in the {wanted} part of {data.name} has {least} pictures.",
            "Take the whole data set; its people are divided into parts.",
        )
    if kind == "faces":
        yield from _aligned(chosen, kept, points)
        return
    height, width = size
    pixels = [cv2.resize(p.pixels(), (width, height), interpolation=cv2.INTER_AREA) for p in chosen]
    yield People(np.stack(pixels).astype(np.uint8), np.array([photo.identity for photo in chosen]))


def synthetic(count: int, folder: Path) -> Iterator[Progress | People]:
    """Nobody's faces, one picture each, drawn once and kept in ``folder``."""
    path = folder / f"synthetic-{count}.npz"
    if not path.exists():
        model, crops = generate.load(), []
        for seed in range(count):
            pixels = generate.to_pixels(model(model.latents([seed]), 512))[0]
            crops += [align.align(pixels, face) for face in find_batch([pixels])[0][:1]]
            yield Progress((seed + 1) / count, f"Synthetic face {seed + 1} of {count}")
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, crops=np.stack(crops))
    crops_kept = np.load(path)["crops"]
    yield People(crops_kept, np.array([f"synthetic-{number}" for number in range(len(crops_kept))]))


def examples(views: Sequence[str]) -> People:
    """The synthetic people who come with Facet, in the canonical frame.

    Args:
        views: names of pictures, of which everyone has each.
    """
    index = example_index.Index.load()
    photos = [
        Photo(person, view, example_index.FOLDER / example_index.file_name(person, view))
        for person in index.people
        for view in views
    ]
    pixels = [photo.pixels() for photo in photos]
    found = [align.align(one, faces[0]) for one, faces in zip(pixels, find_batch(pixels), strict=True)]
    return People(np.stack(found), np.array([photo.identity for photo in photos]))


def drawn(town: int, people: int, each: int) -> People:
    """Nobody's bodies: drawn pedestrians, each filmed once by so many cameras (``core.reid.pedestrians``)."""
    rows = np.array([(person, camera, 0) for person in range(people) for camera in range(each)])
    return People(pedestrians.batch(town, rows), np.array([f"drawn-{town}-{row[0]}" for row in rows]))


def filmed(data: Path, town: int, each: int) -> People:
    """MOT17's people of the sequences for training, photographs seen by a town's drawn cameras.

    Args:
        data: the folder of research data.
        town: seed of the cameras, as for :func:`drawn`.
        each: pictures of each person, each of one of their crops, moved a little, by a camera by lot.

    Raises:
        UserError: the crops are not there.
    """
    chance = np.random.default_rng(town)
    crops: dict[int, list[Pixels]] = defaultdict(list)
    for seen in mot_crops.read(data, mot_crops.TRAINING):
        crops[seen.identity].append(seen.photo.pixels())
    pixels = [
        person_data.refilmed(owned[chance.integers(len(owned))], int(camera), chance, town)
        for owned in crops.values()
        for camera in chance.integers(person_data.CAMERAS, size=each)
    ]
    return People(np.stack(pixels), np.repeat([f"MOT17-{name}" for name in crops], each))


def joined(parts: Sequence[People]) -> People:
    """Several sets of people of one size as one."""
    return People(
        np.concatenate([people.pixels for people in parts]),
        np.concatenate([people.identities for people in parts]),
    )


def _chosen(photos: Sequence[Photo], each: int, limit: int, least: int) -> list[Photo]:
    by_person: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        by_person[photo.identity].append(photo)
    enough = [owned[:each] for owned in by_person.values() if len(owned) >= least]
    return [photo for owned in enough[: limit or None] for photo in owned]


def _research(data: Path, kind: str) -> tuple[Photo, ...]:
    file = FACES if kind == "faces" else mot_crops.FILE
    if not (data / file).is_file():
        raise UserError(
            Code.FILE_UNREADABLE, "The data set is not in the folder of data.", f"Put it there as {file}."
        )
    return lfw.photos(data / file, "lfw") if kind == "faces" else _persons(data / file)


def _persons(path: Path) -> tuple[Photo, ...]:
    import pyarrow.parquet as parquet

    rows = parquet.read_table(path).to_pylist()
    return tuple(
        Photo(f"{row['sequence']}/{row['identity']}", f"{row['sequence']}/{number}", row["image"])
        for number, row in enumerate(rows)
    )


def _aligned(
    photos: Sequence[Photo], path: Path, points: Mapping[str, tuple[float, float]]
) -> Iterator[Progress | People]:
    """Faces in the canonical frame; the five points of every photo are kept in ``path`` by its name."""
    known: dict[str, FloatArray] = dict(np.load(path)) if path.exists() else {}
    missing = [photo for photo in photos if photo.name not in known]
    for start in range(0, len(missing), BATCH):
        some = missing[start : start + BATCH]
        found = find_batch([photo.pixels() for photo in some])
        for photo, faces in zip(some, found, strict=True):
            known[photo.name] = _five(faces, photo, points.get(photo.name))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **known)  # type: ignore[arg-type]
        yield Progress(min(start + BATCH, len(missing)) / len(missing), "Faces are found")
    seen = [photo for photo in photos if not np.isnan(known[photo.name]).any()]
    if not seen:
        raise UserError(
            Code.NO_FACE, "No face was found in these photos.", "Take photos with faces of 40 pixels or more."
        )
    crops = [align.align(p.pixels(), Face((0, 0, 1, 1), 1.0, known[p.name])) for p in seen]
    yield People(np.stack(crops), np.array([photo.identity for photo in seen]))


def _five(faces: Sequence[Face], photo: Photo, point: tuple[float, float] | None) -> FloatArray:
    """The five points of the face that holds ``point``; without one, of that at the centre or the largest."""
    height, width = photo.pixels().shape[:2]
    x, y = point or (width / 2, height / 2)
    over = [face for face in faces if face.box[0] <= x < face.box[2] and face.box[1] <= y < face.box[3]]
    chosen = (over if over or point else list(faces))[:1]
    return np.asarray(chosen[0].five, np.float32) if chosen else NOTHING
