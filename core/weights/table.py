"""The table of weights in ``weights/README.md``, generated from the manifest."""

from collections.abc import Iterable
from pathlib import Path

from core.weights.manifest import Bundled, Entry, Hub, Npm, Source, Wheel
from core.weights.messages import megabytes

BEGIN = "<!-- weights:begin (generated: python -m core weights table --write) -->"
END = "<!-- weights:end -->"


def markdown(entries: Iterable[Entry]) -> str:
    """Two tables: what each entry is and takes, then whose it is and on what terms."""
    entries = tuple(entries)
    what = ["name", "role", "what it is", "network", "input", "embedding", "fetched", "on disk", "sources"]
    terms = ["name", "code", "weights", "commercial use", "training data", "its terms", "limits", "paper"]
    return "\n".join([*_rows(what, map(_what, entries)), "", *_rows(terms, map(_terms, entries))])


def replaced(text: str, entries: Iterable[Entry]) -> str:
    """``text`` with the part between the markers made anew.

    Raises:
        ValueError: the markers are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no markers for the table of weights")
    return f"{before}{BEGIN}\n\n{markdown(entries)}\n\n{END}{after}"


def write(page: Path, entries: Iterable[Entry]) -> bool:
    """Bring the page up to date; True when it had to be changed."""
    old = page.read_text(encoding="utf-8")
    new = replaced(old, entries)
    if new != old:
        page.write_text(new, encoding="utf-8")
    return new != old


def _rows(header: list[str], rows: Iterable[list[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _what(entry: Entry) -> list[str]:
    size = f"{entry.size} px " if entry.size else ""
    low, high = entry.range
    bundled = isinstance(entry.sources[0], Bundled)
    return [
        f"`{entry.name}`" + (" (optional)" if entry.optional else ""),
        entry.role,
        f"**{entry.title}.** {entry.about}",
        entry.architecture,
        f"{size}{entry.channels}, {low:g} to {high:g}",
        str(entry.embedding or "-"),
        "-" if bundled else megabytes(entry.carried),
        megabytes(entry.bytes),
        ", ".join(map(_source, entry.sources)),
    ]


def _source(source: Source) -> str:
    match source:
        case Bundled():
            return "bundled"
        case Wheel():
            return f"wheel {source.package} {source.version}"
        case Npm():
            return f"npm {source.package} {source.version}"
        case Hub():
            return f"hub {source.repo}"


def _terms(entry: Entry) -> list[str]:
    return [
        f"`{entry.name}`",
        entry.code_licence,
        entry.weights_licence,
        entry.commercial,
        entry.training_data,
        entry.data_terms,
        entry.limits,
        entry.paper,
    ]
