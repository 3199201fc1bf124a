"""The OpenAPI documents of the three applications, and what is wrong with a message by them."""

from openapi.annotations import ContractPlaces, HandedOut, Quote, RateLimit
from openapi.bundle import SpecError
from openapi.documents import APPS, EDITION, Document, find, load, operations
from openapi.message import UNREAD
from openapi.operation import Operation
from openapi.parts import ResponsePart
from openapi.problems import NotJsonError, Problem
from openapi.security import Scheme

__all__ = [
    "APPS",
    "EDITION",
    "UNREAD",
    "ContractPlaces",
    "Document",
    "HandedOut",
    "NotJsonError",
    "Operation",
    "Problem",
    "Quote",
    "RateLimit",
    "ResponsePart",
    "Scheme",
    "SpecError",
    "find",
    "load",
    "operations",
]
