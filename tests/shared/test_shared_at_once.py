"""Several programs change people at once, and the server is restarted meanwhile: nothing lost, nothing twice."""

import signal
import time

import numpy as np

PHOTOS = "SELECT name, file FROM recognition.people p JOIN recognition.photos ON person = p.id"
CENTRES = """
SELECT count(*) FROM recognition.centres FULL JOIN (
    SELECT person, count(*) AS photos FROM recognition.photos GROUP BY 1) p USING (person)
WHERE centres.photos IS DISTINCT FROM p.photos
"""


def test_four_programs_and_two_restarts(server, address):
    import shared_gallery_clients as clients

    def restart():
        for how in (signal.SIGINT, signal.SIGQUIT):
            time.sleep(3)
            server.stop(how)
            server.start()

    told = clients.run(address, 4, 9, restart)
    assert [one["wrong"] for one in told] == [[]] * 4
    assert clients.differences(told, server.execute(PHOTOS)) == (0, 0)
    assert server.execute(CENTRES) == [(0,)]  # the means are those of the photos that are there
    for action in ("enrol", "common", "rename", "forget"):
        assert sum(one["done"].get(action, 0) for one in told) > 0


def test_a_lost_and_a_doubled_photo_are_found():
    import shared_gallery_clients as clients

    told = [{"files": {"Ada": ["1.jpg", "2.jpg"]}}, {"files": {"Ben": ["3.jpg"]}}]
    assert clients.differences(told, [("Ada", "1.jpg"), ("Ada", "2.jpg"), ("Ben", "3.jpg")]) == (0, 0)
    assert clients.differences(told, [("Ada", "1.jpg"), ("Ada", "1.jpg"), ("Cleo", "3.jpg")]) == (2, 2)


def test_an_embedding_is_kept_to_the_bit(server, address):
    import shared_gallery_clients as clients

    from recognition.shared.people import SharedPeople

    people, rng = SharedPeople(address, clients.Nobody(), clients.Nobody()), np.random.default_rng(0)
    content, embedding = clients.photo(rng)
    embedding[:3] = 1e-30, -0.0, np.float32(1) / 3
    people.add("Ada", content, embedding)
    assert people.embeddings("Ada").tobytes() == embedding[None].tobytes()
