"""Help as most tools print it: `FILE`, `[MOVE]`, `RUN...`, without braces and Python types."""

import re
from typing import Any

from typer.core import TyperCommand

_TYPE = re.compile(r" <[^<>]*>$")


class PlainCommand(TyperCommand):
    """A command whose help has no braces around arguments, and no type beside them."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The parts of the usage line: `{FILE}` is FILE, as what is optional is in brackets."""
        return [re.sub(r"^\{(.*)\}", r"\1", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options, as the base class does."""
        rows: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                name, text = record
                kind = parameter.param_type_name
                rows[kind].append((_TYPE.sub("", name) if kind == "argument" else name, text))
        for kind, title in (("argument", "Arguments"), ("option", "Options")):
            if rows[kind]:
                with formatter.section(title):
                    formatter.write_dl(rows[kind])
