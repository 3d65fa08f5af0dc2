"""A patch for any person in one forward pass: a conditional generator over features at four scales.

Method card of arXiv 2603.15396: one encoder for source and target, its maps at strides 4, 8, 16 and 32 laid
side by side, a decoder that doubles its size by repeating pixels and convolves. Six additions are ours: the
encoder also sees where the patch will sit, so that one generator serves several places; under the decoder
lies a common patch for each place, which no picture changes: it is learnt first and left to be adjusted; the
decoder may be told the vectors by which the attacked encoders know source and target, so that it need not
learn from few people what tells people apart; to impersonate it may begin with what the target shows at the
place, so that it need not learn to draw it; and it may own a basis of patches, mixed linearly by the vectors
that it is told: what the common patch is for all, their mixture is for everybody who resembles one another;
and for places that somebody draws it may own a canvas in place of their common patch, paint for the whole
picture, of which a patch gets the part that its place covers: what is common to all drawings lies in the
picture and not in their rectangles.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from core.errors import Code, UserError
from core.patches import apply, victims
from core.patches.base import Victim
from core.patches.slots import Slot

Mode = Literal["evasion", "impersonation"]
MODES: Final = ("evasion", "impersonation")
PATCH: Final = apply.SIDE  # pixels a side
WIDTHS: Final = (24, 48, 80, 128)  # channels at strides 4, 8, 16 and 32
NARROW: Final = 48  # channels of the deepest maps before a linear layer sees all their places
GROUPS: Final = 8
HIDDEN: Final = 256  # numbers that the vectors of source and target are brought to
STRENGTH: Final = 0.1  # of the first random common patch, in units before the tanh
CANVAS: Final = (112, 112)  # pixels of the paint for a whole picture
BASIS: Final = (32, 64)  # pixels of a patch of the basis; places for patches are broad
WITHIN: Final = 0.95  # of the range that a target's picture takes, so that it can be changed


@dataclass(frozen=True, slots=True)
class About:
    """What a generator was trained for; kept in its file.

    Attributes:
        mode: "evasion" takes no target, "impersonation" needs one.
        kind: "faces" or "persons".
        slots: names of the places that it knows, at least one; "drawn" stands for any that a person draws.
        victims: names of the encoders that it was trained against.
        height, width: to which its pictures are brought, pixels, multiples of 32.
        prior: in whose latent the patch is an offset (``core.patches.latent_generator``); "" for free ones.
        radius: of the offset, a share of the RMS of z0.
        label: of the sample z0.
        sample: its seed.
        told: length of all victims' vectors together, where the decoder is told them; 0 where it is not.
        cut: what the target's picture shows at the place lies under the patch; for free impersonation only.
        basis: so many patches for each place, mixed by the told vectors, lie under the patch; for free ones
            that are told vectors only.
        canvas: under a patch in a drawn place lies what one canvas for all shows there, in place of a common
            patch; for free ones only.
    """

    mode: Mode
    kind: str
    slots: tuple[str, ...]
    victims: tuple[str, ...]
    height: int = 128
    width: int = 128
    prior: str = ""
    radius: float = 0.0
    label: str = ""
    sample: int = 0
    told: int = 0
    cut: bool = False
    basis: int = 0
    canvas: bool = False

    def __post_init__(self) -> None:
        sides = self.height, self.width
        if self.mode not in MODES or not self.slots or any(side % 32 or side < 32 for side in sides):
            raise UserError(
                Code.OPTION_RANGE, "There is no such generator.", f"Choose {' or '.join(MODES)}, sides of 32."
            )
        if self.cut and (self.mode != "impersonation" or self.prior):
            raise UserError(
                Code.OPTION_RANGE,
                "Only a free patch for impersonation can begin with the target's picture.",
                "Leave the cut out.",
            )
        if self.basis < 0 or (self.basis and (not self.told or self.prior)):
            raise UserError(
                Code.OPTION_RANGE,
                "Only free patches of a generator that is told vectors have a basis.",
                "Leave the basis out, or have it told the vectors.",
            )

        if self.canvas and (self.prior or "drawn" not in self.slots):
            raise UserError(
                Code.OPTION_RANGE,
                "Only free patches for drawn places have a canvas.",
                'Leave the canvas out, or add the place "drawn".',
            )

    def number(self, slot: str) -> int:
        """Which of its places this is.

        Raises:
            UserError: ``OPTION_RANGE``: a place that it was not trained for.
        """
        name = slot if slot in self.slots else "drawn"
        if name not in self.slots:
            known = ", ".join(self.slots)
            raise UserError(
                Code.OPTION_RANGE,
                f"This generator makes no patches for the place {slot!r}.",
                f"It knows: {known}.",
            )
        return self.slots.index(name)


class PatchGenerator(nn.Module):
    """G(x_s, x_t, place) -> patch.

    Args:
        about: what it is for.
        shape: channels, height and width of what it puts out; a square whose side is 4 or doubles of that.
    """

    def __init__(self, about: About, shape: tuple[int, int, int] = (3, PATCH, PATCH)) -> None:
        super().__init__()
        self.about, self.side = about, shape[1]
        first = WIDTHS[0]
        self.stem = nn.Sequential(_unit(4, first, 2), _unit(first, first, 2))
        self.downs = nn.ModuleList(
            nn.Sequential(_unit(before, after, 2), _unit(after, after)) for before, after in pairwise(WIDTHS)
        )
        pair = 2 if about.mode == "impersonation" else 1
        places = (about.height // 32) * (about.width // 32)
        self.narrow = _unit(pair * WIDTHS[-1], NARROW)
        self.base = PATCH // 16  # the decoder's first side; it doubles until that of the output
        self.whole = nn.Linear(NARROW * places, WIDTHS[-1] * self.base**2)
        inputs = [WIDTHS[-1], WIDTHS[2], WIDTHS[1], WIDTHS[0]]
        taps = [0, *(pair * width for width in reversed(WIDTHS[:-1]))]
        outputs = [WIDTHS[2], WIDTHS[1], WIDTHS[0], 32]
        self.ups = nn.ModuleList(
            nn.Sequential(_unit(into + tap, out), _unit(out, out))
            for into, tap, out in zip(inputs, taps, outputs, strict=True)
        )
        self.last = nn.Conv2d(outputs[-1], shape[0], 3, padding=1)
        if about.told:
            self.hear = nn.Sequential(nn.Linear(pair * about.told, HIDDEN), nn.SiLU())
            self.begin = _silent(HIDDEN, WIDTHS[-1] * self.base**2)
            self.turns = nn.ModuleList(_silent(HIDDEN, 2 * out) for out in outputs)
        if about.cut or about.canvas:  # begins as the target's picture, or as the canvas
            for value in self.last.parameters():
                nn.init.zeros_(value)
        self.common = nn.Parameter((0 if about.cut else STRENGTH) * torch.randn(len(about.slots), *shape))
        if about.canvas:
            self.canvas = nn.Parameter(torch.zeros(shape[0], *CANVAS))
        if about.basis:
            self.weigh = nn.Linear(pair * about.told, about.basis)
            self.basis = nn.Parameter(torch.zeros(len(about.slots), about.basis, shape[0], *BASIS))

    def forward(
        self, source: Tensor, slot: Slot, target: Tensor | None = None, told: Tensor | None = None
    ) -> Tensor:
        """One pass.

        Args:
            source: N×3×H×W RGB in 0..1, those who wear the patches.
            slot: where they will sit, in pictures of H×W.
            target: of the same shape, those whom they are to resemble; None for evasion.
            told: what :func:`heard` says of these pictures, for a generator with ``about.told``.

        Returns:
            N×3×64×64 in 0..1.

        Raises:
            ValueError: a target or vectors where none are taken, or none where they are needed.
            UserError: ``OPTION_RANGE``: a place that it was not trained for.
        """
        return (torch.tanh(self.drawn(source, slot, target, told)) + 1) / 2

    def drawn(self, source: Tensor, slot: Slot, target: Tensor | None, told: Tensor | None) -> Tensor:
        """What decoder and common part say, N of the output's shape, without bounds; as :meth:`forward`."""
        if (target is not None) != (self.about.mode == "impersonation"):
            raise ValueError(f"a generator for {self.about.mode} and a target do not go together")
        if (told is not None) != bool(self.about.told):
            raise ValueError("vectors are given exactly to a generator that is told them")
        place = slot.mask.to(source)[None, None].expand(len(source), -1, -1, -1)
        both = torch.cat([source, place], 1)
        if target is not None:  # who wears nothing
            both = torch.cat([both, torch.cat([target, torch.zeros_like(place)], 1)])
        maps = [_side_by_side(one, target is not None) for one in self.features(both)]
        *shallow, deep = maps
        x = self.whole(self.narrow(deep).flatten(1))
        known = None if told is None else self.hear(told)
        if known is not None:
            x = x + self.begin(known)
        x = x.unflatten(1, (WIDTHS[-1], self.base, self.base))
        for number, (up, tap) in enumerate(zip(self.ups, (None, *reversed(shallow)), strict=True)):
            if tap is not None:
                x = torch.cat([x, functional.interpolate(tap, x.shape[2:], mode="area")], 1)
            x = up(x)
            if known is not None:  # FiLM, arXiv 1709.07871
                scale, shift = self.turns[number](known)[..., None, None].chunk(2, 1)
                x = x * (1 + scale) + shift
            if x.shape[2] < self.side:
                x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        number = self.about.number(slot.name)
        found: Tensor = self.last(x) + self._under(slot, number)
        if told is not None and self.about.basis:
            mixed = torch.einsum("nk,kchw->nchw", self.weigh(told), self.basis[number])
            mixed = mixed / self.about.basis**0.5
            found = found + functional.interpolate(mixed, found.shape[2:], mode="nearest")
        if target is not None and self.about.cut:
            found = found + torch.atanh(WITHIN * (2 * apply.cut(target, slot, self.side) - 1))
        return found

    def _under(self, slot: Slot, number: int) -> Tensor:
        """What no picture changes: the common patch of a place, or what the canvas shows in a drawn one.

        Beside a canvas a common patch would learn first, as it is seen whole in every batch, and leave
        nothing for the canvas. Both take part in every batch: processes that train together expect it of
        parameters.
        """
        if not self.about.canvas:
            return self.common[number]
        drawn = float(self.about.slots[number] == "drawn")
        whole = functional.interpolate(self.canvas[None], slot.size, mode="nearest")
        return (1 - drawn) * self.common[number] + drawn * apply.cut(whole, slot, self.side)

    @torch.no_grad()
    def weigh_by(self, vectors: Tensor) -> None:
        """Let the basis be mixed, to begin with, by where a vector lies among others.

        Distances among the vectors are kept as far as the basis has room, so that who resemble one another
        share patches.

        Args:
            vectors: M×told, what :func:`heard` says of M pictures without targets; of targets where the
                generator aims, for it is by them that its patches should differ.
        """
        about, mean = self.about, vectors.mean(0)
        directions = torch.linalg.svd(vectors - mean, full_matrices=False)[2][: about.basis]
        spread = ((vectors - mean) @ directions.T).square().sum(1).mean().sqrt()
        weight = torch.zeros_like(self.weigh.weight)
        weight[: len(directions), -about.told :] = directions * about.basis**0.5 / spread
        self.weigh.weight.copy_(weight)
        self.weigh.bias.copy_(-weight[:, -about.told :] @ mean)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """The encoder's maps at strides 4, 8, 16 and 32 of N×4×H×W in 0..1: pictures and the place."""
        size = self.about.height, self.about.width
        small = functional.interpolate(pictures, size, mode="bilinear", antialias=True, align_corners=False)
        maps = [self.stem(2 * small - 1)]
        for down in self.downs:
            maps.append(down(maps[-1]))
        return maps


