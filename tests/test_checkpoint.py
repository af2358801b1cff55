"""The reader of torch files: right numbers, no code run, a sentence for every damaged file."""

import json
import random
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from weight_files import Call, Made, Name, Storage, Tensor, save, save_archive, save_legacy, tensor

from dora_primespeech_mlx.weights.checkpoint import CheckpointError, read_checkpoint, read_torch

DATA = Path(__file__).parent / "data"


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


def test_a_hostile_pickle_is_called_an_attack_and_not_run(tmp_path):
    mark = tmp_path / "was_run"
    for hostile, name in (
        (Call("posix.system", f"touch {mark}"), "posix.system"),
        (Call("__builtin__.eval", f"open({str(mark)!r}, 'w')"), "__builtin__.eval"),
        (Call("torch.load", str(mark)), "torch.load"),
        (Call("builtins.getattr", 1, "x"), "builtins.getattr"),
    ):
        for path in (
            save(tmp_path / "bad.pth", checkpoint(config=hostile)),
            save_legacy(tmp_path / "old_bad.pth", checkpoint(config=hostile)),
        ):
            with pytest.raises(CheckpointError, match=rf"asks for {name}.*an attack.*nothing was run") as error:
                read_checkpoint(path)
            assert str(error.value).startswith(str(path)) and "with torch" not in str(error.value)
            with pytest.raises(CheckpointError, match="refused and nothing was run"):
                read_torch(path)
    assert not mark.exists()


def test_functions_beside_the_known_ones_are_refused(tmp_path):
    for function in ("collections.ChainMap", "utils.load_model", "numpy.array", "omegaconf.DictConfig"):
        path = save(tmp_path / "other.bin", checkpoint(config=Call(function, [1])))
        with pytest.raises(CheckpointError, match=rf"asks for {function}, which no voice needs") as error:
            read_checkpoint(path)
        assert "attack" not in str(error.value)


