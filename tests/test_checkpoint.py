"""The reader of torch files: right numbers, no code run, a sentence for every damaged file."""

import json
import os
import pickle
import random
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_checkpoint, read_torch

DATA = Path(__file__).parent / "data"


class Storage:
    """Stands for a torch storage while a test file is written."""

    def __init__(self, kind: str, content: np.ndarray):
        self.kind, self.content = kind, content


class Tensor:
    def __init__(self, storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]):
        self.args = (storage, offset, size, stride, False, OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.args


def tensor(array: np.ndarray, kind: str = "FloatStorage") -> Tensor:
    strides = tuple(step // array.itemsize for step in array.strides)
    return Tensor(Storage(kind, array), 0, array.shape, strides)


@pytest.fixture(autouse=True)
def stand_in_modules(monkeypatch):
    """Modules of the names torch pickles mention, so that pickle can write those names."""
    torch, utils, torch_utils = types.ModuleType("torch"), types.ModuleType("utils"), types.ModuleType("torch._utils")
    for kind in ("HalfStorage", "FloatStorage", "BFloat16Storage", "LongStorage"):
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))
    utils.HParams = type("HParams", (), {"__module__": "utils"})

    def _rebuild_tensor_v2():
        raise AssertionError

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    torch_utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for module in (torch, utils, torch_utils):
        monkeypatch.setitem(sys.modules, module.__name__, module)


def save(path: Path, content: object, header: bytes = b"PK", packing: int = zipfile.ZIP_STORED) -> Path:
    storages: dict[int, Storage] = {}

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if not isinstance(value, Storage):
                return None
            storages[id(value)] = value
            key = str(list(storages).index(id(value)))
            return ("storage", getattr(sys.modules["torch"], value.kind), key, "cpu", value.content.size)

    buffer = BytesIO()
    Pickler(buffer, protocol=2).dump(content)
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("name/data.pkl", buffer.getvalue())
        archive.writestr("name/byteorder", "little")
        for key, storage in enumerate(storages.values()):
            archive.writestr(f"name/data/{key}", storage.content.tobytes())
    path.write_bytes(header + path.read_bytes()[2:])
    return path


def checkpoint(**changes: object) -> dict[str, object]:
    weight = OrderedDict(a=tensor(np.arange(6, dtype=np.float16).reshape(2, 3), "HalfStorage"))
    return {"weight": weight, "config": {"model": {"head": 2}}, "info": "GPT-e1"} | changes


def test_reads_a_checkpoint_and_its_version_tag(tmp_path):
    for header in (b"PK", b"05"):
        read = read_checkpoint(save(tmp_path / "voice.pth", checkpoint(), header))
        assert read.header == header.decode()
        assert (read.info, read.config, read.lora_rank) == ("GPT-e1", {"model": {"head": 2}}, None)
        assert read.weights["a"].dtype == np.float16
        np.testing.assert_array_equal(read.weights["a"], [[0, 1, 2], [3, 4, 5]])
    assert read_checkpoint(save(tmp_path / "lora.pth", checkpoint(lora_rank=32), b"03")).lora_rank == 32


def test_hparams_objects_become_plain_tables(tmp_path):
    sample = read_checkpoint(DATA / "s2_hparams_pickle_sample.pth")
    assert sample.config["data"]["hop_length"] == 640
    assert sample.config["model"]["upsample_rates"] == [10, 8, 2, 2, 2]
    assert json.loads(json.dumps(sample.config)) == sample.config
    assert all(weight.dtype == np.float16 for weight in sample.weights.values())


def test_types_strides_offsets_and_shared_storage(tmp_path):
    base = np.arange(12, dtype=np.float32)
    storage = Storage("FloatStorage", base)
    bfloat16 = (np.array([1.5, -2.0, 3.25], np.float32).view(np.uint32) >> 16).astype(np.uint16)
    path = save(
        tmp_path / "state.bin",
        OrderedDict(
            whole=Tensor(storage, 0, (3, 4), (4, 1)),
            transposed=Tensor(storage, 0, (4, 3), (1, 4)),
            part=Tensor(storage, 5, (2, 2), (4, 1)),
            scalar=Tensor(storage, 7, (), ()),
            nothing=Tensor(storage, 12, (0, 3), (3, 1)),
            brain=Tensor(Storage("BFloat16Storage", bfloat16), 0, (3,), (1,)),
            count=tensor(np.array([2**40], np.int64), "LongStorage"),
        ),
    )
    read = read_torch(path)
    np.testing.assert_array_equal(read["whole"], base.reshape(3, 4))
    np.testing.assert_array_equal(read["transposed"], base.reshape(3, 4).T)
    np.testing.assert_array_equal(read["part"], [[5, 6], [9, 10]])
    assert read["scalar"] == 7 and read["scalar"].shape == ()
    assert read["nothing"].shape == (0, 3)
    np.testing.assert_array_equal(read["brain"], np.array([1.5, -2.0, 3.25], np.float32))
    assert read["count"][0] == 2**40


def test_a_repacked_archive_reads_the_same(tmp_path):
    read = read_checkpoint(save(tmp_path / "packed.pth", checkpoint(), packing=zipfile.ZIP_DEFLATED))
    np.testing.assert_array_equal(read.weights["a"], [[0, 1, 2], [3, 4, 5]])


class Command:
    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


