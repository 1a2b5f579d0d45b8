"""The application: `uvicorn clv.api.main:app`, or :func:`create_app` around a service."""

from __future__ import annotations

from importlib import metadata

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from clv import wiring
from clv.api import problems
from clv.api.routes import router
from clv.errors import ClvError
from clv.live import LiveService
from clv.settings import read_settings

DESCRIPTION = (
    "What each customer of a shop is expected to bring within a horizon, and how many orders, "
    "and whether they will be back. Amounts are in the currency and on the basis a row states."
)


def create_app(service: LiveService | None = None) -> FastAPI:
    """The API around ``service``; by default that of the workspace the settings name."""
    app = FastAPI(
        title="CLV Forecaster",
        version=metadata.version("clv-forecaster"),
        description=DESCRIPTION,
    )
    app.state.service = service or LiveService(wiring.workspace(read_settings()))
    app.include_router(router)
    app.add_exception_handler(ClvError, problems.of_ours)
    app.add_exception_handler(RequestValidationError, problems.of_validation)
    app.add_exception_handler(HTTPException, problems.of_http)
    app.add_exception_handler(Exception, problems.of_anything)
    return app


app = create_app()
