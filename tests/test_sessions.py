"""Many sessions on a device in virtual time: the scheduler over networks that only take their time."""

import pytest

from benchmarks.sessions import HERE, Machine, heard, opened, read_costs
from dora_primespeech_mlx.commands.bench.streams import converse
from dora_primespeech_mlx.speech import AudioChunk
from dora_primespeech_mlx.synthesis.needs import Meeting, Need
from dora_primespeech_mlx.synthesis.scheduler import Scheduler


@pytest.fixture
def machine() -> Machine:
    return Machine(read_costs(HERE / "results" / "capacity.json"))


def test_two_hundred_sessions_hear_their_texts_soon_and_without_a_gap(machine: Machine):
    found = heard(machine, 216, 1)
    assert found["p99"] <= 200
    assert found["no gap"] == 1.0
    calls, rows, _ = machine.spent["codes"]
    assert rows / calls > 12


def test_a_lone_session_hears_as_soon_as_its_own_work_is_done_and_always_the_same(machine: Machine):
    first = heard(machine, 1, 2)
    assert first["p99"] < 30
    assert heard(Machine(machine.costs), 1, 2) == first


def test_texts_beyond_what_is_carried_wait_and_all_are_heard(machine: Machine):
    engine, voice = opened(machine)
    sessions, _ = converse(engine, voice, 24, 1, 0.5, Scheduler(4, machine.clock), machine.wait)
    assert all(len(session.first) == 1 and session.gaps == [0] for session in sessions)
    assert max(session.first[0] for session in sessions) > 5  # the last waited for others to be heard


def test_a_listener_waits_from_the_first_work_for_a_text_to_its_first_audio(machine: Machine):
    engine, voice = opened(machine)

    def spoken(text):
        return engine.speak(text, engine.settle({"language": "en"}, voice), voice)

    def until(units, kind):
        for unit in units:
            if isinstance(unit, Need):
                Meeting([unit]).end()
            if isinstance(unit, kind):
                return

    first, second, silent = spoken("It rains."), spoken("It rains again."), spoken(iter([None, None]))
    assert next(silent) is None
    counts = []
    for units, kind in ((first, Need), (second, Need), (first, AudioChunk), (second, Need)):
        until(units, kind)
        counts.append(len(engine._pace.waiting))
    second.close()
    assert counts == [1, 2, 1, 1] and not engine._pace.waiting


def test_a_warm_up_makes_calls_of_every_number_and_length_of_rows(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    engine, voice = opened(machine)
    render, seen = voice.sovits.vocode_rows, set()

    def rendered(rows):
        seen.update((len(latent), len(rows)) for latent, *_ in rows)
        return render(rows)

    monkeypatch.setattr(voice.sovits, "vocode_rows", rendered)
    engine.warm_up()
    calls, rows, _ = machine.spent["join"]
    assert (calls, rows) == (3 + 1, 1 + 1 + 4 + 16)
    assert seen >= {(length, rows) for length in (96, 160, 224) for rows in (1, 4, 16)}
