"""Voices that speak Japanese, Korean and Cantonese, under the real dora and with the real node."""

import json
import shutil
from pathlib import Path

import pytest
from dataflow_tools import TESTS, rows, run, written
from weight_files import never_ending

pytest.importorskip("pyopenjtalk", reason="the extra ja is not installed")
pytest.importorskip("mecab", reason="the extra ko is not installed")

VOICES = {"ja": "こんにちは、お元気ですか。", "ko": "안녕하세요, 만나서 반갑습니다.", "yue": "你好，請問而家幾點呀？"}
ANSWER = "今日は2024年5月17日です。Let's use the API of OpenAI! 東京は25℃で、*晴れ*です😊。\n- USBを3本買いました。"
SENTENCES = [
    "今日は2024年5月17日です。",
    "Let's use the API of OpenAI!",
    "東京は25℃で、晴れです。",
    "USBを3本買いました。",
]


@pytest.fixture
def voices(tiny_voices: Path, tmp_path: Path) -> Path:
    """One voice of each language, of a tiny model that stops after one second's allowance."""
    shutil.copytree(tiny_voices.parent, tmp_path, dirs_exist_ok=True)
    never_ending(tmp_path / "model", 1)
    path = tmp_path / "voices.json"
    content = json.loads(path.read_text("utf-8"))
    first = next(iter(content["voices"].values()))
    content["voices"] = {
        code: first | {"ref_text": text, "text_lang": code, "prompt_lang": code, "aliases": []}
        for code, text in VOICES.items()
    }
    content["default_voice"] = "ja"
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return path


def test_a_voice_of_each_language_speaks_and_a_mixed_answer_comes_sentence_by_sentence(
    voices: Path, tmp_path: Path
) -> None:
    tokens = [ANSWER[at : at + 2] for at in range(0, len(ANSWER), 2)]
    texts = [{"voice": code, "pieces": [text]} for code, text in VOICES.items()] + [{"voice": "ja", "pieces": tokens}]
    (tmp_path / "texts.json").write_text(json.dumps(texts), "utf-8")
    flow = {
        "nodes": [
            {
                "id": "driver",
                "path": str(TESTS / "drive.py"),
                "args": "stream texts.json",
                "inputs": {"segment_complete": wire("tts/segment_complete")},
                "outputs": ["text", "control"],
            },
            {
                "id": "tts",
                "path": "dora-primespeech-mlx",
                "inputs": {"text": wire("driver/text"), "control": wire("driver/control")},
                "outputs": ["audio", "segment_complete", "status", "log", "metrics"],
                "env": {"VOICES_CONFIG": str(voices), "RUNTIME": "onnx", "SEED": "1", "MAX_AUDIO_AHEAD": "0"},
            },
            {
                "id": "listener",
                "path": str(TESTS / "listen.py"),
                "inputs": {"audio": wire("tts/audio"), "outcome": wire("tts/segment_complete"), "log": wire("tts/log")},
                "env": {"LISTEN_FILE": "heard.jsonl"},
            },
        ]
    }
    run(written(flow, tmp_path / "test.yml"), timeout=120)
    heard = rows(tmp_path / "heard.jsonl")
    assert [row["text"] for row in heard if row["id"] == "outcome"] == ["completed"] * 4
    audio = [row for row in heard if row["id"] == "audio"]
    for number in range(len(texts)):
        assert sum(row["count"] for row in audio if row["segment_id"] == number) > 16000
    assert [row["text"] for row in audio if row["segment_id"] == 3 and row["sentence_final"]] == SENTENCES


def wire(source: str) -> dict[str, object]:
    return {"source": source, "queue_size": 1000, "queue_policy": "backpressure"}
