"""Pages of simulated applications, from jinja2 templates."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from simulators.kit.messages import Response

if TYPE_CHECKING:
    from jinja2 import Environment


class Templates:
    """The templates in the folder `templates` of a package. Values are escaped; one that is missing is an error.

    `shared` are values that every template has.
    """

    def __init__(self, package: str, **shared: object) -> None:
        self._package = package
        self._shared = shared

    @cached_property
    def environment(self) -> "Environment":
        """jinja2, imported for the first page: it would take a quarter of a start."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        made = Environment(
            loader=PackageLoader(self._package),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.globals.update(self._shared)
        return made

    def render(self, name: str, **values: object) -> str:
        """A template, by the name of its file without .html, with its values."""
        return self.fill(name, values)

    def fill(self, name: str, values: Mapping[str, object]) -> str:
        """As `render`."""
        return self.environment.get_template(f"{name}.html").render(values)


def html_response(page: str, status: int = 200) -> Response:
    """A page as an answer."""
    return Response(status, page.encode("utf-8", "replace"), [(b"content-type", b"text/html; charset=utf-8")])
