"""A tiny Stable Diffusion with made-up weights, for shapes and plumbing only."""

from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file

from core.diffusion import hub
from tests.core.diffusion import authors_names

CODER = {
    "latent_channels": 4, "block_out_channels": (8, 8), "norm_num_groups": 4, "scaling_factor": 0.5,
    "down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2,
}  # fmt: skip
DENOISER = {
    "sample_size": 8, "block_out_channels": (16, 16), "layers_per_block": 1, "norm_num_groups": 4,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "cross_attention_dim": 16,
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"), "attention_head_dim": 2,
}  # fmt: skip
TEXT = {
    "vocab_size": 49408, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
    "num_attention_heads": 2, "max_position_embeddings": 77,
}  # fmt: skip


def reader() -> transformers.CLIPTextModel:
    return transformers.CLIPTextModel(transformers.CLIPTextConfig(**TEXT))


@pytest.fixture
def tiny() -> hub.Sentences:
    torch.manual_seed(0)
    card = replace(hub.CARD, size=16, latent=(4, 8, 8), steps=3)
    return hub.Sentences(
        card,
        AutoencoderKL(**CODER),
        UNet2DConditionModel(**DENOISER),
        reader(),
        hub.tokens,
        hub.noise(),
    )


def test_sentences_decide_and_shapes_fit(tiny: hub.Sentences) -> None:
    asked = ["a red flower", "a photograph of moss on stone"]
    latents = tiny.sample(asked, seed=2)
    assert latents.shape == (2, 4, 8, 8) and tiny.decode(latents).shape == (2, 3, 16, 16)
    assert tiny.encode(tiny.decode(latents)).shape == latents.shape
    assert not torch.equal(latents, tiny.sample(asked[::-1], seed=2))
    assert torch.equal(latents, tiny.sample(asked, seed=2))


def test_latents_are_scaled_as_the_autoencoder_says(tiny: hub.Sentences) -> None:
    pictures = torch.rand(1, 3, 16, 16)
    raw = tiny.coder.encode(pictures * 2 - 1).latent_dist.mean
    torch.testing.assert_close(tiny.encode(pictures), raw * 0.5)


def test_tokens_are_those_of_the_library_filled_with_the_end() -> None:
    sentences = ["a daisy", "", "word " * 100]
    theirs = open_clip.get_tokenizer("ViT-L-14")(sentences)
    ours = hub.tokens(sentences)
    assert torch.equal(ours[theirs != 0], theirs[theirs != 0])
    assert set(ours[theirs == 0].tolist()) == {49407}


def test_the_text_half_is_found_in_a_checkpoint_file(tmp_path: Path) -> None:
    held = reader().state_dict()
    file = {f"{hub.TEXT_KEYS}{name}": value.contiguous() for name, value in held.items()}
    file[f"{hub.TEXT_KEYS}embeddings.position_ids"] = torch.arange(77)[None]
    save_file(file | {"model.diffusion_model.out.2.bias": torch.zeros(4)}, tmp_path / "model.safetensors")
    found = hub.words(tmp_path / "model.safetensors")
    fresh = reader()
    fresh.load_state_dict(found, strict=True)
    assert torch.equal(fresh.state_dict()["final_layer_norm.weight"], held["final_layer_norm.weight"])


def test_a_checkpoint_in_the_authors_layout_is_the_same_prior(
    tiny: hub.Sentences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, shape in (("coder", CODER), ("denoiser", DENOISER), ("reader", TEXT)):
        monkeypatch.setattr(hub, f"shape_of_{name}", lambda shape=shape: shape)
    file = (
        authors_names.coder(tiny.coder.state_dict())
        | authors_names.denoiser(tiny.denoiser.state_dict())
        | {f"{hub.TEXT_KEYS}{name}": value for name, value in tiny.reader.state_dict().items()}
    )
    save_file({name: value.contiguous() for name, value in file.items()}, tmp_path / "model.safetensors")
    found = hub.read(tmp_path / "model.safetensors", tiny.card)
    latents = found.sample(["moss"], seed=1, steps=2)
    torch.testing.assert_close(latents, tiny.sample(["moss"], seed=1, steps=2))
    torch.testing.assert_close(found.decode(latents), tiny.decode(latents))
    torch.testing.assert_close(found.encode(found.decode(latents)), tiny.encode(tiny.decode(latents)))


def test_the_shapes_are_those_of_stable_diffusion_1() -> None:
    with torch.device("meta"):
        coder = AutoencoderKL(**hub.shape_of_coder())
        denoiser = UNet2DConditionModel(**hub.shape_of_denoiser())
        text = transformers.CLIPTextModel(transformers.CLIPTextConfig(**hub.shape_of_reader()))
    sizes = [sum(one.numel() for one in net.parameters()) for net in (coder, denoiser, text)]
    assert sizes == [83_653_863, 859_520_964, 123_060_480]
