"""A person's cache and the source cache as safetensors files: numbers and a header, nothing that runs.

What comes in may come from anyone: sizes, names, types and values are checked before anything is taken over.
"""

import json
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

from core.errors import Code, UserError
from core.personalize.online import Session
from core.personalize.options import COUNTS
from core.personalize.subjects import Sources, Statistics
from core.personalize.types import Prototypes

PERSON: Final = "facet-person-cache-1"
SOURCES: Final = "facet-source-cache-1"
LARGEST: Final = {PERSON: 8_000_000, SOURCES: 100_000_000}
"""Bytes of the largest file that is read."""
Tensors = dict[str, NDArray[Any]]


def save_person(session: Session, classes: tuple[str, ...], model: str) -> bytes:
    """Both caches of a person; without names, pictures, prototypes or predictions.

    Args:
        session: whose caches.
        classes: names in the order of the texts.
        model: name of the model that made the embeddings.
    """
    tensors = {
        f"{name}.{key}": np.ascontiguousarray(values)
        for name, cache in (("positive", session.positive), ("negative", session.negative))
        for key, values in cache.state().items()
    }
    for name in ("positive", "negative"):  # in nats, whatever the options of the session that reads it
        tensors[f"{name}.entropies"] = tensors[f"{name}.entropies"] * session.entropy_unit
    return write_tensors(tensors, _header(PERSON, classes, model))


def load_person(data: bytes, session: Session, classes: tuple[str, ...], model: str) -> None:
    """Put a saved person's caches into a session, in place of what it held.

    Frames that the session reads from now on get higher numbers than those of the file. Where the session's
    capacities are smaller, the entries of lowest entropy stay.

    Args:
        data: the file.
        session: of the same classes and model; unchanged when the file is refused.
        classes: names in the order of its texts.
        model: name of its model.

    Raises:
        UserError: ``CACHE_INVALID``: not such a file, damaged, or of other classes or another model;
            ``FILE_TOO_LARGE``.
    """
    tensors, _ = _read(data, PERSON, classes, model)
    count, dim = session.text.shape
    states = []
    for name in ("positive", "negative"):
        state = {key: tensors.get(f"{name}.{key}") for key in ("vectors", "entropies", "frames")}
        states.append(_checked(state, count, dim, session.entropy_unit))
    session.adopt(*states)


def save_sources(sources: Sources) -> bytes:
    """The source cache with the names of its subjects."""
    names = sorted(sources.statistics)
    place = {name: number for number, name in enumerate(names)}
    measured = [sources.statistics[name] for name in names]
    tensors: Tensors = {
        "vectors": np.ascontiguousarray(sources.prototypes.vectors),
        "labels": sources.prototypes.labels.astype(np.int64),
        "owners": np.array([place[owner] for owner in sources.prototypes.owners], np.int64),
        "means": np.array([one.mean for one in measured], np.float32),
        "variances": np.array([one.variance for one in measured], np.float32),
        "counts": np.array([one.frames for one in measured], np.int64),
    }
    header = _header(SOURCES, sources.classes, sources.model)
    return write_tensors(tensors, {**header, "subjects": json.dumps(names)})


def load_sources(data: bytes, classes: tuple[str, ...], model: str, dim: int) -> Sources:
    """Read a source cache.

    Args:
        data: the file.
        classes: names that it must have, in this order.
        model: name of the model that it must be of.
        dim: length of that model's embeddings.

    Raises:
        UserError: as :func:`load_person`.
    """
    tensors, header = _read(data, SOURCES, classes, model)
    names = _names(header.get("subjects"))
    rows, people = len(tensors.get("labels", ())), len(names)
    shapes = {"vectors": (rows, dim), "labels": (rows,), "owners": (rows,), "counts": (people,)}
    shapes |= {"means": (people, dim), "variances": (people, dim)}
    for name, shape in shapes.items():
        kind = np.float32 if name in ("vectors", "means", "variances") else np.int64
        if name not in tensors or tensors[name].shape != shape or tensors[name].dtype != kind:
            raise _damaged()
    labels, owners = tensors["labels"], tensors["owners"]
    inside = _within(labels, len(classes)) and _within(owners, people) and len(set(names)) == people
    finite = np.isfinite(tensors["means"]).all() and (tensors["variances"] >= 0).all()
    if not (rows and inside and finite and _unit(tensors["vectors"])):
        raise _damaged()
    measured = {
        name: Statistics(mean.astype(np.float64), variance.astype(np.float64), int(frames))
        for name, mean, variance, frames in zip(
            names, tensors["means"], tensors["variances"], tensors["counts"], strict=True
        )
    }
    kept = Prototypes(tensors["vectors"], labels, tuple(names[owner] for owner in owners))
    return Sources(kept, measured, classes, model)


def _header(kind: str, classes: tuple[str, ...], model: str) -> dict[str, str]:
    return {"format": kind, "classes": json.dumps(classes), "model": model}


def _read(data: bytes, kind: str, classes: tuple[str, ...], model: str) -> tuple[Tensors, dict[str, str]]:
    """Tensors and header, of the right kind, classes and model."""
    if len(data) > LARGEST[kind]:
        raise UserError(
            Code.FILE_TOO_LARGE,
            "This file is larger than any cache.",
            "Choose a file that was exported here.",
        )
    try:
        tensors = read_tensors(data)
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    except (SafetensorError, ValueError, KeyError):  # KeyError: a number type that NumPy does not have
        raise _damaged() from None
    if header.get("format") != kind:
        raise _damaged()
    if _names(header.get("classes")) != tuple(classes):
        raise UserError(
            Code.CACHE_INVALID, "This cache is of other classes.", "Choose the classes that it was made with."
        )
    if header.get("model") != model:
        raise UserError(
            Code.CACHE_INVALID, "This cache is of another model.", "Choose the model that it was made with."
        )
    return tensors, header


def _names(text: str | None) -> tuple[str, ...]:
    try:
        names = json.loads(text or "")
    except ValueError:
        raise _damaged() from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _damaged()
    return tuple(names)


def _checked(state: dict[str, NDArray[Any] | None], classes: int, dim: int, unit: float) -> Tensors:
    """A cache's buffers, with entropies in the session's unit."""
    vectors, entropies, frames = (state[key] for key in ("vectors", "entropies", "frames"))
    if vectors is None or entropies is None or frames is None or vectors.ndim != 3:
        raise _damaged()
    places = (classes, vectors.shape[1])
    fits = vectors.shape == (*places, dim) and entropies.shape == places and frames.shape == places
    expected = (np.float32, np.float64, np.int64)
    kinds = all(
        values.dtype == kind for values, kind in zip((vectors, entropies, frames), expected, strict=True)
    )
    if not (fits and kinds and places[1] <= COUNTS["positive_capacity"][1]):
        raise _damaged()
    taken = frames >= 0
    sane = (entropies[taken] >= 0).all() and (entropies[taken] <= np.log(max(classes, 2)) + 1e-6).all()
    if not (sane and (frames < 2**53).all() and _unit(vectors[taken])):
        raise _damaged()
    return {"vectors": vectors, "entropies": entropies / unit, "frames": frames}


def _within(numbers: NDArray[Any], count: int) -> bool:
    return bool(((numbers >= 0) & (numbers < count)).all())


def _unit(vectors: NDArray[Any]) -> bool:
    lengths = np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=-1))
    return bool((np.abs(lengths - 1) < 1e-3).all())  # nan compares as false


def _damaged() -> UserError:
    return UserError(
        Code.CACHE_INVALID,
        "This file is not a cache that was exported here, or it is damaged.",
        "Export it again.",
    )