def heard(source: Mapping[str, Tensor], target: Mapping[str, Tensor] | None, about: About) -> Tensor | None:
    """What a generator is told of N pictures, or None for one that is told nothing.

    Args:
        source: N×D unit vectors of those who wear the patches, by victim.
        target: of those whom they are to resemble; None for evasion.
        about: of the generator.

    Returns:
        N×told, for impersonation N×(2 told), the numbers of each vector about 1 in size.
    """
    if not about.told:
        return None
    given = [source] if target is None else [source, target]
    every = [vectors[name] for vectors in given for name in about.victims]
    return torch.cat([one * one.shape[-1] ** 0.5 for one in every], -1)


@torch.no_grad()
def one_pass(
    model: PatchGenerator,
    source: Tensor,
    slot: Slot,
    target: Tensor | None = None,
    seen_by: Sequence[Victim] = (),
) -> Tensor:
    """Patches by a trained generator; where it is told vectors, its victims look at the pictures first.

    Args:
        model: frozen.
        source, slot, target: as :meth:`PatchGenerator.forward` takes them.
        seen_by: encoders at hand; those of the generator's victims that are not among them are loaded.

    Returns:
        N×3×64×64 in 0..1.

    Raises:
        UserError: a place that it was not trained for, or a victim's weights that cannot be had.
    """
    about, named = model.about, {victim.name: victim for victim in seen_by}
    if not about.told:
        return torch.as_tensor(model(source, slot, target))
    asked = [named.get(name) or victims.KINDS[about.kind](name) for name in about.victims]
    if source.device.type != "cpu":  # those just loaded are not there yet
        victims.move(asked, source.device)
    looks = [None if one is None else {v.name: v.embed(one) for v in asked} for one in (source, target)]
    assert looks[0] is not None
    return torch.as_tensor(model(source, slot, target, heard(looks[0], looks[1], about)))