class Evaluation:
    def __reduce__(self):
        return eval, ("__import__('pathlib').Path('x')",)


def test_a_hostile_pickle_is_refused_by_name_and_not_run(tmp_path):
    mark = tmp_path / "was_run"
    for hostile, name in ((Command(mark), "posix.system"), (Evaluation(), "__builtin__.eval")):
        path = save(tmp_path / "bad.pth", checkpoint(config=hostile))
        with pytest.raises(CheckpointError, match=rf"bad\.pth asks for {name}"):
            read_checkpoint(path)
        with pytest.raises(CheckpointError, match="refused and nothing was run"):
            read_torch(path)
    assert not mark.exists()


def test_names_beside_the_known_ones_are_refused(tmp_path):
    for module, name in (("torch", "load"), ("collections", "Counter"), ("utils", "os"), ("numpy", "array")):
        path = tmp_path / "other.bin"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("name/data.pkl", f"c{module}\n{name}\n.".encode())
        with pytest.raises(CheckpointError, match=rf"asks for {module}\.{name}"):
            read_torch(path)


def test_a_tensor_outside_its_storage_is_refused(tmp_path):
    storage = Storage("FloatStorage", np.zeros(4, np.float32))
    for outside in (Tensor(storage, 2, (3,), (1,)), Tensor(storage, -1, (2,), (1,)), Tensor(storage, 3, (3,), (-1,))):
        with pytest.raises(CheckpointError, match="reaches outside its data"):
            read_torch(save(tmp_path / "outside.bin", OrderedDict(a=outside)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: download"),
        (b"PK\x03\x04 and no more", "cut short"),
        (b"hello there", "not a torch file"),
        (b"version https://git-lfs", "git lfs pull"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "old format"),
    ],
)
def test_files_that_are_something_else(tmp_path, content, message):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as error:
        read_checkpoint(path)
    assert str(path) in str(error.value)


def test_missing_truncated_and_damaged_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth is not there"):
        read_checkpoint(tmp_path / "nowhere.pth")
    with pytest.raises(FileNotFoundError, match="a folder, not a file"):
        read_torch(tmp_path)
    path = save(tmp_path / "whole.pth", checkpoint())
    content = path.read_bytes()
    for length in range(1, len(content) - 1, 7):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"whole\.pth"):
            read_checkpoint(path)
    at = content.index(np.arange(6, dtype=np.float16).tobytes()) + 3
    path.write_bytes(content[:at] + b"\xff" + content[at + 1 :])
    with pytest.raises(CheckpointError, match=r"damaged at name/data/0"):
        read_checkpoint(path)


def test_any_damage_is_a_sentence(tmp_path):
    dice = random.Random(5)
    save_file({"a": np.zeros((3, 4), np.float32), "b": np.ones(7, np.float16)}, tmp_path / "whole.safetensors")
    for source, read in (
        (DATA / "s2_hparams_pickle_sample.pth", read_checkpoint),
        (tmp_path / "whole.safetensors", read_torch),
    ):
        content, refused = source.read_bytes(), 0
        path = tmp_path / f"damaged{source.suffix}"
        for _ in range(300):
            damaged = bytearray(content)
            for _ in range(dice.choice((1, 3))):
                start = max(0, len(content) - 2000) if dice.random() < 0.5 else 0
                damaged[dice.randrange(start, len(content))] = dice.randrange(256)
            path.write_bytes(damaged)
            try:
                read(path)
            except CheckpointError as error:
                assert path.name in str(error)
                refused += 1
        assert refused > 100


def test_other_torch_files_are_named(tmp_path):
    weights = OrderedDict(a=tensor(np.zeros(2, np.float32)))
    with pytest.raises(CheckpointError, match="training checkpoint"):
        read_checkpoint(save(tmp_path / "a.ckpt", {"state_dict": weights, "epoch": 1}))
    with pytest.raises(CheckpointError, match="it has 'a'"):
        read_checkpoint(save(tmp_path / "b.ckpt", weights))
    with pytest.raises(CheckpointError, match="a list, not a GPT-SoVITS checkpoint"):
        read_checkpoint(save(tmp_path / "c.ckpt", [1]))
    with pytest.raises(CheckpointError, match="'epoch', a int where a tensor is expected"):
        read_torch(save(tmp_path / "d.bin", weights | {"epoch": 1}))
    with pytest.raises(CheckpointError, match="no tensor in it"):
        read_torch(save(tmp_path / "e.bin", OrderedDict()))
    loop: dict[str, object] = {}
    loop["config"] = loop
    with pytest.raises(CheckpointError, match="contains itself"):
        read_checkpoint(save(tmp_path / "f.ckpt", checkpoint(config=loop)))


def test_safetensors(tmp_path):
    numbers = np.arange(4, dtype=np.float32)
    table = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
        "b": {"dtype": "BF16", "shape": [4], "data_offsets": [16, 24]},
    }
    header = json.dumps(table).encode()
    content = struct.pack("<Q", len(header)) + header + numbers.tobytes()
    content += (numbers.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    read = read_torch(path)
    np.testing.assert_array_equal(read["a"], numbers.reshape(2, 2))
    np.testing.assert_array_equal(read["b"], numbers)
    path.write_bytes(content[:-1])
    with pytest.raises(CheckpointError, match="cut short inside b"):
        read_torch(path)
    path.write_bytes(content[:20])
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        read_torch(path)
