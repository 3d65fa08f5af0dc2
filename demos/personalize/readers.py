"""The models of the tab, by their names in the manifest, and the one door to them."""

from typing import TYPE_CHECKING

from core import weights

if TYPE_CHECKING:
    from core.vision_language import ImageText

MODEL = "facet-image-text"
TITLES = {
    MODEL: "Facet’s image-text model",
    "clip-vit-b32": "CLIP ViT-B/32 (OpenAI)",
    "clip-vit-b16": "CLIP ViT-B/16 (OpenAI)",
    "clip-rn50": "CLIP ResNet-50 (OpenAI)",
}
PARTS = {name: (name,) for name in TITLES} | {MODEL: (MODEL, "facet-expression", "vit-s14", "minilm-l6")}
"""Image-text model -> the entries of the manifest that it is made of."""
FACES = ("yunet", "face-landmarker", "dlib-resnet")
"""What finds faces and follows them."""
SOURCES = "facet-source-cache"


def models() -> list[tuple[str, str]]:
    """(title, name) of the image-text models, the app's own first."""
    known = {entry.name for entry in weights.entries("image-text")}
    return [(TITLES[name], name) for name in PARTS if name in known]


def needed(model: str = MODEL) -> tuple[str, ...]:
    """What reading a clip with this model works with, as far as the manifest knows it."""
    known = {entry.name for entry in weights.entries()}
    return tuple(name for name in (*FACES, *PARTS[model], SOURCES) if name in known)


def listed() -> list[str]:
    """Everything the tab may use, for the panel."""
    return list(dict.fromkeys(name for _, model in models() for name in needed(model)))


def load(name: str) -> "ImageText":
    """The model, built at the first call; tests put another one in its place."""
    from core import vision_language

    return vision_language.load(name)


def identity(name: str) -> str:
    """What files call the model: other weights of it are another one."""
    from core.vision_language import cards

    return cards[name].identity
