"""diffusers' names -> the authors' names in a checkpoint, for networks of two levels with one layer each."""

import re
from collections.abc import Mapping

from torch import Tensor

UNET = (
    (r"^time_embedding\.linear_1", "time_embed.0"),
    (r"^time_embedding\.linear_2", "time_embed.2"),
    (r"^conv_in", "input_blocks.0.0"),
    (r"^conv_norm_out", "out.0"),
    (r"^conv_out", "out.2"),
    (r"^down_blocks\.0\.resnets\.0", "input_blocks.1.0"),
    (r"^down_blocks\.0\.attentions\.0", "input_blocks.1.1"),
    (r"^down_blocks\.0\.downsamplers\.0\.conv", "input_blocks.2.0.op"),
    (r"^down_blocks\.1\.resnets\.0", "input_blocks.3.0"),
    (r"^mid_block\.resnets\.0", "middle_block.0"),
    (r"^mid_block\.attentions\.0", "middle_block.1"),
    (r"^mid_block\.resnets\.1", "middle_block.2"),
    (r"^up_blocks\.0\.resnets\.(\d)", r"output_blocks.\1.0"),
    (r"^up_blocks\.0\.upsamplers\.0\.conv", "output_blocks.1.1.conv"),
    (r"^up_blocks\.1\.resnets\.0", "output_blocks.2.0"),
    (r"^up_blocks\.1\.resnets\.1", "output_blocks.3.0"),
    (r"^up_blocks\.1\.attentions\.0", "output_blocks.2.1"),
    (r"^up_blocks\.1\.attentions\.1", "output_blocks.3.1"),
    (r"\.0\.norm1", ".0.in_layers.0"),
    (r"\.0\.conv1", ".0.in_layers.2"),
    (r"middle_block\.2\.norm1", "middle_block.2.in_layers.0"),
    (r"middle_block\.2\.conv1", "middle_block.2.in_layers.2"),
    (r"(blocks\.\d\.0|middle_block\.\d)\.norm2", r"\1.out_layers.0"),
    (r"(blocks\.\d\.0|middle_block\.\d)\.conv2", r"\1.out_layers.3"),
    (r"time_emb_proj", "emb_layers.1"),
    (r"conv_shortcut", "skip_connection"),
)
# norm1 of a transformer block keeps its name, and so it is shielded from the rules for residual blocks
SHIELD = (r"transformer_blocks\.0\.norm", "transformer_blocks.0,norm")
CODER = (
    (r"down_blocks\.(\d)\.resnets", r"down.\1.block"),
    (r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample"),
    (r"up_blocks\.0\.resnets", "up.1.block"),
    (r"up_blocks\.1\.resnets", "up.0.block"),
    (r"up_blocks\.0\.upsamplers\.0", "up.1.upsample"),
    (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"),
    (r"mid_block\.attentions\.0", "mid.attn_1"),
    (r"group_norm", "norm"),
    (r"to_([qkv])\.", r"\1."),
    (r"to_out\.0", "proj_out"),
    (r"conv_norm_out", "norm_out"),
    (r"conv_shortcut", "nin_shortcut"),
)


def denoiser(held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"model.diffusion_model.{_renamed(name, (SHIELD, *UNET))}": value for name, value in held.items()}


def coder(held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"first_stage_model.{_renamed(name, CODER)}": value for name, value in held.items()}


def _renamed(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for old, new in rules:
        name = re.sub(old, new, name)
    return name.replace(",", ".")
