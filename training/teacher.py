"""Runs the teacher's float graph (see `dequantise`) in torch, on a CPU or a GPU, operator by operator."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper
from torch import Tensor

TAPS = ("/encoder/Clip_output_0", "/encoder/F0_proj/Conv_output_0", "/encoder/N_proj/Conv_output_0")
TYPES = {1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float32, 11: torch.float32}
FAR = 2**31  # slices end here to mean "to the end"
ROUNDING = 1e-7

Values = list[Any]
Attributes = dict[str, Any]


def numbers(x: Tensor) -> list[int]:
    """A shape or a list of axes held in a tensor."""
    return [int(v) for v in x.reshape(-1).tolist()]


def gather(x: Values, a: Attributes) -> Tensor:
    """Gather along one axis; negative indices count from the end."""
    data, index, axis = x[0], x[1].to(x[0].device), a.get("axis", 0)
    index = torch.where(index < 0, index + data.shape[axis], index)
    picked = data.index_select(axis, index.reshape(-1))
    return picked.reshape(data.shape[:axis] + index.shape + data.shape[axis + 1 :])


def unsqueeze(x: Values, _: Attributes) -> Tensor:
    """New axes of length one."""
    axes = numbers(x[1])
    out = x[0]
    for axis in sorted(v % (x[0].dim() + len(axes)) for v in axes):
        out = out.unsqueeze(axis)
    return out


def slice_(x: Values, _: Attributes) -> Tensor:
    """Slices with steps of either sign."""
    out, starts, ends = x[0], numbers(x[1]), numbers(x[2])
    axes = numbers(x[3]) if len(x) > 3 and x[3] is not None else list(range(len(starts)))
    steps = numbers(x[4]) if len(x) > 4 and x[4] is not None else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = out.shape[axis]
        wanted = range(size)[start : end if -FAR < end < FAR else None : step]
        index = torch.arange(wanted.start, wanted.stop, wanted.step, device=out.device)
        out = out.index_select(axis % out.dim(), index)
    return out


def reshape(x: Values, a: Attributes) -> Tensor:
    """Zeros keep the old size."""
    shape = numbers(x[1])
    return x[0].reshape([x[0].shape[i] if n == 0 and not a.get("allowzero", 0) else n for i, n in enumerate(shape)])


def reduced(operation: Callable[..., Tensor]) -> Callable[[Values, Attributes], Tensor]:
    """A reduction over the given axes, or over all."""

    def run(x: Values, a: Attributes) -> Tensor:
        axes = numbers(x[1]) if len(x) > 1 and x[1] is not None else list(range(x[0].dim()))
        return operation(x[0], axes, keepdim=bool(a.get("keepdims", 1)))

    return run


def convolution(x: Values, a: Attributes) -> Tensor:
    """One- or two-dimensional; uneven padding is added first."""
    data, weight = x[0], x[1]
    dims = weight.dim() - 2
    pads = a.get("pads", [0] * 2 * dims)
    before, after = pads[:dims], pads[dims:]
    if before != after:
        data = F.pad(data, [p for i in reversed(range(dims)) for p in (before[i], after[i])])
        before = [0] * dims
    operation = F.conv1d if dims == 1 else F.conv2d
    stride, dilation = tuple(a.get("strides", [1] * dims)), tuple(a.get("dilations", [1] * dims))
    return operation(data, weight, x[2] if len(x) > 2 else None, stride, tuple(before), dilation, a.get("group", 1))


def transposed(x: Values, a: Attributes) -> Tensor:
    """Transposed convolution with even padding."""
    dims = x[1].dim() - 2
    operation = F.conv_transpose1d if dims == 1 else F.conv_transpose2d
    options = (a.get("strides"), a.get("pads", [0] * 2 * dims)[:dims], a.get("output_padding", [0] * dims))
    stride, padding, extra = (tuple(o) for o in options)
    dilation = tuple(a.get("dilations", [1] * dims))
    return operation(x[0], x[1], x[2] if len(x) > 2 else None, stride, padding, extra, a.get("group", 1), dilation)


def resize(x: Values, a: Attributes) -> Tensor:
    """Nearest or linear over the last axis of [B, C, T]."""
    factors = [float(v) for v in x[2].tolist()][2:]
    if a["mode"] == b"nearest":
        size = [math.floor(n * f) for n, f in zip(x[0].shape[2:], factors, strict=True)]
        return F.interpolate(x[0], size=size, mode="nearest")
    aligned = a.get("coordinate_transformation_mode") == b"align_corners"
    return F.interpolate(x[0], scale_factor=factors, mode="linear", align_corners=aligned, recompute_scale_factor=False)


def pad(x: Values, a: Attributes) -> Tensor:
    """Constant, reflected or repeated edges."""
    amounts = numbers(x[1])
    dims = len(amounts) // 2
    pairs = [p for i in reversed(range(dims)) for p in (amounts[i], amounts[i + dims])]
    mode = a.get("mode", b"constant").decode()
    if mode == "constant":
        return F.pad(x[0], pairs, value=float(x[2]) if len(x) > 2 and x[2] is not None else 0.0)
    while len(pairs) > 2 and pairs[-2:] == [0, 0]:
        pairs = pairs[:-2]
    return F.pad(x[0], pairs, mode={"reflect": "reflect", "edge": "replicate"}[mode])


def stft(x: Values, a: Attributes) -> Tensor:
    """Frames times window, then a real transform; the last axis holds real and imaginary part.

    The sum of a frame (bin 0) has no imaginary part, but the graph takes the phase of a negative sum for minus pi
    unless that part is above zero, as it is in ONNX Runtime by rounding and as plus pi is in the teacher as published.
    With minus pi its voice loses 5 dB between 3 and 5 kHz.
    """
    signal = x[0][..., 0] if x[0].dim() == 3 else x[0]
    frames = signal.unfold(-1, x[2].shape[0], int(x[1])) * x[2]
    spectrum = torch.view_as_real(torch.fft.rfft(frames) if a.get("onesided", 1) else torch.fft.fft(frames))
    spectrum[..., 0, 1] = ROUNDING
    return spectrum


def skip_norm(x: Values, a: Attributes) -> Tensor:
    """Layer norm of a sum."""
    total = x[0] + x[1] + (x[4] if len(x) > 4 and x[4] is not None else 0)
    return F.layer_norm(total, total.shape[-1:], x[2], x[3], a.get("epsilon", 1e-12))


def fused_product(x: Values, a: Attributes) -> Tensor:
    """Matrix product with optional transpositions and a factor."""
    left = x[0].transpose(-1, -2) if a.get("transA") else x[0]
    right = x[1].transpose(-1, -2) if a.get("transB") else x[1]
    return (left @ right) * a.get("alpha", 1.0)


def divide(x: Values, _: Attributes) -> Tensor:
    """Integers towards zero; 0 / 0 is 0, which only silent harmonics meet."""
    if not x[0].is_floating_point():
        return torch.div(x[0], x[1], rounding_mode="trunc")
    return torch.nan_to_num(x[0] / x[1], nan=0.0, posinf=math.inf, neginf=-math.inf)


def clip(x: Values, _: Attributes) -> Tensor:
    """Both bounds are optional."""
    low, high = ([*x[1:], None, None])[:2]
    return x[0].clamp(None if low is None else float(low), None if high is None else float(high))


def scatter(x: Values, _: Attributes) -> Tensor:
    """Writes rows at indices."""
    out = x[0].clone()
    out[tuple(x[1].unbind(-1))] = x[2]
    return out


def filled(x: Values, a: Attributes) -> Tensor:
    """A constant of a given shape."""
    value = numpy_helper.to_array(a["value"]).reshape(-1)[0] if "value" in a else np.float32(0)
    kind = torch.float32 if value.dtype.kind == "f" else torch.from_numpy(np.array(value)).dtype
    return torch.full(numbers(x[0]), value.item(), dtype=kind)


OPERATORS: dict[str, Callable[[Values, Attributes], Any]] = {
    "Add": lambda x, a: x[0] + x[1],
    "Sub": lambda x, a: x[0] - x[1],
    "Mul": lambda x, a: x[0] * x[1],
    "Div": divide,
    "Pow": lambda x, a: x[0] ** x[1],
    "And": lambda x, a: x[0] & x[1],
    "Equal": lambda x, a: x[0] == x[1],
    "Less": lambda x, a: x[0] < x[1],
    "Greater": lambda x, a: x[0] > x[1],
    "GreaterOrEqual": lambda x, a: x[0] >= x[1],
    "Where": lambda x, a: torch.where(x[0], x[1], x[2]),
    "MatMul": lambda x, a: x[0] @ x[1],
    "FusedMatMul": fused_product,
    "Softmax": lambda x, a: x[0].softmax(a.get("axis", -1)),
    "LeakyRelu": lambda x, a: F.leaky_relu(x[0], a.get("alpha", 0.01)),
    "FastGelu": lambda x, a: F.gelu(x[0] + (x[1] if len(x) > 1 and x[1] is not None else 0), approximate="tanh"),
    "LayerNormalization": lambda x, a: F.layer_norm(x[0], x[1].shape, x[1], x[2], a.get("epsilon", 1e-5)),
    "SkipLayerNormalization": skip_norm,
    "Conv": convolution,
    "ConvTranspose": transposed,
    "Resize": resize,
    "Pad": pad,
    "STFT": stft,
    "CumSum": lambda x, a: x[0].cumsum(int(x[1])),
    "ReduceMean": reduced(torch.mean),
    "ReduceSum": reduced(torch.sum),
    "Clip": clip,
    "Cast": lambda x, a: x[0].to(TYPES[a["to"]]),
    "Shape": lambda x, a: torch.tensor(x[0].shape, dtype=torch.int64)[a.get("start", 0) : a.get("end")],
    "Gather": gather,
    "Unsqueeze": unsqueeze,
    "Squeeze": lambda x, a: x[0].squeeze(tuple(numbers(x[1]))) if len(x) > 1 else x[0].squeeze(),
    "Reshape": reshape,
    "Transpose": lambda x, a: x[0].permute(a["perm"]),
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "Slice": slice_,
    "Expand": lambda x, a: x[0].expand(torch.broadcast_shapes(tuple(numbers(x[1])), x[0].shape)),
    "ConstantOfShape": filled,
    "Range": lambda x, a: torch.arange(x[0].item(), x[1].item(), x[2].item(), device=x[0].device),
    "NonZero": lambda x, a: x[0].nonzero().T,
    "ScatterND": scatter,
    "DequantizeLinear": lambda x, a: (x[0].float() - (x[2].float() if len(x) > 2 else 0)) * x[1],
}
UNARY = (torch.sqrt, torch.sin, torch.cos, torch.exp, torch.tanh, torch.atan, torch.sigmoid, torch.round, torch.floor)
OPERATORS |= {f.__name__.capitalize(): lambda x, a, f=f: f(x[0]) for f in UNARY}


def lstm_from(weight: Tensor, recurrent: Tensor, bias: Tensor, hidden: int) -> torch.nn.LSTM:
    """ONNX orders the gates input, output, forget, cell; torch input, forget, cell, output."""
    net = torch.nn.LSTM(weight.shape[2], hidden, bidirectional=weight.shape[0] == 2).to(weight.device)

    def ordered(w: Tensor) -> Tensor:
        i, o, f, c = w.split(hidden, 0)
        return torch.cat([i, f, c, o], 0)

    with torch.no_grad():
        for direction in range(weight.shape[0]):
            suffix = "_l0_reverse" if direction else "_l0"
            both = bias[direction].split(4 * hidden)
            parts = {"weight_ih": weight[direction], "weight_hh": recurrent[direction]}
            for name, value in {**parts, "bias_ih": both[0], "bias_hh": both[1]}.items():
                getattr(net, name + suffix).copy_(ordered(value))
    return net.eval()


def style_for(styles: np.ndarray, tokens: int) -> np.ndarray:
    """The row of a voice [rows, 256] for a text of so many tokens, both silence marks counted: [1, 256]."""
    return styles[min(tokens - 2, len(styles) - 1)][None]


class Teacher:
    """The graph with its constants on one device; calling it returns the wanted outputs."""

    def __init__(self, path: str, device: str, outputs: Sequence[str]):
        graph = onnx.load(path).graph
        self.device, self.outputs = device, list(outputs)
        self.constants: dict[str, Tensor] = {
            t.name: self._constant(numpy_helper.to_array(t)) for t in graph.initializer
        }
        self.lstms: dict[str, torch.nn.LSTM] = {}
        needed, nodes = set(outputs), []
        for node in reversed(graph.node):
            if needed & set(node.output):
                needed |= set(node.input)
                attributes = {x.name: helper.get_attribute_value(x) for x in node.attribute}
                nodes.append((node.op_type, list(node.input), list(node.output), attributes, node.name))
        self.nodes = []
        with torch.inference_mode():
            for node in reversed(nodes):
                if all(name in self.constants for name in node[1] if name):
                    self.constants.update(zip(node[2], self._run(node, self.constants), strict=False))
                else:
                    self.nodes.append(node)
        self.last = {name: i for i, node in enumerate(self.nodes) for name in node[1]}

    def _constant(self, array: np.ndarray) -> Tensor:
        """Shapes stay on the CPU, everything else goes to the device."""
        tensor = torch.from_numpy(np.array(array))
        small = not tensor.is_floating_point() and tensor.numel() <= 64
        return tensor if small else tensor.to(self.device)

    def _run(self, node: tuple, values: dict[str, Tensor]) -> Sequence[Tensor]:
        operator, names, outputs, attributes, name = node
        x = [values[n] if n else None for n in names]
        if operator == "LSTM":
            if name not in self.lstms:
                self.lstms[name] = lstm_from(x[1], x[2], x[3], attributes["hidden_size"])
            y, (h, c) = self.lstms[name](x[0])
            return y.reshape(*y.shape[:2], x[1].shape[0], -1).permute(0, 2, 1, 3), h, c
        if operator == "Split":
            parts = numbers(x[1]) if len(x) > 1 else x[0].shape[attributes.get("axis", 0)] // len(outputs)
            return torch.split(x[0], parts, attributes.get("axis", 0))
        if operator not in OPERATORS:
            raise NotImplementedError(f"The operator {operator} ({name}) is not known; add it to OPERATORS.")
        if operator not in ("Reshape", "Expand", "Slice", "Unsqueeze", "Squeeze", "Resize", "Pad", "ConstantOfShape"):
            places = {v.device for v in x if v is not None and v.dim() + v.is_floating_point() > 0}
            if len(places) > 1:
                x = [v if v is None else v.to(self.device) for v in x]
        return (OPERATORS[operator](x, attributes),)

    @torch.inference_mode()
    def __call__(self, **inputs: Tensor) -> list[Tensor]:
        """Inputs by name -> the outputs asked for, in that order."""
        values = {**self.constants, **{k: v.to(self.device) for k, v in inputs.items()}}
        for i, node in enumerate(self.nodes):
            values.update(zip(node[2], self._run(node, values), strict=False))
            for name in node[1]:
                if self.last[name] == i and name not in self.constants and name not in self.outputs:
                    values.pop(name, None)
        return [values[name] for name in self.outputs]
