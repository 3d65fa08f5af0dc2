"""The encoder against the same network in transformers, with weights that nobody trained."""

import pytest
import torch

from core.speech.network import AudioEncoder, from_checkpoint

SIZE = {"n_mels": 12, "n_audio_ctx": 20, "n_audio_state": 32, "n_audio_head": 4, "n_audio_layer": 2}
THEIRS = (
    ("blocks.", "layers."),
    ("attn_ln.", "self_attn_layer_norm."),
    ("mlp_ln.", "final_layer_norm."),
    ("attn.query.", "self_attn.q_proj."),
    ("attn.key.", "self_attn.k_proj."),
    ("attn.value.", "self_attn.v_proj."),
    ("attn.out.", "self_attn.out_proj."),
    ("mlp.0.", "fc1."),
    ("mlp.2.", "fc2."),
    ("ln_post.", "layer_norm."),
    ("positional_embedding", "embed_positions.weight"),
)


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    """A checkpoint's weights: all drawn, none left at the value that a new layer has."""
    torch.manual_seed(3)
    plain = AudioEncoder(*SIZE.values())
    return {f"encoder.{name}": 0.4 * torch.randn_like(value) for name, value in plain.state_dict().items()}


def test_states_are_those_of_transformers(state) -> None:
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    config = WhisperConfig(
        num_mel_bins=12, max_source_positions=20, d_model=32, encoder_layers=2, encoder_attention_heads=4,
        encoder_ffn_dim=128,
    )  # fmt: skip
    theirs = WhisperEncoder(config).eval()
    renamed = {}
    for key, value in state.items():
        name = key.removeprefix("encoder.")
        for ours, other in THEIRS:
            name = name.replace(ours, other)
        renamed[name] = value
    theirs.load_state_dict(renamed)
    spectra = torch.randn(2, 12, 40)
    with torch.inference_mode():
        wanted = theirs(spectra).last_hidden_state
        found = from_checkpoint(SIZE, state)(spectra)
    assert found.shape == (2, 20, 32)
    assert (found - wanted).abs().max() < 1e-4 * wanted.abs().max()


def test_half_precision_is_read_as_single_and_the_decoder_is_left(state) -> None:
    halved = {name: value.half() for name, value in state.items()} | {"decoder.ln.weight": torch.ones(2)}
    net = from_checkpoint(SIZE, halved)
    assert all(value.dtype == torch.float32 for value in net.state_dict().values())
    assert torch.equal(net.ln_post.bias, halved["encoder.ln_post.bias"].float())


def test_a_checkpoint_without_a_part_is_refused(state) -> None:
    del state["encoder.blocks.1.attn.out.bias"]
    with pytest.raises(RuntimeError):
        from_checkpoint(SIZE, state)
