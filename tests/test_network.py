"""The fleet on two machines with a network between them that delays, loses and fails. See tests/machines.py."""

import time

import pytest
from dataflow_tools import Fleet, all_was_heard, fleet_flow, rows
from machines import ADDRESSES, Link, Machine, Quality, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

BAD = Quality(delay=0.02, jitter=0.005, loss=0.005, multicast=False)


@pytest.fixture
def machines():
    made = {name: Machine(address) for name, address in zip(("first", "second"), ADDRESSES, strict=True)}
    yield made
    for machine in made.values():
        machine.end()


def speaking(folder, flow) -> float:
    """Waits for the first audio of a dataflow; when it came, in seconds of the monotonic clock."""
    heard = folder / "heard.jsonl"
    while not (heard.exists() and any(row["id"] == "audio" for row in rows(heard))):
        assert flow.poll() is None, "the dataflow ended before it spoke"
        time.sleep(0.05)
    return time.monotonic()


def speak(folder, machines, texts, cut, until_end, **share) -> tuple[list[str], float]:
    """Runs the fleet and cuts the link for `cut` seconds (None: for ever) while it speaks.

    Returns what `share` had to say, and the seconds from the first audio to the end of the dataflow.
    """
    with Link(machines["first"], machines["second"], BAD) as link, Fleet(folder, machines) as fleet:
        flow = fleet.run(fleet_flow(folder, texts, 0.5, **share))
        began = speaking(folder, flow)
        link.cut()
        if cut is not None:
            time.sleep(cut)
            link.mend()
        assert flow.wait(until_end) == 0
        return all_was_heard(folder, texts), time.monotonic() - began


def test_a_short_cut_loses_nothing_and_the_machine_is_used_again(tmp_path, machines):
    said, _ = speak(tmp_path, machines, 24, 2.5, 60.0, MISSING_AFTER="1")
    assert said[0].startswith("second has been silent for 1 s; ")
    assert said[1:] == ["second is back"]


@pytest.mark.soak
@pytest.mark.parametrize(("cut", "texts"), [(5, 60), (14, 60), (14, 120), (60, 60), (60, 400), (None, 60), (None, 16)])
def test_no_cut_loses_a_text_or_says_one_twice(tmp_path, machines, record_property, cut, texts):
    said, seconds = speak(tmp_path, machines, texts, cut, 400.0)
    report = f"{texts} texts, cut of {cut} s: all heard once; {'; '.join(said)}; ended {seconds:.0f} s after the cut"
    print(report)
    record_property("cut", report)
    assert said


@pytest.mark.soak
def test_a_machine_that_is_switched_off_and_on_speaks_again(tmp_path, machines):
    off = Link(machines["first"], machines["second"], BAD)
    with off, Fleet(tmp_path, machines) as fleet:
        flow = fleet.run(fleet_flow(tmp_path, 160, 0.5))
        speaking(tmp_path, flow)
        off.end()
        machines["second"].end()
        time.sleep(8.0)
        machines["second"] = Machine(ADDRESSES[1])
        with Link(machines["first"], machines["second"], BAD):
            fleet.start("second")
            assert flow.wait(200.0) == 0
        said = all_was_heard(tmp_path, 160)
    assert said[0].startswith("second ")
    assert said[-1] == "second is back"
