"""The OpenAPI documents of the three applications, and what is wrong with a message by them."""

from openapi.bundle import SpecError
from openapi.documents import APPS, EDITION, Document, find, load
from openapi.operation import UNREAD, Operation, RateLimit
from openapi.problems import NotJsonError, Problem
from openapi.security import Scheme

__all__ = [
    "APPS",
    "EDITION",
    "UNREAD",
    "Document",
    "NotJsonError",
    "Operation",
    "Problem",
    "RateLimit",
    "Scheme",
    "SpecError",
    "find",
    "load",
]
