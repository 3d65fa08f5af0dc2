"""Advice about a face: what may spoil a result, measured and said in one sentence each."""

from dataclasses import dataclass

import cv2
import numpy as np

from core.faces import parts
from core.faces.align import CANONICAL_SIZE, align
from core.faces.skin import canonical
from core.types import Face, FloatArray, Notice, Pixels

# Measured on 50 photos of lfw10 (10 people) with the WebFace600K MobileFaceNet, genuine cosine .644:
SMALL = 20.0  # px between the eyes: .634 at 20, .596 at 12; landmarks 1.6 and 3.1 % of that distance off
SHARPNESS = 0.03  # clean photos .035 and up; blur of 6 % of the eye-distance .006 to .029, cosine .557
EDGES = 60.0  # as SHARPNESS without its division, for soft skin under hard light: clean 93 and up
PROFILE = 35.0  # degrees of yaw; beyond, half of the landmarks are guesses
# Between 50 and 216 on 1,200 photos of UTKFace, dark skin included, so that skin is never called dark:
DARK, BRIGHT = 40.0, 225.0  # mean luma of the skin, of 255
# On 1,829 LFW photos these flag 17, 16 of which do wear dark glasses; light tints pass unseen:
LENSES, TINTED, EVEN = 0.3, 0.45, 0.6  # see Quality.lenses and Quality.evenness
INNER = np.s_[24:104, 20:92]  # of the halved canonical crop: the face without its surroundings
GREY = 3  # largest difference between channels of a grey picture (JPEG leaves some)


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of one face.

    Attributes:
        eye_distance: pixels of the photo.
        edges: variance of the Laplacian of luma, at 28 px between the eyes.
        sharpness: the same over the variance of luma.
        luma: mean luma of the skin, 0..255.
        lenses: median luma around the eyes over that of cheeks and nose; far below 1 behind dark lenses.
        evenness: median luma in the eyes over that of their lids; an eye is darker, a lens is not.
        grey: the face has no colour.
    """

    eye_distance: float
    edges: float
    sharpness: float
    luma: float
    lenses: float
    evenness: float
    grey: bool


def measure(pixels: Pixels, face: Face) -> Quality:
    """Measure the quality of one face.

    Args:
        pixels: H×W×3 uint8 RGB, the photo.
        face: a face of it, with landmarks.
    """
    crop = align(pixels, face)
    luma = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    found = parts.masks(canonical(face), CANONICAL_SIZE, CANONICAL_SIZE)
    skin = found["cheeks"] | found["nose bridge"] | found["nose tip"]
    half = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)[INNER]
    edges = float(cv2.Laplacian(half, cv2.CV_32F).var())
    channels = crop.astype(np.int16)
    spread = (channels.max(2) - channels.min(2))[skin]
    bare, lids, eyes = (_median(luma[part]) for part in (skin, found["periocular"], found["eyes"]))
    return Quality(
        eye_distance=face.eye_distance,
        edges=edges,
        sharpness=edges / max(float(half.var()), 1e-6),
        luma=float(luma[skin].mean()) if skin.any() else 0.0,
        lenses=_median(luma[found["eyes"] | found["periocular"]]) / bare,
        evenness=eyes / lids,
        grey=bool(spread.size and np.percentile(spread, 99) <= GREY),
    )


def _median(values: FloatArray) -> float:
    return max(1.0, float(np.median(values))) if values.size else 1.0


def advice(quality: Quality, face: Face) -> tuple[Notice, ...]:
    """What a person should know about this face, the gravest first; empty for a good one."""
    notices = []
    if quality.eye_distance < SMALL:
        distance = f"{quality.eye_distance:.0f}"
        notices.append(
            Notice(
                "face-small",
                f"The face is small ({distance} pixels between the eyes), so results will be coarse; "
                "a larger photo of it works better.",
            )
        )
    elif quality.sharpness < SHARPNESS and quality.edges < EDGES:
        notices.append(
            Notice(
                "face-blurred",
                "The face is blurred, which weakens every result on it; a sharper photo is better.",
            )
        )
    if face.pose is not None and abs(face.pose.yaw) > PROFILE:
        notices.append(
            Notice(
                "face-profile",
                "The head is turned far to the side, so the hidden half is a guess; a photo that looks "
                "towards the camera works better.",
            )
        )
    if quality.lenses < LENSES or (quality.lenses < TINTED and quality.evenness > EVEN):
        notices.append(
            Notice(
                "sunglasses",
                "Dark glasses seem to hide the eyes; a photo without them gives better results.",
            )
        )
    if quality.luma < DARK:
        notices.append(Notice("face-dark", "The face is very dark; a photo with more light works better."))
    elif quality.luma > BRIGHT:
        notices.append(
            Notice(
                "face-bright",
                "The face is overexposed, so its skin has lost detail; a darker photo is better.",
            )
        )
    if quality.grey:
        notices.append(
            Notice(
                "grey",
                "The photo is black and white, so colours cannot be judged on it; paint is shown in grey.",
            )
        )
    return tuple(notices)
