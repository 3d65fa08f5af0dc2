"""The look: calm paper and ink, one teal accent, the system's own fonts (none is fetched)."""

from pathlib import Path

import gradio as gr

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
STYLE = Path(__file__).with_name("style.css")

_teal = gr.themes.Color(
    name="facet-teal",
    c50="#eefaf7",
    c100="#d3f1ea",
    c200="#a9e3d6",
    c300="#74cebd",
    c400="#41b2a0",
    c500="#1d9786",
    c600="#0f7a6d",
    c700="#0e6259",
    c800="#104e48",
    c900="#11413c",
    c950="#042623",
)
_ink = gr.themes.Color(
    name="facet-ink",
    c50="#faf9f6",
    c100="#f2f0ea",
    c200="#e4e1d8",
    c300="#cbc7bb",
    c400="#9b988f",
    c500="#6f6e69",
    c600="#53534f",
    c700="#3b3d3e",
    c800="#24282c",
    c900="#181c20",
    c950="#101316",
)


def theme() -> gr.themes.Base:
    """gradio's base theme in Facet's colours."""
    look = gr.themes.Base(
        primary_hue=_teal,
        secondary_hue=_teal,
        neutral_hue=_ink,
        font=SANS,
        font_mono=MONO,
        radius_size=gr.themes.sizes.radius_lg,
        spacing_size=gr.themes.sizes.spacing_md,
    )
    return look.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_shadow="none",
        block_label_background_fill="rgba(255, 255, 255, 0.8)",  # labels lie on pictures
        block_label_background_fill_dark="rgba(24, 28, 32, 0.8)",
        block_label_border_width="0px",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_title_text_weight="600",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_border_width="1px",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_600",
        button_large_text_weight="600",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_800",
        checkbox_border_color="*neutral_400",
        checkbox_border_color_dark="*neutral_400",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
