"""RESULTS.md, one section a benchmark, each with the command that made it.

write_section("Recognition", "python -m benchmarks.recognition --write", markdown)
"""

import re
from pathlib import Path

from filelock import FileLock

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Results

What the benchmarks measured last, written by the commands named in each section. A section is
replaced as a whole when its command runs again; do not edit between the markers by hand.
"""


def write_section(title: str, command: str, markdown: str, path: Path = RESULTS) -> None:
    """Replace the section called ``title``, or add it at the end.

    Args:
        title: the section's heading; it identifies the section.
        command: the command line that makes it again.
        markdown: the section's text, without heading.
        path: the file, made when it is not there.

    Raises:
        ValueError: a title of more than one line or with ``--`` (it stands inside a comment).
    """
    if "\n" in title or "--" in title:
        raise ValueError("a section's title is one line without '--'")
    begin, end = f"<!-- begin: {title} -->", f"<!-- end: {title} -->"
    section = f"{begin}\n## {title}\n\nMade by `{command}`.\n\n{markdown.strip()}\n{end}"
    with FileLock(path.with_suffix(".lock")):
        text = path.read_text(encoding="utf-8") if path.exists() else HEAD
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if pattern.search(text):
            text = pattern.sub(lambda _: section, text, count=1)
        else:
            text = f"{text.rstrip()}\n\n{section}\n"
        fresh = path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; numbers are the caller's strings."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
