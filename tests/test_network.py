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


@pytest.fixture
def link(machines):
    made = Link(machines["first"], machines["second"], BAD)
    yield made
    made.close()


def speak(folder, machines, link, texts, cut, until_end, **share) -> tuple[list[str], float]:
    """Runs the fleet and cuts the link for `cut` seconds (None: for ever) while it speaks.

    Returns what `share` had to say, and the seconds from the first audio to the end of the dataflow.
    """
    heard = folder / "heard.jsonl"
    with Fleet(folder, machines) as fleet:
        flow = fleet.run(fleet_flow(folder, texts, 0.5, **share))
        while not (heard.exists() and any(row["id"] == "audio" for row in rows(heard))):
            assert flow.poll() is None, "the dataflow ended before it spoke"
            time.sleep(0.05)
        began = time.monotonic()
        link.cut()
        if cut is not None:
            time.sleep(cut)
            link.mend()
        assert flow.wait(until_end) == 0
        return all_was_heard(folder, texts), time.monotonic() - began


def test_a_short_cut_loses_nothing_and_the_machine_is_used_again(tmp_path, machines, link):
    said, _ = speak(tmp_path, machines, link, 24, 2.5, 60.0, MISSING_AFTER="1")
    assert said[0].startswith("second has been silent for 1 s; ")
    assert said[1:] == ["second is back"]


@pytest.mark.soak
@pytest.mark.parametrize(("cut", "texts"), [(5, 60), (14, 60), (14, 120), (60, 60), (60, 400), (None, 60), (None, 16)])
def test_no_cut_loses_a_text_or_says_one_twice(tmp_path, machines, link, record_property, cut, texts):
    said, seconds = speak(tmp_path, machines, link, texts, cut, 400.0)
    report = f"{texts} texts, cut of {cut} s: all heard once; {'; '.join(said)}; ended {seconds:.0f} s after the cut"
    print(report)
    record_property("cut", report)
    assert said
