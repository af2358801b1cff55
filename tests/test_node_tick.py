from node_fakes import start


def test_a_tick_is_answered_with_the_texts_that_are_not_completed():
    running = start(chunks=3, delay=0.2)
    running.node.give("tick", None)
    for number in (7, 8):
        running.node.give("text", "Hello.", segment_id=number)
    running.node.wait("audio")
    running.node.give("tick", None)
    sent = running.finish()
    signs = [message.metadata for message in sent if message.output == "status" and message.value[0].as_py() == "alive"]
    assert signs == [{"pending": 0, "texts": []}, {"pending": 2, "texts": [7, 8]}]
    assert running.node.outcomes() == ["completed", "completed"]
