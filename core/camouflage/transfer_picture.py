"""The transfer matrix as a picture to take along."""

import io
from collections.abc import Mapping

import numpy as np

from core.camouflage.transfer import CLEAN, PATTERN, RANDOM, WITHOUT, TransferMatrix

LABELS = {CLEAN: "clean photos", RANDOM: "random patterns, mean", PATTERN: "this pattern"}
REJECTED, EVEN, ACCEPTED = "#0f7a6d", "#f7f5ef", "#c8432b"
INK = "#23262b"
DPI = 150


def label(row: str, titles: Mapping[str, str]) -> str:
    """A row's name for people."""
    left = row.removeprefix(WITHOUT)
    return f"searched without {titles.get(left, left)}" if left != row else LABELS.get(row, row)


def picture(table: TransferMatrix, titles: Mapping[str, str], far: float) -> bytes:
    """Draw the matrix.

    Args:
        table: what was measured.
        titles: the recognisers' names for people.
        far: false accept rate of the thresholds.

    Returns:
        PNG at 150 dpi: green cells are mostly rejected, red ones mostly accepted, a dot marks what a
        search has used. The same arguments give the same bytes.
    """
    # lazily: slow to import, and only the files to take along need it
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    rows, columns = len(table.rows), len(table.columns)
    figure = Figure(figsize=(3.6 + 0.85 * columns, 2.9 + 0.42 * rows), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colors = LinearSegmentedColormap.from_list("accepted", (REJECTED, EVEN, ACCEPTED))
    axes.imshow(np.ma.masked_invalid(table.accepted), cmap=colors, vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(rows, columns):
        share = float(table.accepted[row, column])
        text = "\N{EN DASH}" if np.isnan(share) else f"{share:.0%}"
        text += " \N{BULLET}" if table.optimised[row, column] else ""
        ink = "white" if abs(share - 0.5) > 0.4 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color=ink)
    names = [titles.get(name, name).replace(" (", "\n(") for name in table.columns]
    axes.set_xticks(range(columns), names, rotation=40, ha="left", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(rows), [label(name, titles) for name in table.rows], fontsize=9)
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=3)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(
        f"Share of the comparisons that each recogniser accepts at a false accept rate of {100 * far:g}%.\n"
        "A dot: the search used the recogniser; cells without one show transfer.",
        fontsize=8, labelpad=10,
    )  # fmt: skip
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI, bbox_inches="tight", metadata={"Title": "Transfer matrix"})
    return stream.getvalue()
