"""How a simulator says no."""

from collections.abc import Sequence


class Refusal(Exception):  # noqa: N818  # an answer, not a failure
    """An answer other than success. The application's error shape turns it into a body.

    `status` is the HTTP status, `code` the machine-readable word (VALIDATION_ERROR, UNAUTHORIZED, ...), `details`
    a JSON value for developers without any secret in it, `headers` are added to the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: object = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = tuple(headers)


class StartError(ValueError):
    """A simulator cannot start; the text is one line that names the setting and the remedy."""
