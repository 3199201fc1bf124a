"""Statistics of tokens and of durations: honest samples are not accused, dishonest ones are."""

import base64
import math
import random
import re
import string
import uuid
from collections.abc import Callable

import pytest

from contracts.session_token.randomness import sample_statistics
from contracts.session_token.rules_minting import SAMPLE
from contracts.shared_secret.rules_timing import STORY
from contracts.timing import compare, differences, median_bounds, smallest_shown
from harness.verdict import Held, Inconclusive, Verdict, Violated
from tests.contracts.histories import answer, history, observed, verdict

Mint = Callable[[random.Random], str]
_SEEDS = 60
_SAMPLE = 48


def _bytes(chance: random.Random, count: int = 32) -> bytes:
    return chance.randbytes(count)


def _chosen(symbols: str, count: int) -> Mint:
    return lambda chance: "".join(chance.choices(symbols, k=count))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _jwt(chance: random.Random) -> str:
    claims = _base64(b'{"sub":"1","iat":1753453800,"jti":"%d"}' % chance.randrange(10, 100))
    return f"eyJhbGciOiJIUzI1NiJ9.{claims}.{_base64(_bytes(chance))}"


HONEST: dict[str, Mint] = {
    "base64url": lambda chance: _base64(_bytes(chance)),
    "padded base64url": lambda chance: base64.urlsafe_b64encode(_bytes(chance)).decode(),
    "hex": lambda chance: _bytes(chance).hex(),
    "HEX": lambda chance: _bytes(chance).hex().upper(),
    "64 bytes in hex": lambda chance: _bytes(chance, 64).hex(),
    "base32": lambda chance: base64.b32encode(_bytes(chance)).decode().rstrip("="),
    "small base32": lambda chance: base64.b32encode(_bytes(chance)).decode().rstrip("=").lower(),
    "base32hex": lambda chance: base64.b32hexencode(_bytes(chance)).decode().rstrip("="),
    "Crockford": _chosen("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 52),
    "letters and digits": _chosen(string.ascii_letters + string.digits, 43),
    "small letters and digits": _chosen(string.ascii_lowercase + string.digits, 50),
    "base58": _chosen("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 44),
    "letters": _chosen(string.ascii_lowercase, 56),
    "digits": _chosen(string.digits, 78),
    "two UUIDs": lambda chance: "".join(uuid.UUID(bytes=_bytes(chance, 16), version=4).hex for _ in range(2)),
    "a prefix": lambda chance: f"cross_app_session_{_bytes(chance).hex()}",
    "a numbered prefix": lambda chance: f"{chance.randrange(1000, 10_000)}|{_base64(_bytes(chance))}",
    "JWT": _jwt,
    "the generator of this language": lambda chance: _base64(_bytes(chance, 24)),
}


def _judged(tokens: list[str]) -> Verdict:
    step = f"{SAMPLE}/sample"
    statistics = sample_statistics(tokens)
    return verdict(
        "session_token.tokens_look_random",
        history(answer(step, 200), observed(f"{SAMPLE}/sample statistics", **statistics, exchanges=[1])),
    )


@pytest.mark.parametrize("mint", HONEST.values(), ids=HONEST.keys())
def test_honest_tokens_are_not_accused_in_whatever_alphabet(mint: Mint) -> None:
    for seed in range(_SEEDS):
        chance = random.Random(seed)
        found = _judged([mint(chance) for _ in range(_SAMPLE)])
        assert isinstance(found, Held), (seed, found)


def _counting(width: int) -> list[str]:
    return [f"{number:0{width}x}" for number in range(1_000_000, 1_000_000 + _SAMPLE)]


def _biased(chance: random.Random) -> str:
    return _base64(bytes(chance.getrandbits(8) & chance.getrandbits(8) for _ in range(32)))


def _repeating_bits(chance: random.Random) -> str:
    return "".join(chance.choice(["33", "cc", "3c", "c3", "30", "c0", "0c", "fc"]) for _ in range(32))


DISHONEST: dict[str, list[str]] = {
    "counting": _counting(64),
    "counting by large steps": [f"{number * 0x9E3779B97F4A7C15:064x}" for number in range(1, _SAMPLE + 1)],
    "the time and a counter": [f"{1753453800000 + 37 * n:x}{n:052x}" for n in range(_SAMPLE)],
    "few bytes": [random.Random(n).randbytes(8).hex().zfill(64) for n in range(_SAMPLE)],
    "more zeros than ones": [_biased(random.Random(n)) for n in range(_SAMPLE)],
    "long runs": [_repeating_bits(random.Random(n)) for n in range(_SAMPLE)],
    "the same beginning in two": [*(random.Random(n).randbytes(32).hex() for n in range(_SAMPLE - 1)),
                                  random.Random(0).randbytes(32).hex()[:20] + random.Random(99).randbytes(22).hex()],
}  # fmt: skip


@pytest.mark.parametrize("tokens", DISHONEST.values(), ids=DISHONEST.keys())
def test_tokens_that_are_not_random_are_accused(tokens: list[str]) -> None:
    found = _judged(tokens)
    assert isinstance(found, Violated), found
    assert "48 tokens" in found.observed


@pytest.mark.parametrize(
    "tokens", [[], ["a" * 43], ["a" * 43] * 48, [f"{n}" * (40 + n) for n in range(10)], [f"{n:064x}" for n in range(7)]]
)
def test_a_sample_that_says_nothing_accuses_nobody(tokens: list[str]) -> None:
    assert isinstance(_judged(tokens), Inconclusive)


def test_repeats_are_counted_and_accused() -> None:
    tokens = [random.Random(number % 40).randbytes(32).hex() for number in range(_SAMPLE)]
    statistics = sample_statistics(tokens)
    assert (statistics["count"], statistics["repeats"], statistics["shortest"]) == (48, 8, 64)
    step = f"{SAMPLE}/sample statistics"
    for repeats, expected in ((8, Violated), (0, Held)):
        seen = history(
            answer(f"{SAMPLE}/sample", 200), observed(step, **{**statistics, "repeats": repeats}, exchanges=[1])
        )
        assert isinstance(verdict("session_token.tokens_never_repeat", seen), expected)


def test_what_never_changes_in_a_token_is_left_out_of_the_count_of_its_bits() -> None:
    plain = sample_statistics([random.Random(n).randbytes(32).hex() for n in range(_SAMPLE)])
    prefixed = sample_statistics([f"sess-{random.Random(n).randbytes(32).hex()}" for n in range(_SAMPLE)])
    assert (plain["bits"], prefixed["bits"]) == (256, 256)
    assert (plain["monobit"], plain["runs"]) == (prefixed["monobit"], prefixed["runs"])


# Durations


def _noise(chance: random.Random, count: int, shift: float = 0.0) -> list[float]:
    """Durations of about a millisecond with noise of 60 µs, and now and then a hiccup."""
    return [
        max(chance.gauss(0.001, 0.00006), 0.0002) + shift + (0.02 if chance.random() < 0.02 else 0.0)
        for _ in range(count)
    ]


def _timed(chance: random.Random, shift: float, *, control: float = 0.0, pairs: int = 150) -> Verdict:
    far = _noise(chance, pairs)
    values = {
        "pairs": pairs,
        "all_refused": True,
        "exchange": 1,
        "probe": compare(near := _noise(chance, pairs, shift), far),
        "control": compare(equal := _noise(chance, pairs, control), far),
        "differences": {"probe": differences(near, far), "control": differences(equal, far)},
    }
    seen = history(answer(f"{STORY}/guess/far", 401), observed(f"{STORY}/comparison", **values))
    return verdict("shared_secret.no_timing_leak_is_seen", seen)


def test_a_difference_of_100_microseconds_is_found_in_noise() -> None:
    found = [_timed(random.Random(seed), 0.0001) for seed in range(40)]
    assert sum(isinstance(each, Violated) for each in found) >= 38
    assert all(isinstance(_timed(random.Random(seed), 0.0003), Violated) for seed in range(20))


def test_equal_durations_are_never_accused() -> None:
    for seed in range(400):
        chance = random.Random(seed)
        for pairs in (60, 150):
            assert abs(compare(_noise(chance, pairs), _noise(chance, pairs))["z"]) < 5.5
    assert all(isinstance(_timed(random.Random(seed), 0.0), Held) for seed in range(30))


def test_no_difference_is_said_of_none_that_is_there() -> None:
    """Of whatever size a leak is: what is held says that nothing above a size was there, and it is below that size."""
    for seed in range(40):
        size = seed * 5e-6
        found = _timed(random.Random(seed), size)
        if isinstance(found, Held):
            told = re.search(r"no difference above (\d+) µs", found.note)
            assert told
            assert int(told[1]) >= size * 1e6 - 1, found.note


def test_a_refusal_that_is_quicker_or_later_by_next_to_nothing_is_not_accused() -> None:
    for seed in range(20):
        assert isinstance(_timed(random.Random(seed), -0.0003), Held)
        assert isinstance(_timed(random.Random(seed), 0.000005), Held)


def test_a_machine_on_which_equal_requests_differ_decides_nothing() -> None:
    assert isinstance(_timed(random.Random(1), 0.0005, control=0.0005), Inconclusive)


def test_the_smallest_difference_that_is_shown_shrinks_with_the_sample() -> None:
    def smallest(count: int) -> float:
        return compare(_noise(random.Random(1), count), _noise(random.Random(2), count))["smallest"]

    assert 0 < smallest(2_000) < smallest(150) < smallest(30) < 500


def test_what_the_positive_control_says_would_be_seen_is_seen() -> None:
    """A leak of that size, and 30 µs more, is called one; the bounds of a leak hold its size."""
    for seed in range(20):
        chance = random.Random(seed)
        far, equal = _noise(chance, 300), _noise(chance, 300)
        size = smallest_shown(differences(equal, far), 5.5)
        assert 0 < size < 200
        slower = [each + (size + 30) / 1e6 for each in _noise(chance, 300)]
        assert compare(slower, far)["z"] > 5.5
        low, high = median_bounds(differences(slower, far))
        assert low < size + 30 < high
    assert smallest_shown([1.0] * 30, 5.5) == math.inf
    assert smallest_shown([], 5.5) == math.inf


def test_a_leak_is_told_with_its_size_and_no_leak_with_what_would_be_seen() -> None:
    leak = _timed(random.Random(1), 0.0003)
    assert isinstance(leak, Violated)
    assert "a leak of 2" in leak.observed
    none = _timed(random.Random(1), 0.0)
    assert isinstance(none, Held)
    assert "no difference above" in none.note
    assert "which the measurement would show" in none.note


@pytest.mark.parametrize("count", [0, 1, 19])
def test_too_few_pairs_decide_nothing(count: int) -> None:
    assert compare([2.0] * count, [1.0] * count) == {"z": 0.0, "microseconds": 0.0, "smallest": math.inf}


def test_pairs_that_are_equal_do_not_count_and_the_median_is_in_microseconds() -> None:
    assert compare([1.0] * 50, [1.0] * 50)["smallest"] == math.inf
    found = compare([1.000_1] * 25 + [1.0] * 25, [1.0] * 50)
    assert found["z"] == pytest.approx(5.0)
    assert found["microseconds"] == pytest.approx(100.0)
    with pytest.raises(ValueError, match="zip"):
        compare([1.0], [])
