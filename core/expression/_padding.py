"""Make the padding of an ONNX graph constant where the graph computes it from the size of its input.

Networks with TensorFlow's "SAME" padding are often exported so; onnx2torch cannot convert that arithmetic,
and for a known size it is not needed.
"""

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator


def fix_padding(model: onnx.ModelProto, size: int) -> None:
    """Replace computed paddings by their values for N×3×size×size inputs, in place, and drop what made them.

    Args:
        model: a graph with one input.
        size: side of the pictures that it will be given.
    """
    graph = model.graph
    constant = {tensor.name for tensor in graph.initializer}
    constant |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
    pads = [n for n in graph.node if n.op_type == "Pad" and len(n.input) > 1 and n.input[1] not in constant]
    if not pads:
        return
    names = [node.input[1] for node in pads]
    picture = np.zeros((1, 3, size, size), np.float32)
    values = ReferenceEvaluator(_with_outputs(model, names)).run(names, {graph.input[0].name: picture})
    for node, value in zip(pads, values, strict=True):
        node.input[1] += "/fixed"
        graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.int64), node.input[1]))
    _prune(graph)


def _with_outputs(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, None) for name in names
    )
    return copy


def _prune(graph: onnx.GraphProto) -> None:
    """Drop the nodes that no output needs; nodes are stored in an order in which they can be run."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
