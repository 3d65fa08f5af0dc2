"""The person re-identification nets of Intel's Open Model Zoo, for the benchmarks alone.

They are of OSNet's kind and serve as black boxes that no attack has seen, so they are in no registry.
Their OpenVINO IR is read from files that somebody has (``reid/omz`` in the folder of research data); they
take BGR of 0 to 255.
"""

from pathlib import Path
from typing import Final

from torch import Tensor

from core.errors import Code, UserError
from core.reid import openvino_graph
from core.reid.base import Card, PersonEncoder

FOLDER: Final = "reid/omz"
NAMES: Final = ("person-reidentification-retail-0277", "person-reidentification-retail-0287")


class OpenModelZoo(PersonEncoder):
    """One of ``NAMES``."""

    def __init__(self, card: Card, graph: openvino_graph.Graph) -> None:
        super().__init__(card)
        self.graph = graph

    def features(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×256, of any length."""
        result: Tensor = self.graph(pixels.flip(1) * 255)
        return result

    def maps(self, pixels: Tensor) -> Tensor:
        """N×3×256×128 RGB in 0..1 -> N×C×16×8."""
        return self.graph.map_of(pixels.flip(1) * 255)


def read(root: Path, name: str) -> OpenModelZoo:
    """One of the nets from the folder of research data.

    Raises:
        UserError: its files are not there.
    """
    xml = root / FOLDER / f"{name}.xml"
    if not xml.is_file() or not xml.with_suffix(".bin").is_file():
        raise UserError(
            Code.FILE_UNREADABLE,
            f"The net {name} is not in the folder of data.",
            f"Put it there below {FOLDER}.",
        )
    card = Card(name, f"Open Model Zoo {name}", (), 256, 128, 256, "Open Model Zoo, Intel, Apache-2.0")
    return OpenModelZoo(card, openvino_graph.read(xml))
