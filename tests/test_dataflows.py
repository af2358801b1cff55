import numpy as np
import pytest
import soundfile
from dataflow_tools import dora, faked


def test_say_writes_a_wav(tmp_path):
    flow = faked("say.yml", tmp_path)
    (tmp_path / "say.txt").write_text("One. Two.\n\n你好。\n")
    ran = dora("run", str(flow), folder=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    samples, rate = soundfile.read(tmp_path / "speech.wav")
    assert (rate, len(samples)) == (32000, 9 * 6400)
    assert np.abs(samples).max() == pytest.approx(0.4, abs=0.01)
    assert "1.80 s of speech" in ran.stdout + ran.stderr
