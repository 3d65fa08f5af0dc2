"""Put a file of trained weights into ``weights/`` and keep its line in the manifest right."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

BYTES = 10_000_000


def install(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> str:
    """Write safetensors, and renew the file's line in the manifest beside it.

    Args:
        tensors: by name.
        path: the file, in the folder of weights; a ``manifest.toml`` there that names it is kept right.
        metadata: of the file.

    Returns:
        The file's line in the manifest. What else the manifest says of the entry is for people to renew.

    Raises:
        ValueError: the file would be larger than ten megabytes; nothing is written.
    """
    return put(save(dict(tensors), metadata), path)


def put(body: bytes, path: Path) -> str:
    """:func:`install` for a file that is made already."""
    if len(body) > BYTES:
        raise ValueError(f"{path.name} has {len(body)} bytes, more than {BYTES}")
    path.write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    line = f'{{ path = "{path.name}", sha256 = "{digest}", bytes = {len(body)} }},'
    manifest = path.parent / "manifest.toml"
    if manifest.is_file():
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(
            re.sub(rf'{{ path = "{re.escape(path.name)}",.*}},', line, text), encoding="utf-8"
        )
    return line
