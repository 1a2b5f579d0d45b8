"""The routes: each asks the service and puts the answer into a message."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request

from clv.api import problems
from clv.api.messages import PROBLEM, Answers, Ask, Model, Prediction
from clv.service import Answer, Service

router = APIRouter()


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {problems.MEDIA_TYPE: {"schema": PROBLEM}}
    return {status: {"description": "A problem.", "content": content} for status in statuses}


def _service(request: Request) -> Service:
    service: Service = request.app.state.service.current()
    return service


Asked = Annotated[Service, Depends(_service)]
Language = Annotated[str, Depends(problems.language)]


@router.post("/predict_clv", responses=_problems(400, 422, 503))
def predict_clv(ask: Annotated[Ask, Body()], service: Asked, language: Language) -> Answers:
    """CLV of each customer asked about.

    Of those the shop knows (`customer_ids`), or of any others by their orders
    (`transactions`) or by their counts and times (`summaries`).
    """
    answers = ask.put_to(service)
    return Answers(
        results=[_result(answer, language) for answer in answers],
        as_of=ask.as_of or service.as_of,
        model=Model(name=service.model.name, version=service.terms.model_version),
        simulated=service.terms.simulated,
    )


@router.get("/v1/customers/{customer_id}", responses=_problems(404, 422, 503))
def customer(customer_id: str, service: Asked, language: Language) -> Prediction:
    """The row of one customer in the CLV table."""
    answer = service.customers([customer_id])[0]
    if answer.error is not None:
        raise answer.error
    return _result(answer, language)


@router.get("/livez")
def livez() -> dict[str, str]:
    """Whether the process is there."""
    return {"status": "alive"}


@router.get("/readyz", responses=_problems(503))
def readyz(service: Asked) -> dict[str, str]:
    """Whether a model answers, and which."""
    return {"status": "ready", "model": service.terms.model_version}


def _result(answer: Answer, language: str) -> dict[str, Any]:
    if answer.error is not None:
        error = problems.described_error(answer.error, language)
        return {"customer_id": answer.customer_id, "error": error}
    assert answer.row is not None
    scored_at = answer.row["scored_at"].replace(tzinfo=dt.UTC)
    return answer.row | {"source": answer.source, "scored_at": scored_at}
