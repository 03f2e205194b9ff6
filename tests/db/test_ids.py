import time
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

from db.ids import id_from_text, id_to_text, new_id, write_as


def test_ids_grow_and_fit_in_a_signed_64_bit_integer() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert 0 < ids[-1] < 2**63


def test_an_id_carries_its_time() -> None:
    now_ms = time.time() * 1000
    assert abs((new_id() >> 20) - now_ms) < 5_000


def test_ids_grow_even_when_the_clock_is_set_back() -> None:
    before = new_id()
    with mock.patch("time.time_ns", return_value=time.time_ns() - 3_600 * 10**9):
        assert new_id() > before


def test_threads_never_share_an_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [new_id() for _ in range(2_000)], range(8)))
    assert len({one for batch in batches for one in batch}) == 16_000


def test_an_id_is_shown_in_hexadecimal_and_read_back() -> None:
    assert id_to_text(255) == "00000000000000ff"
    assert id_from_text(id_to_text(2**62 + 7)) == 2**62 + 7


def test_two_writers_of_a_ledger_never_share_an_id_even_in_the_same_millisecond() -> None:
    made = []
    with mock.patch("time.time_ns", return_value=time.time_ns() + 10**12):
        for writer in (1, 2, 255, 256):
            write_as(writer)
            made += [(new_id() & 255, writer % 256) for _ in range(100)]
    assert all(low == writer for low, writer in made)
    write_as(0)
