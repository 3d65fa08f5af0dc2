"""What TensorFlow.js says of three synthetic faces, kept in golden/parser.npz for the parser's parity test.

    python parser_oracles.py MODEL.json NODE_FOLDER parser.npz

MODEL.json lies beside its shards, as the manifest's entry ``face-parser`` installs them. NODE_FOLDER is a
throw-away folder in which ``npm install --ignore-scripts @tensorflow/tfjs@4.22.0`` was run. The faces are the
app's own examples, cut to the canonical frame and reduced to 96 px, so that the file stays small.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from core.faces import find
from core.faces.align import align
from core.media import images
from core.settings import ROOT

SIZE = 96
SCORES = "BiseNetV2/logits/1x1_conv_block/Conv2D"
ENLARGED = "BiseNetV2/logits/segmentation_head_logits"


def main(model: Path, node: Path, target: Path) -> None:
    """Run the original and keep what it says."""
    faces = []
    for path in sorted((ROOT / "demos" / "examples" / "faces").glob("*_frontal.jpg"))[:3]:
        pixels = images.load(path).pixels
        crop = align(pixels, find(pixels)[0])
        faces.append(cv2.resize(crop, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
    pictures = np.stack(faces)
    (pictures.astype(np.float32) / 127.5 - 1).tofile(node / "input.f32")
    shutil.copy(ROOT / "tests" / "tfjs_oracle.cjs", node)
    arguments = (model.resolve(), "input.f32", SIZE, SIZE, "output.f32", SCORES, ENLARGED)
    subprocess.run(["node", "tfjs_oracle.cjs", *map(str, arguments)], cwd=node, check=True)
    answers = np.fromfile(node / "output.f32", np.float32).reshape(len(pictures), -1)
    coarse = (SIZE // 8) ** 2 * 19
    labels = answers[:, coarse:].reshape(-1, SIZE, SIZE, 19).argmax(-1).astype(np.uint8)
    scores = answers[:, :coarse].reshape(-1, SIZE // 8, SIZE // 8, 19)
    np.savez_compressed(target, pictures=pictures, scores=scores, labels=labels)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
