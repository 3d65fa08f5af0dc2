"""From whatever mode and colour space Pillow decoded to 8-bit sRGB."""

from io import BytesIO

import numpy as np
import PIL.Image
import PIL.ImageCms

_SRGB = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB"))


def eight_bit(image: PIL.Image.Image) -> PIL.Image.Image:
    """Bring a decoded picture to mode L, LA, RGB, RGBA or CMYK with 8 bits a channel.

    Pillow reduces 16-bit colour to its high byte but leaves 16-bit grey alone, and would clip it to white.
    """
    if image.mode == "I;16":
        deep = np.asarray(image)  # little-endian on every machine
        grey = PIL.Image.fromarray(np.ascontiguousarray(deep.view(np.uint8)[:, 1::2]))
        key = image.info.get("transparency")
        if key is None:
            return grey
        return PIL.Image.merge("LA", (grey, PIL.Image.fromarray((deep != key) * np.uint8(255))))
    if image.mode == "1":
        return image.convert("LA" if "transparency" in image.info else "L")
    if "transparency" in image.info:
        return image.convert("LA" if image.mode == "L" else "RGBA")
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    return image.convert("RGB")


def split_alpha(image: PIL.Image.Image) -> tuple[PIL.Image.Image, PIL.Image.Image | None]:
    """Colour without alpha, and the alpha channel unless it is opaque all over."""
    if image.mode not in ("LA", "RGBA"):
        return image, None
    alpha = image.getchannel("A")
    opaque = np.asarray(alpha).min() == 255
    return image.convert("L" if image.mode == "LA" else "RGB"), None if opaque else alpha


def to_srgb(image: PIL.Image.Image, icc: bytes) -> tuple[PIL.Image.Image, set[str]]:
    """Convert mode L, RGB or CMYK to sRGB, by the given ICC profile if it fits.

    Returns:
        The picture in mode RGB, and the codes of what to tell about its colours.
    """
    traits: set[str] = set()
    if icc:
        try:
            profile = PIL.ImageCms.ImageCmsProfile(BytesIO(icc))
            converted = PIL.ImageCms.profileToProfile(image, profile, _SRGB, outputMode="RGB")
            if converted is not None:
                return converted, {"colour-profile"}
        except (PIL.ImageCms.PyCMSError, OSError, ValueError):
            traits.add("colour-profile-ignored")
    if image.mode == "CMYK":
        traits.add("colour-cmyk")
    return image.convert("RGB"), traits
