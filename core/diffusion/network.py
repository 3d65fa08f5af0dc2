"""The networks of the small latent-diffusion model (Rombach et al. 2022, arXiv 2112.10752).

Diffusers modules in sizes for two processor cores: 64×64 pictures, 4×16×16 latents.
"""

from typing import Any, Final

SIZE: Final = 64  # pixels a side
LATENT: Final = (4, 16, 16)
TIMES: Final = 1000  # steps of the noise that is trained on


def autoencoder() -> Any:
    """An ``AutoencoderKL`` with random weights; without attention, so that any multiple of 4 pixels goes."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(  # type: ignore[no-untyped-call]
        sample_size=SIZE,
        latent_channels=LATENT[0],
        block_out_channels=(24, 48, 96),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        mid_block_add_attention=False,
    )


def denoiser(classes: int) -> Any:
    """A class-conditional ``UNet2DModel`` with random weights.

    Args:
        classes: how many; one label more, the last, stands for none (arXiv 2207.12598).
    """
    from diffusers import UNet2DModel

    return UNet2DModel(  # type: ignore[no-untyped-call]
        sample_size=LATENT[1],
        in_channels=LATENT[0],
        out_channels=LATENT[0],
        layers_per_block=1,
        block_out_channels=(64, 96, 144),
        norm_num_groups=16,
        attention_head_dim=16,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        num_class_embeds=classes + 1,
    )


def noise() -> Any:
    """The course of the noise: cosine (arXiv 2102.09672), the network predicts v (arXiv 2202.00512)."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(  # type: ignore[no-untyped-call]
        TIMES, beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction", clip_sample=False
    )