def built(about: About, start: Tensor | None = None) -> PatchGenerator:
    """A generator with random weights, of free patches or of natural ones.

    Args:
        about: what it is for.
        start: z0 where it is known, 1×C×h×w; else it is sampled.

    Raises:
        UserError: there is no such prior, or its latents or the radius do not go.
    """
    if not about.prior:
        return PatchGenerator(about)
    from core.patches.latent_generator import LatentGenerator  # which stands on this module

    return LatentGenerator(about, start=start)


def save(generator: PatchGenerator, path: Path) -> None:
    """Write a generator in half precision, with what it is for.

    Raises:
        OSError: the file cannot be written.
    """
    half = {name: value.detach().cpu().half().contiguous() for name, value in generator.state_dict().items()}
    save_file(half, path, {"about": json.dumps(asdict(generator.about))})


def load(path: Path) -> PatchGenerator:
    """The generator of a file that :func:`save` wrote, in evaluation mode, without gradients.

    Raises:
        UserError: ``WEIGHTS_CORRUPT``: the file holds something else.
    """
    with safe_open(path, "pt") as file:
        held = (file.metadata() or {}).get("about")
    if held is None:
        raise UserError(
            Code.WEIGHTS_CORRUPT, "This file holds no patch generator.", "Give one that was saved here."
        )
    fields = json.loads(held)
    about = About(**fields | {name: tuple(fields[name]) for name in ("slots", "victims")})
    state = {name: value.float() for name, value in load_file(path).items()}
    generator = built(about, state.get("start"))
    generator.load_state_dict(state)
    return generator.eval().requires_grad_(False)


def _unit(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    """Convolution, group norm (a picture's patch must not hang on its neighbours in a batch), SiLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
        nn.GroupNorm(GROUPS, channels_out),
        nn.SiLU(),
    )


def _silent(entering: int, leaving: int) -> nn.Linear:
    """A linear layer that says nothing until it has learnt something."""
    layer = nn.Linear(entering, leaving)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _side_by_side(maps: Tensor, paired: bool) -> Tensor:
    """Maps of N sources and then N targets -> the pairs' channels side by side."""
    return torch.cat(maps.chunk(2), 1) if paired else maps
