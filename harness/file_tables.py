"""What the pydantic models of files share: tables, types of fields, and errors in one line.

Imported only when a file is read: importing pydantic takes 0.2 s.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from harness.suggestions import meant

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

Text = Annotated[str, StringConstraints(pattern=r"\S")]
"""Text that is not blank."""

ListOf = Annotated[tuple[T, ...], Field(strict=False)]
"""A list in the file, a tuple in the model."""


@dataclass(frozen=True, slots=True)
class Must:
    """In an annotation: what a field must be, the text of every error of it."""

    text: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(handler(source), "must", custom_error_message=self.text)


class Table(BaseModel):
    """A table of a file. Unknown fields are refused with the closest known name, values are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)
    must_be: ClassVar[str] = "must be a table"
    unknown: ClassVar[str] = "unknown field"

    @model_validator(mode="before")
    @classmethod
    def _check_fields(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise PydanticCustomError("must", cls.must_be)
        known = cls.model_fields
        for name in value:
            if name not in known:
                context = {"field": name, "what": cls.unknown, "hint": meant(name, known)}
                raise PydanticCustomError("field", "{what}; {hint}", context)
        for name, field in known.items():
            if field.is_required() and name not in value:
                must = (each.text for each in field.metadata if isinstance(each, Must))
                raise PydanticCustomError("field", next(must, "missing; it must be text"), {"field": name})
        return value


_WORDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "mapping_type": "must be a table",
    "missing": "missing",
    "string_pattern_mismatch": "must be text",
    "string_type": "must be text",
    "tuple_type": "must be a list",
}


def validated(model: type[M], value: object, error: type[ValueError], words: Mapping[str, str] = _WORDS) -> M:
    """The value as an instance of the model. Raises `error` for the first mistake, its text as of `in_words`."""
    try:
        return model.model_validate(value)
    except ValidationError as failed:
        raise error(in_words(failed, words)) from None


def in_words(failed: ValidationError, words: Mapping[str, str]) -> str:
    """The first error in one line, such as `users[0].name: must be text`.

    `words` are further texts by pydantic's type of error; `{found}` in them is the value as JSON, cut.
    """
    error = failed.errors(include_url=False)[0]
    kind, found, context = error["type"], error["input"], error.get("ctx", {})
    location = [each for each in error["loc"] if each != "[key]"]
    text = {**_WORDS, **words}.get(kind, error["msg"])
    if kind == "field":
        location.append(context["field"])
    elif kind == "value_error":
        text = str(context["error"])
    elif kind in ("literal_error", "enum"):
        known = context["expected"].replace(" or ", ", ").replace("'", "")
        text = f"{found!r} is none of {known}" if isinstance(found, str) else "must be text"
    elif kind == "string_type" and isinstance(location[-1], int):
        location.pop()
        text = "must be a list of texts"
    elif "{found}" in text:
        text = text.format(found=json.dumps(found)[:40])
    path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in location).removeprefix(".")
    return f"{path}: {text}" if path else text
