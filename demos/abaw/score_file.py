"""What the networks said about the people of a clip, as one file that programs can bring again."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from core.abaw.types import ClipScores
from core.errors import Code, UserError

VERSION = 1
MAX_BYTES = 60_000_000
MAX_PEOPLE = 64
_ARRAYS = tuple(field.name for field in fields(ClipScores) if field.name not in ("encoder", "stand_ins"))
_REQUIRED = ("times", "seen", "boxes", "pretrained")


def pack(scores: Mapping[int, ClipScores]) -> bytes:
    """A compressed NPZ of plain arrays."""
    arrays: dict[str, Any] = {}
    about: dict[str, Any] = {"version": VERSION, "people": {}}
    for number, one in scores.items():
        about["people"][str(number)] = {"encoder": one.encoder, "stand_ins": dict(one.stand_ins)}
        for name in _ARRAYS:
            values = getattr(one, name)
            if values is not None:
                kind = np.float32 if values.dtype.kind == "f" and name != "times" else values.dtype
                arrays[f"{number}/{name}"] = values.astype(kind)
    target = io.BytesIO()
    np.savez_compressed(target, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)
    return target.getvalue()


def unpack(path: Path) -> dict[int, ClipScores]:
    """Read what :func:`pack` wrote; nothing in the file is executed.

    Raises:
        UserError: FILE_TYPE when it is another file, or was changed.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > 10 * MAX_BYTES:
                raise ValueError("too large")
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            if about["version"] != VERSION or not 0 < len(about["people"]) <= MAX_PEOPLE:
                raise ValueError("another version")
            return {int(n): _one(arrays, n, known) for n, known in about["people"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile):
        raise UserError(
            Code.FILE_TYPE, "This is no file of scores.", "Use scores.npz as analyse_video returned it."
        ) from None


def _one(arrays: Any, number: str, about: Mapping[str, Any]) -> ClipScores:
    found = {name: arrays[f"{number}/{name}"] for name in _ARRAYS if f"{number}/{name}" in arrays}
    if missing := [name for name in _REQUIRED if name not in found]:
        raise KeyError(missing[0])
    sentences = {str(head): str(text) for head, text in about["stand_ins"].items()}
    return ClipScores(**found, encoder=str(about["encoder"]), stand_ins=sentences)
