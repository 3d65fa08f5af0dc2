"""Feature squeezing (arXiv 1704.01155): what an encoder sees should survive a little loss of detail.

The paper compares a classifier's answers before and after; for embeddings it is their cosine.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import Code, UserError
from core.patches.base import Victim
from core.patches.countermeasures.base import Purifier, References, detectors, embed


class Squeezer(Purifier):
    """Suspects pictures whose embedding moves when they are squeezed; purifies by squeezing."""

    source = "arXiv 1704.01155"

    @abstractmethod
    def squeeze(self, pictures: Tensor) -> Tensor:
        """N×3×H×W in 0..1 to the same."""

    def change(self, squeezed: Tensor, pictures: Tensor, victims: Sequence[Victim]) -> Tensor:
        """N means over the victims of 1 - cos(before, after), 0..2, differentiable."""
        each = [
            1 - functional.cosine_similarity(embed(victim, pictures), embed(victim, squeezed))
            for victim in victims
        ]
        return torch.stack(each).mean(0)

    def clean(self, pictures: Tensor, victims: Sequence[Victim]) -> Tensor:
        """Squeezed, whoever looks."""
        with torch.no_grad():
            return self.squeeze(pictures)

    def _score(self, pictures: Tensor, victims: Sequence[Victim], references: References | None) -> Tensor:
        return self.change(self.squeeze(pictures), pictures, victims)


@dataclass(frozen=True)
class Jpeg(Squeezer):
    """JPEG of low quality (as a defence: arXiv 1705.02900), by a real encoder, not differentiable.

    Attributes:
        quality: 1..100, the usual scale.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    quality: int = 40
    name = "jpeg"
    title = "JPEG squeezing"

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise UserError(Code.OPTION_RANGE, "The JPEG quality is out of range.", "Use 1 to 100.")

    def squeeze(self, pictures: Tensor) -> Tensor:
        """As they come back from a file; without gradients."""
        found = []
        for picture in pictures.detach().movedim(1, -1).mul(255).round().byte().cpu().numpy():
            bgr = np.ascontiguousarray(picture[..., ::-1])
            _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            back = cv2.imdecode(data, cv2.IMREAD_COLOR)
            assert back is not None  # it was written a line above
            found.append(back[..., ::-1])
        return torch.from_numpy(np.stack(found)).movedim(-1, 1).to(pictures) / 255


@dataclass(frozen=True)
class Blur(Squeezer):
    """Local smoothing by a Gaussian.

    Attributes:
        share: its sigma over the shorter side of the picture, 0.002..0.1.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    share: float = 0.012
    name = "blur"
    title = "blur squeezing"

    def __post_init__(self) -> None:
        if not 0.002 <= self.share <= 0.1:
            raise UserError(Code.OPTION_RANGE, "The blur is out of range.", "Use 0.002 to 0.1.")

    def squeeze(self, pictures: Tensor) -> Tensor:
        """Smoothed, differentiable."""
        sigma = self.share * min(pictures.shape[2:])
        reach = int(3 * sigma + 0.5)
        offsets = torch.arange(-reach, reach + 1).to(pictures)
        kernel = torch.exp(-0.5 * (offsets / sigma).square())
        kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
        padded = functional.pad(pictures, [reach] * 4, mode="replicate")
        return functional.conv2d(functional.conv2d(padded, kernel, groups=3), kernel.mT, groups=3)


detectors.register(Jpeg.name)(Jpeg)
detectors.register(Blur.name)(Blur)
