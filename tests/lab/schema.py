"""Answers of the API held to the schemas of docs/openapi.json."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from jsonschema import Draft202012Validator

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def document() -> dict:
    return json.loads(DOCUMENT.read_text())


def strict(document: dict) -> dict:
    """The document with every object closed: clients ignore what they don't know, but we describe what we send."""
    closed = copy.deepcopy(document)

    def close(part) -> None:
        if isinstance(part, dict):
            if part.get("type") == "object" and "properties" in part:
                part.setdefault("additionalProperties", False)
            for inner in part.values():
                close(inner)
        elif isinstance(part, list):
            for inner in part:
                close(inner)

    close(closed["paths"])
    close(closed["components"])
    return closed


class Schemas:
    def __init__(self) -> None:
        self.document = strict(document())

    def gets(self) -> list[str]:
        return [path for path, operations in self.document["paths"].items() if "get" in operations]

    def trouble(self, method: str, path: str, status: int, content_type: str, value) -> list[str]:
        """What is wrong with an answer, by the document: nothing, if all is well."""
        responses = self.document["paths"][path][method]["responses"]
        if str(status) not in responses:
            return [f"{method} {path}: {status} is not described; described are {sorted(responses)}"]
        response = responses[str(status)]
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        kind = content_type.split(";")[0]
        if kind not in response["content"]:
            return [f"{method} {path}: {kind} is not described; described are {sorted(response['content'])}"]
        return [f"{method} {path}: {trouble}" for trouble in self._trouble(response["content"][kind]["schema"], value)]

    def trouble_with(self, name: str, value) -> list[str]:
        """The same of what is described by a schema of that name."""
        return self._trouble({"$ref": f"#/components/schemas/{name}"}, value)

    def _trouble(self, schema: dict, value) -> list[str]:
        whole = {**schema, "components": self.document["components"]}
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
                for error in Draft202012Validator(whole).iter_errors(value)]
