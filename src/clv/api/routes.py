"""The routes: each asks the service and puts the answer into a message."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic_core import to_json

from clv.api import problems
from clv.api.messages import Answers, Ask, Message, Prediction
from clv.service import Answer, Service
from clv.speech import Language

router = APIRouter()


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    schema = {"$ref": "#/components/schemas/Problem"}
    said = {"description": "A problem.", "content": {problems.MEDIA_TYPE: {"schema": schema}}}
    return dict.fromkeys(statuses, said)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service.current()
    return service


Asked = Annotated[Service, Depends(_service)]
Spoken = Annotated[Language, Depends(problems.language)]


def _no_parameters(_: Annotated[Message, Query()]) -> None:
    """A query parameter would change nothing, unnoticed: any is refused."""


STRICT = [Depends(_no_parameters)]


@router.post(
    "/predict_clv",
    response_model=Answers,
    responses=_problems(400, 415, 422, 503),
    dependencies=STRICT,
)
def predict_clv(ask: Annotated[Ask, Body()], service: Asked, language: Spoken) -> Response:
    """CLV of each customer asked about.

    Of those the shop knows (`customer_ids`), or of any others by their orders
    (`transactions`) or by their counts and times (`summaries`).
    """
    return _json(
        {
            "results": [_result(answer, language) for answer in ask.put_to(service)],
            "as_of": ask.as_of or service.as_of,
            "model": {"name": service.model.name, "version": service.terms.model_version},
            "simulated": service.terms.simulated,
        }
    )


@router.get(
    "/v1/customers/{customer_id}",
    response_model=Prediction,
    responses=_problems(404, 422, 503),
    dependencies=STRICT,
)
def customer(customer_id: str, service: Asked, language: Spoken) -> Response:
    """The row of one customer in the CLV table."""
    answer = service.customers([customer_id])[0]
    if answer.error is not None:
        raise answer.error
    return _json(_result(answer, language))


@router.get("/livez")
def livez() -> dict[str, str]:
    """Whether the process is there."""
    return {"status": "alive"}


@router.get("/readyz", responses=_problems(503))
def readyz(service: Asked) -> dict[str, str]:
    """Whether a model answers, and which."""
    return {"status": "ready", "model": service.terms.model_version}


def _result(answer: Answer, language: Language) -> dict[str, Any]:
    if answer.error is not None:
        error = problems.described_error(answer.error, language)
        return {"customer_id": answer.customer_id, "error": error}
    assert answer.row is not None
    scored_at = answer.row["scored_at"].replace(tzinfo=dt.UTC)
    return answer.row | {"source": answer.source, "scored_at": scored_at}


def _json(content: dict[str, Any]) -> Response:
    # Rows come checked from the CLV table; to check each again would cost as much as to make it.
    return Response(to_json(content), media_type="application/json")
