"""Make golden/landmarks.npz: what the original graphs of face_landmarker.task answer to a drawn input.

pip install ai-edge-litert==2.3.0
python tests/core/faces/landmark_oracles.py face_landmarker.task
"""

import sys
import zipfile
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).with_name("golden") / "landmarks.npz"


def drawings() -> np.ndarray:
    """2×256×256×3 float32 in 0..1: plain waves, and a face of a few soft ellipses."""
    y, x = np.mgrid[0:256, 0:256] / 256
    phases = np.arange(3)[None, None, :]
    waves = 0.5 + 0.5 * np.sin(9 * x[..., None] + 5 * y[..., None] ** 2 + phases)
    face = np.full((256, 256, 3), 0.35)

    def blob(cx: float, cy: float, rx: float, ry: float, color: tuple[float, float, float]) -> None:
        inside = 1 / (1 + np.exp(np.minimum(25 * (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 - 1), 80)))
        face[:] = face * (1 - inside[..., None]) + inside[..., None] * np.array(color)

    blob(0.5, 0.5, 0.27, 0.35, (0.85, 0.66, 0.56))
    for side in (-1, 1):
        blob(0.5 + side * 0.1, 0.42, 0.05, 0.022, (0.95, 0.95, 0.95))
        blob(0.5 + side * 0.1, 0.42, 0.02, 0.022, (0.2, 0.12, 0.08))
        blob(0.5 + side * 0.11, 0.35, 0.075, 0.015, (0.25, 0.17, 0.12))
        blob(0.5 + side * 0.02, 0.58, 0.012, 0.008, (0.45, 0.25, 0.2))
    blob(0.5, 0.69, 0.09, 0.025, (0.7, 0.3, 0.3))
    return np.stack([waves, face]).astype(np.float32)


def shapes() -> np.ndarray:
    """2×146×2 float32: points of a spiral and of a lattice."""
    k = np.arange(146)
    spiral = np.stack([k * np.cos(0.4 * k), k * np.sin(0.4 * k)], 1)
    lattice = np.stack([k % 13, k // 13 * 1.4], 1)
    return np.stack([spiral, lattice]).astype(np.float32)


def main() -> None:
    from ai_edge_litert.interpreter import Interpreter

    def run(graph: bytes, inputs: np.ndarray) -> list[dict[str, np.ndarray]]:
        interpreter = Interpreter(model_content=graph)
        interpreter.allocate_tensors()
        answers = []
        for one in inputs:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], one[None])
            interpreter.invoke()
            found = interpreter.get_output_details()
            answers.append({item["name"]: interpreter.get_tensor(item["index"]) for item in found})
        return answers

    with zipfile.ZipFile(sys.argv[1]) as archive:
        faces = run(archive.read("face_landmarks_detector.tflite"), drawings())
        actions = run(archive.read("face_blendshapes.tflite"), shapes())
    np.savez(
        GOLDEN,
        points=np.stack([face["Identity"].reshape(478, 3) for face in faces]),
        presence=np.array([face["Identity_1"].item() for face in faces], np.float32),
        actions=np.stack([next(iter(action.values())).reshape(52) for action in actions]),
    )


if __name__ == "__main__":
    main()
