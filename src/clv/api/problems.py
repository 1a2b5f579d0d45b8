"""Errors as RFC 9457 problems, titled in English or Spanish; one table from error to status."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from clv import errors
from clv.speech import LANGUAGES, Language, Speech

MEDIA_TYPE = "application/problem+json"
FIELDS_SHOWN = 10


class Kind(NamedTuple):
    """A kind of problem: its ``type`` is ``/problems/<name>``, its title a text of that name."""

    name: str
    status: int


INVALID = Kind("invalid-request", 422)
NOT_JSON = Kind("unsupported-media-type", 415)
INTERNAL = Kind("internal", 500)
OURS = {
    errors.CustomerNotFound: Kind("customer-not-found", 404),
    errors.HorizonOutOfRange: Kind("horizon-out-of-range", 422),
    errors.QuestionUnanswerable: Kind("question-unanswerable", 422),
    errors.StoreError: Kind("not-ready", 503),
    errors.ClvError: INTERNAL,
}
HTTP = {
    400: Kind("malformed", 400),
    404: Kind("not-found", 404),
    405: Kind("method-not-allowed", 405),
}


def kind_of(error: errors.ClvError) -> Kind:
    """That of the nearest kind of error that has one."""
    return next(OURS[kind] for kind in type(error).__mro__ if kind in OURS)


def language(request: Request) -> Language:
    """`es` where the caller prefers Spanish to English, else `en`."""
    wanted: list[tuple[float, Language]] = []
    for part in request.headers.get("accept-language", "").lower().replace(" ", "").split(","):
        tag, _, weight = part.partition(";q=")
        wanted += [(_weight(weight), code) for code in LANGUAGES if code == tag[:2]]
    # Of those wanted equally, max takes the first.
    most, best = max(wanted, key=lambda pair: pair[0], default=(0.0, "en"))
    return best if most else "en"


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def described(
    kind: Kind, spoken: Language, detail: str, *, fields: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """The members of a problem."""
    members = {
        "type": f"/problems/{kind.name}",
        "title": Speech(spoken)(f"problem_{kind.name}"),
        "status": kind.status,
        "detail": detail,
    }
    return members | ({"errors": list(fields)} if fields else {})


def described_error(error: errors.ClvError, spoken: Language) -> dict[str, Any]:
    is_of_a_field = isinstance(error, errors.QuestionUnanswerable)
    fields = [{"field": error.about, "detail": error.problem}] if is_of_a_field else []
    return described(kind_of(error), spoken, str(error), fields=fields)


def _response(
    request: Request, members: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    # Escaped, because what is told may hold text of the caller that no encoding can write.
    return Response(
        json.dumps(members),
        members["status"],
        headers={"Content-Language": language(request), **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def of_ours(request: Request, error: Exception) -> Response:
    """One of our own errors."""
    assert isinstance(error, errors.ClvError)
    return _response(request, described_error(error, language(request)))


def of_validation(request: Request, error: Exception) -> Response:
    """A body or parameter of another form: how many fields, and the first of them by name."""
    assert isinstance(error, RequestValidationError)
    if isinstance(error.body, bytes):  # the framework reads only what says that it is JSON
        detail = "The body is not said to be JSON. Send the header Content-Type: application/json."
        return _response(request, described(NOT_JSON, language(request), detail))
    found = error.errors()
    fields = [
        {"field": _field(one["loc"]), "detail": one["msg"].removeprefix("Value error, ")}
        for one in found[:FIELDS_SHOWN]
    ]
    many = "1 field is" if len(found) == 1 else f"{len(found):,} fields are"
    detail = f"{many} not as expected; first: {fields[0]['field']}: {fields[0]['detail']}."
    return _response(request, described(INVALID, language(request), detail, fields=fields))


def _field(location: Sequence[int | str]) -> str:
    """Where in the request: `summaries.0.recency`, without the kind of question put before."""
    parts = [str(part) for part in location]
    return ".".join(parts[2:] or ["body"]) if parts[0] == "body" else ".".join(parts)


def of_http(request: Request, error: Exception) -> Response:
    """What the router refuses; its headers, such as `Allow`, are kept."""
    assert isinstance(error, HTTPException)
    kind = HTTP.get(error.status_code, INVALID._replace(status=error.status_code))
    members = described(kind, language(request), error.detail)
    return _response(request, members, error.headers)


def of_anything(request: Request, error: Exception) -> Response:
    """What nobody foresaw; the server's log has it, the caller learns nothing of our inside."""
    detail = "It was written to the log of the server. Try again, or report it."
    return _response(request, described(INTERNAL, language(request), detail))