def test_a_tensor_outside_its_storage_is_refused(tmp_path):
    storage = Storage("FloatStorage", np.zeros(4, np.float32))
    for outside in (Tensor(storage, 2, (3,), (1,)), Tensor(storage, -1, (2,), (1,)), Tensor(storage, 3, (3,), (-1,))):
        with pytest.raises(CheckpointError, match="outside its data"):
            read_torch(save(tmp_path / "outside.bin", OrderedDict(a=outside)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: download"),
        (b"PK\x03\x04 and no more", "cut short"),
        (b"hello there", "a server's answer .* it says 'hello there'"),
        (b"\x07\x01\x02\x03" * 200, "not a torch file"),
        (b"version https://git-lfs", "git lfs pull"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "damaged table of contents"),
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
    with pytest.raises(CheckpointError, match="it has 'a' where named tensors are expected"):
        read_checkpoint(save(tmp_path / "b.ckpt", {"a": 1}))
    with pytest.raises(CheckpointError, match="a list, not a GPT-SoVITS checkpoint"):
        read_checkpoint(save(tmp_path / "c.ckpt", [1]))
    with pytest.raises(CheckpointError, match="'epoch', a int where a tensor is expected"):
        read_torch(save(tmp_path / "d.bin", weights | {"epoch": 1}))
    with pytest.raises(CheckpointError, match="no tensor in it"):
        read_torch(save(tmp_path / "e.bin", OrderedDict()))
    loop: dict[str, object] = {}
    loop["config"] = loop
    with pytest.raises(CheckpointError, match="holds itself"):
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


# --- what forks write, and what is hostile ---------------------------------------------------------------------------


def test_what_harmless_forks_write_is_read_without_running_it(tmp_path):
    float32 = Call("numpy.dtype", "f4", False, True)
    config = {
        "model": Made("src.utils.config.HParams", {"head": 2, "inner": Made("moyoyo_tts.utils.HParams", {"a": [1]})}),
        "path": Call("pathlib.PosixPath", "/", "home", "logs"),
        "options": Made("argparse.Namespace", {"lr": 0.5}),
        "other": Call("argparse.Namespace"),
        "counts": Call("collections.defaultdict", Name("builtins.int")),
        "kind": Name("torch.float16"),
        "device": Call("torch.device", "cuda", 0),
        "scale": Call("numpy.core.multiarray.scalar", float32, np.float32(2.5).tobytes()),
        "enum": Made("project.Mode", {"value": 3}),
    }
    content = checkpoint(config=config, optimizer=Made("torch.optim.Adam", {}))
    assert read_checkpoint(save(tmp_path / "fork.ckpt", content)).config == {
        "model": {"head": 2, "inner": {"a": [1]}},
        "path": "//home/logs",
        "options": {"lr": 0.5},
        "other": [],
        "counts": {},
        "kind": "torch.float16",
        "device": "cuda:0",
        "scale": 2.5,
        "enum": {"value": 3},
    }


def test_parameters_newer_tensors_and_subclasses_are_read(tmp_path):
    numbers = tensor(np.arange(3, dtype=np.float32))
    parameter = (numbers, True, OrderedDict())
    storage = Storage("UntypedStorage", np.arange(8, dtype=np.uint8))
    kind, rebuild = Name("torch.nn.Parameter"), Name("torch._utils._rebuild_parameter")
    weights = OrderedDict(
        parameter=Call("torch._utils._rebuild_parameter", *parameter),
        subclass=Call("torch._tensor._rebuild_from_type_v2", rebuild, kind, parameter, {}),
        typed=Call("torch._utils._rebuild_tensor_v3", storage, 0, (2,), (1,), False, {}, Name("torch.float32"), {}),
    )
    read = read_checkpoint(save(tmp_path / "a.pth", checkpoint(weight=weights))).weights
    np.testing.assert_array_equal(read["parameter"], [0, 1, 2])
    np.testing.assert_array_equal(read["subclass"], [0, 1, 2])
    np.testing.assert_array_equal(read["typed"], np.arange(8, dtype=np.uint8).view(np.float32))


def test_the_format_from_before_torch_1_6_is_read(tmp_path):
    weights = OrderedDict(a=tensor(np.arange(6, dtype=np.float32).reshape(2, 3)), b=tensor(np.ones(2, np.float16)))
    path = save_legacy(tmp_path / "old.pth", checkpoint(weight=weights))
    read = read_checkpoint(path).weights
    np.testing.assert_array_equal(read["a"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(read["b"], [1, 1])
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(CheckpointError, match=r"old\.pth is cut short"):
        read_checkpoint(path)


def test_weights_without_config_come_with_an_empty_one(tmp_path):
    weights = OrderedDict(a=tensor(np.zeros(2, np.float32)))
    assert read_checkpoint(save(tmp_path / "a.pth", {"weight": weights})).config == {}
    assert read_checkpoint(save(tmp_path / "b.pth", weights)).weights.keys() == {"a"}


def laughing(levels: int) -> bytes:
    """A pickle of {'weight': {}, 'config': x} with x = [y, y], y = [z, z] and so on: short, and endless written out."""
    inner = b"".join(
        b"]q" + bytes([n + 2]) + b"(h" + bytes([n + 1]) + b"h" + bytes([n + 1]) + b"e" for n in range(levels)
    )
    weight, config = b"X\x06\x00\x00\x00weight}", b"X\x06\x00\x00\x00config"
    return b"\x80\x02}(" + weight + config + b"]q\x01" + inner.replace(b"]q", b"0]q") + b"u."


def shared_list(calls: int) -> bytes:
    """A pickle that copies one long list again and again."""
    items = b"(" + b"K\x01" * 20_000 + b"lq\x010"
    return b"\x80\x02" + items + b"ccollections\ndeque\nq\x020" + b"h\x02h\x01\x85R0" * calls + b"}."


HEAD = b"\x80\x02}(X\x06\x00\x00\x00weight}X\x06\x00\x00\x00config"
HOSTILE = {
    "billion laughs": laughing(34),
    "keys that are compared for ever": b"\x80\x02}" + b")" + b"2\x86" * 40 + b"K\x01s.",
    "a list that is copied for ever": shared_list(50_000),
    "a million instructions": b"\x80\x02" + b"N0" * 500_000 + b"N.",
    "a place in the memo far away": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "text of two gigabytes": b"\x80\x02X\xff\xff\xff\x7f.",
    "bytes of an exabyte": b"\x80\x04\x8e" + (1 << 60).to_bytes(8, "little") + b".",
    "a number of many digits": b"\x80\x02L" + b"9" * 100_000 + b"L\n.",
    "nested deeply": HEAD + b"]" * 100_000 + b"a" * 99_999 + b"u.",
    "itself": b"\x80\x02}q\x01(X\x06\x00\x00\x00weighth\x01X\x06\x00\x00\x00configh\x01u.",
    "an extension": b"\x80\x02\x82\x01.",
    "a class that is built": b"\x80\x02ccollections\nOrderedDict\n}b.",
    "a dotted name": b"\x80\x04\x8c\x0bcollections\x8c\x20OrderedDict.__init__.__globals__\x93.",
}


@pytest.mark.parametrize("table", HOSTILE.values(), ids=HOSTILE)
def test_hostile_pickles_end_with_a_sentence(tmp_path, table):
    with pytest.raises(CheckpointError, match=r"hostile\.pth"):
        read_checkpoint(save_archive(tmp_path / "hostile.pth", table))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_hostile_pickles_take_little_memory_and_end(tmp_path):
    for number, table in enumerate(HOSTILE.values()):
        save_archive(tmp_path / f"{number}.pth", table)
    code = (
        "import sys; from pathlib import Path\n"
        "from dora_primespeech_mlx.weights.checkpoint import read_checkpoint\n"
        "for path in Path(sys.argv[1]).iterdir():\n"
        "    try: read_checkpoint(path)\n"
        "    except ValueError: print('refused')\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(status.partition('VmHWM:')[2].split()[0]) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=600
    )
    *refused, most = done.stdout.split()
    assert refused == ["refused"] * len(HOSTILE)
    assert int(most) < 500


def test_tensors_larger_than_their_data_are_refused(tmp_path):
    storage = Storage("FloatStorage", np.zeros(4, np.float32))
    huge = Tensor(storage, 0, (2_000_000_000, 4), (0, 1))
    with pytest.raises(CheckpointError, match="the tensor a is larger than its data"):
        read_torch(save(tmp_path / "wide.bin", OrderedDict(a=huge)))
    wide = Storage("FloatStorage", np.zeros(1 << 20, np.float32))
    many = OrderedDict((str(n), Tensor(wide, 0, (1 << 20,), (1,))) for n in range(500))
    with pytest.raises(CheckpointError, match="repeats its numbers in too many tensors"):
        read_torch(save(tmp_path / "many.bin", many))


def test_an_archive_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path):
    zeros = OrderedDict(a=tensor(np.zeros(80 << 20, np.int8)))
    with pytest.raises(CheckpointError, match="unpacks to far more than its size"):
        read_torch(save(tmp_path / "bomb.bin", zeros, packing=zipfile.ZIP_DEFLATED))
    few = OrderedDict(a=tensor(np.zeros(1000, np.int8)))
    assert len(read_torch(save(tmp_path / "fine.bin", few, packing=zipfile.ZIP_DEFLATED))["a"]) == 1000


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Call("torch._utils._rebuild_qtensor", 1), "the tensor a is quantised"),
        (Call("torch._utils._rebuild_sparse_tensor", 1), "the tensor a is sparse"),
        (tensor(np.zeros(4, np.int8), "Float8_e4m3fnStorage"), "of type Float8_e4m3fn"),
    ],
)
def test_tensors_of_other_sorts_are_named(tmp_path, value, said):
    with pytest.raises(CheckpointError, match=f"{said}.*16 or 32-bit floats"):
        read_torch(save(tmp_path / "a.bin", OrderedDict(a=value)))
