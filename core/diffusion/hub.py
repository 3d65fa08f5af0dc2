"""Stable Diffusion 1.5 (Rombach et al. 2022, arXiv 2112.10752), fetched from the hub when it is asked for.

The checkpoint is one file in the authors' layout; diffusers' own readers turn it into its modules. The safety
checker of the pipeline is not a part of the file, and the prior draws patches, not finished pictures.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from torch import Tensor, nn

from core import weights
from core.diffusion.base import Card, Prior, cards, priors

Tokenize = Callable[[list[str]], Tensor]
LENGTH: Final = 77  # tokens
CARD = Card(
    name="stable-diffusion-v1-5",
    title="Stable Diffusion 1.5 (LAION)",
    size=512,
    latent=(4, 64, 64),
    classes=(),
    source="arXiv 2112.10752",
    steps=30,
    guidance=7.5,
)
TEXT_KEYS = "cond_stage_model.transformer.text_model."


class Sentences(Prior):
    """A latent-diffusion model that is asked for in sentences.

    Args:
        card: what is known of it.
        coder: ``AutoencoderKL``; its ``scaling_factor`` brings latents to a deviation of 1.
        denoiser: ``UNet2DConditionModel``.
        reader: ``CLIPTextModel``.
        tokenize: N sentences -> N×77 tokens.
        noise: diffusers' scheduler.
    """

    def __init__(
        self, card: Card, coder: Any, denoiser: Any, reader: nn.Module, tokenize: Tokenize, noise: Any
    ) -> None:
        super().__init__(card, noise)
        self.coder, self.denoiser, self.reader, self._tokenize = coder, denoiser, reader, tokenize
        self.eval().requires_grad_(False)

    def _decode(self, latents: Tensor) -> Tensor:
        return torch.as_tensor(self.coder.decode(latents / self.coder.config.scaling_factor).sample)

    def _encode(self, pixels: Tensor) -> Tensor:
        return torch.as_tensor(self.coder.encode(pixels).latent_dist.mean * self.coder.config.scaling_factor)

    def _conditions(self, labels: list[str]) -> Tensor:
        return torch.as_tensor(self.reader(self._tokenize(labels)).last_hidden_state)

    def _predict(self, noisy: Tensor, time: int, conditions: Tensor) -> Tensor:
        return torch.as_tensor(self.denoiser(noisy, time, encoder_hidden_states=conditions).sample)


def tokens(sentences: list[str]) -> Tensor:
    """N×77 tokens of CLIP; what is too long is cut, what is short is filled with the token of the end."""
    from open_clip.tokenizer import SimpleTokenizer

    known = SimpleTokenizer()
    end: int = known.eot_token_id
    rows = torch.full((len(sentences), LENGTH), end)
    for row, sentence in zip(rows, sentences, strict=True):
        words = [known.sot_token_id, *known.encode(sentence)[: LENGTH - 2], end]
        row[: len(words)] = torch.tensor(words)
    return rows


def noise() -> Any:
    """The course of the noise that Stable Diffusion 1 was trained on."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(  # type: ignore[no-untyped-call]
        1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="epsilon"
    )


def shape_of_coder() -> dict[str, Any]:
    """Arguments of ``AutoencoderKL`` for Stable Diffusion 1."""
    return {
        "sample_size": 512,
        "latent_channels": 4,
        "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "scaling_factor": 0.18215,
    }


def shape_of_denoiser() -> dict[str, Any]:
    """Arguments of ``UNet2DConditionModel`` for Stable Diffusion 1; the rest are its defaults."""
    return {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8}


def shape_of_reader() -> dict[str, Any]:
    """Arguments of ``CLIPTextConfig`` for the text half of CLIP ViT-L/14."""
    return {
        "vocab_size": 49408,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "max_position_embeddings": LENGTH,
        "hidden_act": "quick_gelu",
    }


def read(path: Path, card: Card = CARD) -> Sentences:
    """The prior from one checkpoint file in the authors' layout.

    Args:
        path: the file.
        card: what is known of it.
    """
    import transformers
    from diffusers import AutoencoderKL, UNet2DConditionModel

    coder = _from_file(AutoencoderKL, shape_of_coder(), path)
    denoiser = _from_file(UNet2DConditionModel, shape_of_denoiser(), path)
    config: Any = transformers.CLIPTextConfig
    model: Any = transformers.CLIPTextModel
    reader = model(config(**shape_of_reader()))
    reader.load_state_dict(words(path), strict=True)
    return Sentences(card, coder, denoiser, reader, tokens, noise())


def words(path: Path) -> dict[str, Tensor]:
    """The text half of a checkpoint file, under the names of ``CLIPTextModel``."""
    with safe_open(path, "pt") as held:
        names = [name for name in held.keys() if name.startswith(TEXT_KEYS)]  # noqa: SIM118
        found = {name.removeprefix(TEXT_KEYS): held.get_tensor(name) for name in names}
    found.pop("embeddings.position_ids", None)  # a count that today's class makes itself
    return found


def _from_file(kind: Any, shape: dict[str, Any], path: Path) -> Any:
    """A module of diffusers from its part of the file; the shape is given, so nothing is looked up."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(_config(kind, shape), encoding="utf-8")
        return kind.from_single_file(str(path), config=folder, local_files_only=True)


def _config(kind: Any, shape: dict[str, Any]) -> str:
    from accelerate import init_empty_weights

    with init_empty_weights():
        return str(kind(**shape).to_json_string())


cards[CARD.name] = CARD


@priors.register(CARD.name)
def load() -> Sentences:
    """Stable Diffusion 1.5 with its weights (4.3 GB).

    Raises:
        UserError: the weights cannot be had.
    """
    return read(weights.resolve(CARD.name))
