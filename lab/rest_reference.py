"""docs/rest.md from the OpenAPI description that a daemon serves: `make docs` writes it, a test compares it."""

import inspect
import json
from typing import Any

from holdfast import client

_ABOUT = """\
# REST

Generated from `/openapi.json`: change the routes, then `make docs`.

The face is at `/v1` on the unix socket `/run/holdfast/holdfast.sock` (root, and the configured group), and over TLS
with `Authorization: Bearer TOKEN` where `listen.tcp` is configured.

```console
# curl --unix-socket /run/holdfast/holdfast.sock http://localhost/v1/status
# curl --unix-socket /run/holdfast/holdfast.sock 'http://localhost/v1/pools?state=ready'
```

* **Changes** are durable operations. The answer is `202` with the operation and its `Location`, as soon as the request
  is durable; with `?wait=SECONDS` it is `200` with the ended operation, whatever its outcome, or `202` if it waits (a
  parked one at once).
* **`Idempotency-Key`**, up to 255 signs: the same request under the same key is done once, for seven days. Another
  request under it is `422`.
* **`ETag` and `If-Match`**: pools and volumes have one; a change with a stale one is `412`, also if it became stale
  while the request queued.
* **Problems** are RFC 9457: `code` names the class (see [operating](operating.md#errors)), `detail` says what happened,
  `hint` what to do next.
* **Lists** are `{"items": […], "next": CURSOR}`; `?cursor=` goes on. `?state=` and `?label=NAME` or
  `?label=NAME=VALUE` narrow them.
* **Roles**: a viewer reads; an operator changes volumes, mounts and operations; an admin also pools, tokens and the
  daemon itself.
* **Sizes** are bytes (written as a number, or as text with a unit: 1GB is 10⁹ bytes, 1GiB is 2³⁰), **times** are
  seconds since the epoch.
"""


_CLIENTS = """\
`holdfast.client.Client` has a method for every route, over the unix socket or TLS; `holdfast.client.aio.AsyncClient`
has the same methods for asyncio, for any number of tasks at once.
"""
_MORE = """\
* **Waiting**: a change waits 60 s for its end (`wait=SECONDS`; `wait=None` not at all). `client.wait(ID, SECONDS)`
  waits as long as it takes, and with `patience` over a restart of the daemon too. The daemon tells the end; nobody asks
  again and again.
* **Events**: `client.events()` begins with `ready`; `client.events(LAST)` goes on after the event with that `id`, also
  over a restart. After `reset` that event is not known any more: list anew. The stream ends when the daemon stops, and
  raises `Unavailable` when it breaks.
* **Errors** are the classes of `holdfast.model.errors`, by the problem's `code`. `Unavailable` is also what is raised
  when no daemon answers, or something else does: another server's 404 says nothing of a volume.
"""


def reference(openapi: dict[str, Any]) -> str:
    """The whole document."""
    parts = [_ABOUT]
    for tag in openapi["tags"]:
        parts.append(f"## {tag['name'].capitalize()}\n\n{tag['description']}\n")
        for path, item in openapi["paths"].items():
            for method, operation in item.items():
                if isinstance(operation, dict) and tag["name"] in operation.get("tags", ()):
                    parts.append(_operation(method, path, operation))
    parts += [_python(), "## Bodies and answers\n"]
    for name, schema in sorted(openapi["components"]["schemas"].items()):
        if "properties" in schema:
            parts.append(_schema(name, schema))
    return "\n".join(parts)


def _python() -> str:
    """The package's own words, whose examples a test runs."""
    _, _, said = inspect.cleandoc(client.__doc__ or "").partition("\n\n")
    return f"## Using it from Python\n\n{_CLIENTS}\n{said}\n\n{_MORE}"


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    lines = [f"### `{method.upper()} {path}`", "", operation.get("description") or operation["summary"], ""]
    rows = [
        f"| `{p['name']}` | {p['in']} | {_type(p['schema'])} | {_one_line(p['description'])} |"
        for p in operation.get("parameters", ())
    ]
    if rows:
        lines += ["| parameter | in | type | what it is |", "| --- | --- | --- | --- |", *rows, ""]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        lines += [f"Body: {_type(body['schema'])}.", ""]
        for example in body.get("examples", {}).values():
            said = json.dumps(example["value"], ensure_ascii=False)
            lines += [f"{example.get('summary', 'Example')}:", "", f"```json\n{said}\n```", ""]
    answers, refusals = [], []
    for status, answer in sorted(operation["responses"].items()):
        content: dict[str, Any] = next(iter(answer.get("content", {}).values()), {})
        kind = _type(content["schema"]) if content.get("schema") else ""
        if "problemview" in kind:
            refusals.append(f"`{status}`")
        else:
            answers.append(f"`{status}` {kind}".strip())
    lines += [f"Answers: {', '.join(answers)}. Problems: {', '.join(refusals)}.", ""]
    return "\n".join(lines)


def _schema(name: str, schema: dict[str, Any]) -> str:
    needed = set(schema.get("required", ()))
    about = _one_line(schema.get("description", ""))
    lines = [f"### {name}", "", about, "", "| field | type | needed |", "| --- | --- | --- |"]
    for field, kind in schema["properties"].items():
        lines.append(f"| `{field}` | {_type(kind)} | {'yes' if field in needed else ''} |")
    return "\n".join([*lines, ""])


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return " or ".join(dict.fromkeys(_type(each) for each in schema[word]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(kind)
