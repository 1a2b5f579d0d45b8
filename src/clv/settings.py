"""Every setting in one place: flags, then environment (``CLV_…``), then `clv.toml`, then defaults.

Meanings are in ``clv.options``. Nothing below this layer reads configuration.
"""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from clv.errors import SettingsError

FILE = "clv.toml"


class Settings(BaseSettings):
    """What a shop may set; see ``clv.options`` for what each means."""

    model_config = SettingsConfigDict(env_prefix="CLV_", extra="forbid", frozen=True)

    workspace: Path = Path()
    source: Annotated[tuple[Path, ...], NoDecode] = ()
    customer_id: str | None = None
    date: str | None = None
    amount: str | None = None
    order_id: str | None = None
    country: str | None = None
    currency_column: str | None = None
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    rates: Path | None = None
    date_format: str | None = None
    decimal_mark: Literal[".", ","] = "."
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    observation_end: dt.date | None = None
    anonymous_as: str | None = Field(None, min_length=1)
    goods_only: bool = False
    keep_duplicates: bool = False
    hash_emails: bool = True
    basis: Literal["net", "gross"] = "net"
    model: str = "pareto-nbd"
    horizon_days: int = Field(365, ge=1, le=3650)
    churn_window_days: int | None = Field(None, ge=1, le=3650)
    discount_rate: float = Field(0.10, ge=0, le=10)
    margin: float = Field(1.0, gt=0, le=1)

    @field_validator("source", mode="before")
    @classmethod
    def _several_paths(cls, value: Any) -> Any:
        """One path, or several joined as the system joins paths."""
        return tuple(value.split(os.pathsep)) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = {**env_settings(), **init_settings()}
        folder = Path(given.get("workspace", cls.model_fields["workspace"].default))
        stored = InitSettingsSource(settings_cls, _read(folder / FILE))
        return init_settings, env_settings, stored


def read_settings(**flags: Any) -> Settings:
    """The settings that hold here and now; flags that are None were not given.

    Raises:
        SettingsError: a setting is unknown, or its value is of no use.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except pydantic.ValidationError as cause:
        first = cause.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        if first["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            raise SettingsError(
                name, "there is no such setting.", next_step=f"Known: {known}."
            ) from cause
        raise SettingsError(
            name, f"{first['msg']}, not {first['input']!r}.", next_step="See `clv run --help`."
        ) from cause


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as cause:
        raise SettingsError(
            str(path), f"the file cannot be read: {cause}.", next_step="Compare clv.example.toml."
        ) from cause
