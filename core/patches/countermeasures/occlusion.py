"""Occlude and compare: to cover the patch changes an embedding more than to cover anything nearby.

The check that arXiv 2603.15396 suggests; the occluder and the contrast are our choice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.errors import Code, UserError
from core.patches.base import Victim
from core.patches.countermeasures.base import Detector, Purifier, References, cosines, detectors, embed

STEPS = 2  # occluders stand half a side apart
RING = 2 * STEPS + 1  # positions a side about one, the outermost of which do not overlap it


@dataclass(frozen=True)
class Occlusion(Purifier):
    """Slides a square of the picture's mean colour over it and compares the change with that around.

    Attributes:
        side: of the square, as a share of the picture's shorter side, 0.1..0.5.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    side: float = 0.3
    name = "occlusion"
    title = "occlude and compare"
    source = "arXiv 2603.15396"

    def __post_init__(self) -> None:
        if not 0.1 <= self.side <= 0.5:
            raise UserError(Code.OPTION_RANGE, "The occluder is out of range.", "Use 0.1 to 0.5.")

    def changes(self, pictures: Tensor, victims: Sequence[Victim]) -> Tensor:
        """Mean over the victims of 1 - cos(whole, covered) for every position.

        Args:
            pictures: N×3×H×W RGB in 0..1.
            victims: whose embeddings.

        Returns:
            N×rows×columns in 0..2, differentiable.
        """
        rows, columns = self._starts(*pictures.shape[2:])
        total = pictures.new_zeros(len(rows) * len(columns), len(pictures))
        for victim in victims:
            whole = embed(victim, pictures)
            each = [
                1 - functional.cosine_similarity(whole, embed(victim, covered))
                for covered in self.covered(pictures)
            ]
            total = total + torch.stack(each) / len(victims)
        return total.T.reshape(-1, len(rows), len(columns))

    def _score(self, pictures: Tensor, victims: Sequence[Victim], references: References | None) -> Tensor:
        return contrast(self.changes(pictures, victims)).flatten(1).amax(1)

    def clean(self, pictures: Tensor, victims: Sequence[Victim]) -> Tensor:
        """The most suspicious position covered in every picture."""
        with torch.no_grad():
            worst = contrast(self.changes(pictures, victims)).flatten(1).argmax(1)
            return torch.stack(
                [
                    self._cover(picture[None], int(place))[0]
                    for picture, place in zip(pictures, worst, strict=True)
                ]
            )

    def mask(self, pictures: Tensor, place: int) -> Tensor:
        """What the occluder covers at a position, 1×1×H×W of 0 and 1.

        Args:
            pictures: N×3×H×W; only their size counts.
            place: its number, row by row.
        """
        rows, columns = self._starts(*pictures.shape[2:])
        side = self._side(*pictures.shape[2:])
        top, left = rows[place // len(columns)], columns[place % len(columns)]
        found = pictures.new_zeros(1, 1, *pictures.shape[2:])
        found[:, :, top : top + side, left : left + side] = 1
        return found

    def covered(self, pictures: Tensor) -> Iterator[Tensor]:
        """The pictures under the occluder at one position after another, row by row."""
        rows, columns = self._starts(*pictures.shape[2:])
        for place in range(len(rows) * len(columns)):
            yield self._cover(pictures, place)

    def _cover(self, pictures: Tensor, place: int) -> Tensor:
        return self.cover(pictures, self.mask(pictures, place))

    @staticmethod
    def cover(pictures: Tensor, mask: Tensor) -> Tensor:
        """N×3×H×W under their mean colour where a mask, N×1×H×W or 1×1×H×W, is 1."""
        return torch.lerp(pictures, pictures.mean((2, 3), keepdim=True), mask)

    def _side(self, height: int, width: int) -> int:
        return max(round(self.side * min(height, width)), STEPS)

    def _starts(self, height: int, width: int) -> tuple[list[int], list[int]]:
        """Upper and left edges, from border to border."""
        side = self._side(height, width)
        found = []
        for length in (height, width):
            count = max(round(STEPS * (length - side) / side), 1) + 1
            found.append([round(index * (length - side) / (count - 1)) for index in range(count)])
        return found[0], found[1]


@dataclass(frozen=True)
class Recovery(Detector):
    """How much nearer to the claimed person a picture comes when the best place is covered.

    To cover a piece of a clean face takes likeness away; to cover a patch gives it back. It sees evasion
    only: a picture that is made like the claimed person has nothing to win.

    Attributes:
        side: as :class:`Occlusion`.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    side: float = 0.3
    name = "recovery"
    title = "occlude and recognise"
    source = "our choice"
    needs_references = True

    def __post_init__(self) -> None:
        Occlusion(self.side)  # refuses what it refuses

    def gains(self, pictures: Tensor, victims: Sequence[Victim], references: References) -> Tensor:
        """Mean over the victims of the cosine covered less that of the whole.

        Args:
            pictures: N×3×H×W RGB in 0..1.
            victims: whose embeddings.
            references: whom the pictures are said to show.

        Returns:
            N×positions in -2..2, row by row, differentiable.
        """
        found = []
        for victim in victims:
            whole = cosines(victim, pictures, references)
            each = [cosines(victim, part, references) for part in Occlusion(self.side).covered(pictures)]
            found.append(torch.stack(each, 1) - whole[:, None])
        return torch.stack(found).mean(0)

    def _score(self, pictures: Tensor, victims: Sequence[Victim], references: References | None) -> Tensor:
        assert references is not None  # checked by score
        return self.gains(pictures, victims, references).amax(1)


def contrast(changes: Tensor) -> Tensor:
    """Each position's change less the mean of those around that do not overlap it.

    Args:
        changes: N×rows×columns.

    Returns:
        N×rows×columns; what would lie beyond the border does not count.
    """
    kernel = changes.new_ones(1, 1, RING, RING)
    kernel[:, :, 1:-1, 1:-1] = 0
    around = functional.conv2d(changes[:, None], kernel, padding=RING // 2)
    count = functional.conv2d(torch.ones_like(changes[:1, None]), kernel, padding=RING // 2)
    return changes - (around / count.clamp_min(1))[:, 0]


detectors.register(Occlusion.name)(Occlusion)
detectors.register(Recovery.name)(Recovery)
