"""52 facial actions of every face (ARKit's names) out of its landmarks, by MediaPipe's blendshape net."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from core.faces._blendshape_net import BlendshapeNet
from core.faces.landmarks import state
from core.faces.parts import landmarks_of
from core.types import Face, FloatArray

# Left and right are the person's own in these names.
NAMES = (
    *("_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight"),
    *("eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft"),
    *("eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight"),
    *("eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose"),
    *("mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel"),
    *("mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight"),
    *("mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower"),
    *("mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
)

# Which of the 478 points the net was trained on, in its order (MediaPipe's face_blendshapes_graph).
POINTS = (
    *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67),
    *(70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148),
    *(
        149,
        150,
        152,
        153,
        154,
        155,
        157,
        158,
        159,
        160,
        161,
        162,
        163,
        168,
        172,
        173,
        176,
        178,
        181,
        185,
        191,
    ),
    *(
        195,
        197,
        234,
        246,
        249,
        251,
        263,
        267,
        269,
        270,
        276,
        282,
        283,
        284,
        285,
        288,
        291,
        293,
        295,
        296,
        297,
    ),
    *(
        300,
        308,
        310,
        311,
        312,
        314,
        317,
        318,
        321,
        323,
        324,
        332,
        334,
        336,
        338,
        356,
        361,
        362,
        365,
        373,
        374,
    ),
    *(
        375,
        377,
        378,
        379,
        380,
        381,
        382,
        384,
        385,
        386,
        387,
        388,
        389,
        390,
        397,
        398,
        400,
        402,
        405,
        409,
        415,
    ),
    *(454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477),
)


def measure(faces: Sequence[Face]) -> FloatArray:
    """Strength of each facial action of faces with landmarks.

    Returns:
        N×52 float32 in 0..1, in the order of :data:`NAMES`. Nose sneers hardly ever leave zero.

    Raises:
        UserError: ``FACE_UNSUITABLE`` for a face without landmarks.
    """
    if not faces:
        return np.zeros((0, len(NAMES)), np.float32)
    points = np.stack([landmarks_of(face)[list(POINTS)] for face in faces]).astype(np.float32)
    with torch.inference_mode():
        strengths: FloatArray = net()(torch.from_numpy(points)).numpy()
    return strengths


@lru_cache(maxsize=1)
def net() -> BlendshapeNet:
    """The blendshape net with its weights, in eval mode, frozen but differentiable in its input."""
    with torch.inference_mode(False):
        model = BlendshapeNet()
        model.load_state_dict(state("blendshapes"))
        return model.eval().requires_grad_(False)
