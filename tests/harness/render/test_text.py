import pytest

from harness.render.text import in_encoding, one_line, prose, visible


@pytest.mark.parametrize(
    ("hidden", "written"),
    [
        ("\x1b[31m", "⟨U+001B⟩[31m"),
        ("\x00", "⟨U+0000⟩"),
        ("\r\n", "⟨U+000D⟩\n"),
        ("\x9b2J", "⟨U+009B⟩2J"),
        ("\u202egnp", "⟨U+202E⟩gnp"),
        ("\u2066", "⟨U+2066⟩"),
        ("\u200b", "⟨U+200B⟩"),
        ("\ufeff", "⟨U+FEFF⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("\uffff", "⟨U+FFFF⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
    ],
)
def test_a_character_that_hides_or_controls_is_written_out(hidden: str, written: str) -> None:
    assert visible(f"a{hidden}b") == f"a{written}b"


@pytest.mark.parametrize("text", ["", "plain", "Zoë Müller", "日本語", "שלום", "👩‍👩‍👧 ❤️", "two\nlines\tand a tab"])
def test_text_that_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_line_feed_cannot_begin_a_second_line_where_there_is_room_for_one() -> None:
    assert one_line("webhook\nHELD everything\t") == "webhook⟨U+000A⟩HELD everything⟨U+0009⟩"


def test_white_space_in_a_sentence_is_one_space() -> None:
    assert prose("  a docstring\n    over two lines ") == "a docstring over two lines"


def test_what_an_encoding_lacks_becomes_an_escape() -> None:
    assert in_encoding("✓ held", "ascii") == "\\u2713 held"
