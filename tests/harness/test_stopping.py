"""How a command's work runs, and what it leaves."""

from harness.stopping import run


class _Long:
    """A result whose text takes long to form, as that of a whole record does."""

    formed = 0

    def __repr__(self) -> str:
        self.formed += 1
        return ""


def test_the_result_is_handed_over_and_not_written_out() -> None:
    result = _Long()

    async def work() -> _Long:
        return result

    found = run(work())
    assert result.formed == 0
    assert found is result
