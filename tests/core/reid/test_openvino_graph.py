"""Running an OpenVINO IR in torch: a made graph against the same layers in torch, and the real nets."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.datasets import mot_crops
from core.errors import Code, UserError
from core.reid import omz, openvino_graph, protocol
from core.weights.openvino_ir import read_layers


class Writer:
    """Collects the layers of an IR."""

    def __init__(self) -> None:
        self.layers, self.edges, self.blob = [], [], b""

    def add(self, kind: str, sizes: tuple[int, ...], *inputs: int, **options: object) -> int:
        number = len(self.layers)
        written = " ".join(f'{name.replace("__", "-")}="{value}"' for name, value in options.items())
        extent = "".join(f"<dim>{size}</dim>" for size in sizes)
        self.layers.append(
            f'<layer id="{number}" name="n{number}" type="{kind}"><data {written}/>'
            f'<output><port id="9">{extent}</port></output></layer>'
        )
        for port, source in enumerate(inputs):
            self.edges.append(
                f'<edge from-layer="{source}" from-port="9" to-layer="{number}" to-port="{port}"/>'
            )
        return number

    def constant(self, values: np.ndarray) -> int:
        kind = {"float16": "f16", "float32": "f32", "int64": "i64"}[values.dtype.name]
        shape = ", ".join(map(str, values.shape))
        offset, self.blob = len(self.blob), self.blob + values.tobytes()
        return self.add(
            "Const", values.shape, element_type=kind, shape=shape, offset=offset, size=values.nbytes
        )

    def save(self, folder: Path) -> Path:
        xml = folder / "net.xml"
        xml.write_text(
            f"<net><layers>{''.join(self.layers)}</layers><edges>{''.join(self.edges)}</edges></net>"
        )
        xml.with_suffix(".bin").write_bytes(self.blob)
        return xml


def integers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, dict[str, torch.Tensor]]:
    chance, out = np.random.default_rng(0), Writer()
    weights = {
        "wide": chance.normal(size=(4, 3, 3, 3)).astype(np.float16),
        "deep": chance.normal(size=(4, 1, 1, 3, 3)).astype(np.float32),
        "slope": np.full((1, 1), 0.25, np.float32),
        "last": chance.normal(size=(5, 4)).astype(np.float32),
    }
    number = {name: out.constant(values) for name, values in weights.items()}
    x = out.add("Parameter", (1, 3, 8, 6))
    swap, axis = out.constant(integers(2, 1, 0)), out.constant(np.array(1, np.int64))
    x = out.add("Gather", (1, 3, 8, 6), x, swap, axis, batch_dims=0)
    same = {"pads_begin": "1, 1", "pads_end": "1, 1", "dilations": "1, 1", "auto_pad": "explicit"}
    wide = out.add("Convert", (4, 3, 3, 3), number["wide"])
    x = out.add("Convolution", (1, 4, 4, 3), x, wide, strides="2, 2", **same)
    axes = out.constant(integers(2, 3))
    x = out.add("MVN", (1, 4, 4, 3), x, axes, eps="1e-5", normalize_variance="true", eps_mode="INSIDE_SQRT")
    x = out.add("GroupConvolution", (1, 4, 4, 3), x, number["deep"], strides="1, 1", **same)
    x = out.add("ReLU", (1, 4, 4, 3), x)
    gate = out.add("Sigmoid", (1, 4, 1, 1), out.add("ReduceMean", (1, 4, 1, 1), x, axes, keep_dims="true"))
    x = out.add("Multiply", (1, 4, 4, 3), x, gate)
    pool = {"kernel": "2, 2", "strides": "2, 2", "pads_begin": "0, 0", "pads_end": "0, 0"}
    x = out.add("MaxPool", (1, 4, 2, 1), x, rounding_type="floor", **pool)
    x = out.add("ReduceMean", (1, 4, 1, 1), x, axes, keep_dims="true")
    x = out.add("Reshape", (1, 4), x, out.constant(integers(1, -1)), special_zero="true")
    x = out.add("MatMul", (1, 5), x, number["last"], transpose_a="false", transpose_b="true")
    out.add("Result", (), out.add("PReLU", (1, 5), x, number["slope"]))
    return out.save(tmp_path), {name: torch.from_numpy(v.astype(np.float32)) for name, v in weights.items()}


def by_hand(x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
    x = functional.conv2d(x.flip(1), w["wide"], stride=2, padding=1)
    x = functional.instance_norm(x, eps=1e-5)
    x = functional.conv2d(x, w["deep"].flatten(0, 1), padding=1, groups=4).relu()
    x = x * x.mean((2, 3), keepdim=True).sigmoid()
    x = functional.max_pool2d(x, 2).mean((2, 3)) @ w["last"].T
    return functional.prelu(x, torch.tensor([0.25]))


def test_a_made_graph_agrees_with_torch_for_any_batch(made):
    path, weights = made
    graph = openvino_graph.read(path)
    x = torch.randn(3, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(graph(x), by_hand(x, weights), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(graph(x[1:2]), graph(x)[1:2], rtol=1e-4, atol=1e-5)


def test_a_gradient_reaches_the_picture_and_no_parameter(made):
    graph = openvino_graph.read(made[0])
    x = torch.randn(2, 3, 8, 6, generator=torch.Generator().manual_seed(1)).requires_grad_()
    graph(x).square().sum().backward()
    assert x.grad.abs().amax((1, 2, 3)).min() > 0
    assert not list(graph.parameters())


def test_the_last_map_is_the_last_that_has_an_extent(made):
    graph = openvino_graph.read(made[0])
    assert graph.map_of(torch.zeros(2, 3, 8, 6)).shape == (2, 4, 4, 3)


def test_what_is_not_here_is_said_when_the_graph_is_read(tmp_path):
    out = Writer()
    out.add("Result", (), out.add("Einsum", (1,), out.add("Parameter", (1,))))
    with pytest.raises(ValueError, match="Einsum"):
        openvino_graph.read(out.save(tmp_path))
    out = Writer()
    out.add("ReLU", (1,), out.add("Parameter", (1,)))
    with pytest.raises(ValueError, match="one result"):
        openvino_graph.read(out.save(tmp_path))


def test_layers_in_another_order_are_refused(tmp_path):
    out = Writer()
    out.add("ReLU", (1,), 1)
    out.add("Parameter", (1,))
    with pytest.raises(ValueError, match="before one that feeds it"):
        read_layers(out.save(tmp_path))


def test_a_net_that_is_not_there(tmp_path):
    with pytest.raises(UserError) as caught:
        omz.read(tmp_path, omz.NAMES[0])
    assert caught.value.code == Code.FILE_UNREADABLE


@pytest.mark.data
@pytest.mark.parametrize("name", omz.NAMES)
def test_the_open_model_zoo_ranks_neighbouring_frames_perfectly(data_dir, name):
    """71 people of seven sequences, 346 pictures in the gallery, one camera each: rank-1 1.000 for both."""
    pytest.importorskip("pyarrow")
    crops = mot_crops.read(data_dir, mot_crops.TRAINING + mot_crops.HELD_OUT)
    assert len(crops) == 417
    net = omz.read(data_dir, name)
    found = protocol.evaluate(protocol.one_camera(crops), net)
    assert found.valid.sum() == 70  # one person has one picture only
    assert found.rank1 == 1
    assert net.maps(torch.zeros(2, 3, 256, 128)).shape[2:] == (16, 8)
