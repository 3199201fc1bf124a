"""A small document without a fault, for tests that put one in."""

import copy
from pathlib import Path
from typing import Any

import yaml

_DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "bakery", "version": "2025-07"},
    "tags": [{"name": "Bread", "description": "What is baked."}],
    "paths": {
        "/loaves/{id}": {
            "parameters": [
                {
                    "name": "id",
                    "in": "path",
                    "required": True,
                    "description": "Which loaf.",
                    "schema": {"type": "string"},
                    "example": "7",
                }
            ],
            "put": {
                "operationId": "bakeLoaf",
                "summary": "Bake a loaf",
                "description": "Bakes it.",
                "tags": ["Bread"],
                "security": [{"apron": []}],
                "x-rate-limit": {"limit": 10, "window": 60, "key": "user", "name": None},
                "x-changes": None,
                "x-contract": {"section": "Bread", "served": "Bread is baked", "success": None, "refusals": None},
                "parameters": [
                    {
                        "name": "slices",
                        "in": "query",
                        "description": "How many.",
                        "schema": {"type": "integer"},
                        "example": 8,
                    },
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Dough"},
                            "example": {"flour": "rye"},
                        }
                    }
                },
                "responses": {
                    "200": {
                        "description": "Baked.",
                        "headers": {"X-Oven": {"$ref": "#/components/headers/X-Oven"}},
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/Dough"},
                                "examples": {"rye": {"value": {"flour": "rye"}}},
                            }
                        },
                    },
                    **{status: {"$ref": "#/components/responses/No"} for status in ("400", "401", "413", "429")},
                },
            },
        }
    },
    "components": {
        "securitySchemes": {"apron": {"type": "http", "scheme": "bearer", "description": "Who wears one may bake."}},
        "headers": {
            "X-Oven": {"description": "Which oven.", "schema": {"type": "string"}, "example": "left"},
        },
        "responses": {
            "No": {
                "description": "No.",
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Error"},
                        "example": {"message": "No."},
                    }
                },
            }
        },
        "schemas": {
            "Dough": {
                "type": "object",
                "description": "What a loaf is made of.",
                "required": ["flour"],
                "properties": {"flour": {"type": "string", "description": "The flour."}},
            },
            "Error": {
                "type": "object",
                "description": "Why not.",
                "required": ["message"],
                "properties": {"message": {"type": "string", "description": "Why not."}},
            },
        },
    },
}


def document() -> dict[str, Any]:
    """A copy that may be spoilt."""
    return copy.deepcopy(_DOCUMENT)


def write(folder: Path, content: dict[str, Any], name: str = "bakery.yaml") -> Path:
    """Writes a document as YAML and gives its path."""
    path = folder / name
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path
