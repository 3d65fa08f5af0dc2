"""Features of the face as closed outlines of MediaPipe's 478 points: facts about its numbering.

Left and right are the picture's, so a frontal person's right eye is ``LEFT_EYE``. Paired outlines run so
that the mirrored picture shows the n-th point of one as the n-th of the other.
"""

FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
LEFT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
RIGHT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
LEFT_IRIS = (468, 469, 470, 471, 472)  # the centre first
RIGHT_IRIS = (473, 476, 475, 474, 477)
LEFT_NOSTRIL = (98, 240, 235, 219, 166, 79, 239, 238, 241, 242, 99, 60, 75)
RIGHT_NOSTRIL = (327, 460, 455, 439, 392, 309, 459, 458, 461, 462, 328, 290, 305)
LIPS_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
LIPS_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
NOSE_TIP = 4
MOUTH_CORNERS = (61, 291)
FOREHEAD_TOP, CHIN = 10, 152
