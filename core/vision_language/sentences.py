"""Sentences as vectors: all-MiniLM-L6-v2 (Sentence-BERT, arXiv 1908.10084)."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core import weights

NAME = "minilm-l6"
DIM = 384
MOST_TOKENS = 128
_ABSENT = ("embeddings.position_ids",)  # kept by old files, a constant


class Sentences(nn.Module):
    """The mean over tokens of BERT's last states, as unit vectors.

    Args:
        folder: with ``model.safetensors``, ``config.json`` and ``tokenizer.json``.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer
        from transformers import BertConfig, BertModel

        super().__init__()
        config = BertConfig(**json.loads((folder / "config.json").read_text()))
        self.model = BertModel(config, add_pooling_layer=False)
        state = load_file(folder / "model.safetensors")
        own = {k: v for k, v in state.items() if k not in _ABSENT and not k.startswith("pooler.")}
        self.model.load_state_dict(own)
        self._words = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._words.enable_truncation(MOST_TOKENS)
        self._words.enable_padding(pad_id=0, pad_token="[PAD]")
        self.eval().requires_grad_(False)

    @torch.inference_mode()
    def forward(self, sentences: Sequence[str], batch: int = 64) -> Tensor:
        """K sentences -> K×384 unit vectors; what goes beyond 128 tokens is not read."""
        rows = [
            self._mean(list(sentences[start : start + batch])) for start in range(0, len(sentences), batch)
        ]
        return nn.functional.normalize(torch.cat(rows), dim=1) if rows else torch.zeros(0, DIM)

    def _mean(self, sentences: list[str]) -> Tensor:
        found = self._words.encode_batch(sentences)
        ids = torch.tensor([one.ids for one in found])
        mask = torch.tensor([one.attention_mask for one in found])
        states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        kept = mask.unsqueeze(2).float()
        return torch.as_tensor((states * kept).sum(1) / kept.sum(1))


def load() -> Sentences:
    """The model with its weights.

    Raises:
        UserError: the weights cannot be had.
    """
    return Sentences(weights.resolve(NAME))
