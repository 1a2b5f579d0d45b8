"""Every setting in one place: flags, then environment (``CLV_…``), then `clv.toml`, then defaults.

Meanings are in ``clv.options``. Nothing below this layer reads configuration.
"""

from __future__ import annotations

import datetime as dt
import glob
import itertools
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, field_validator
from pydantic_core import to_json
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from clv.errors import SettingsError
from clv.options import OPTIONS

FILE = "clv.toml"
_HEADING = """\
# Settings of a shop. Copy to `clv.toml` in the workspace and uncomment what should differ.
# A flag of the command line wins over an environment variable (CLV_HORIZON_DAYS=91), which
# wins over this file. Paths are meant from where the file lies. Shown are the defaults."""


class Settings(BaseSettings):
    """What a shop may set; see ``clv.options`` for what each means."""

    model_config = SettingsConfigDict(
        env_prefix="CLV_", env_ignore_empty=True, extra="forbid", frozen=True
    )

    workspace: Path = Path()
    source: Annotated[tuple[Path, ...], NoDecode] = ()
    kind: Literal["online-retail", "shopify", "woocommerce", "stripe"] | None = None
    customer_id: str | None = None
    date: str | None = None
    amount: str | None = None
    order_id: str | None = None
    country: str | None = None
    currency_column: str | None = None
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    rates: Path | None = None
    calendar: Path | None = None
    date_format: str | None = None
    decimal_mark: Literal[".", ","] | None = None
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    observation_end: dt.date | None = None
    anonymous_as: str | None = Field(None, min_length=1)
    goods_only: bool = False
    keep_duplicates: bool = False
    hash_emails: bool = True
    also_count: Annotated[
        tuple[Literal["draft", "test_order", "cancelled", "not_paid"], ...], NoDecode
    ] = ()
    with_tax_and_shipping: bool = False
    basis: Literal["net", "gross"] = "net"
    model: Literal[
        "auto",
        "seasonal-pareto-nbd",
        "drifting-pareto-nbd",
        "pareto-nbd",
        "bg-nbd",
        "mbg-nbd",
        "mbg-cnbd",
        "steady-mbg-cnbd",
        "nbd",
    ] = "auto"
    horizon_days: int = Field(365, ge=1, le=3650)
    churn_window_days: int | None = Field(None, ge=1, le=3650)
    discount_rate: float = Field(0.10, ge=0, le=10)
    margin: float = Field(1.0, gt=0, le=1)
    mlflow_uri: str | None = Field(None, pattern=r"^(off|[\w+]+://.+)$")

    @field_validator("source", mode="before")
    @classmethod
    def _several_paths(cls, value: Any) -> Any:
        """One path, or several joined as the system joins paths; ``*`` is any part of a name."""
        if not isinstance(value, str):
            return value
        # A path of its own may be absolute, which Path.glob does not take.
        named = [sorted(glob.glob(one)) or [one] for one in value.split(os.pathsep)]  # noqa: PTH207
        return tuple(itertools.chain.from_iterable(named))

    @field_validator("also_count", mode="before")
    @classmethod
    def _several_rules(cls, value: Any) -> Any:
        return tuple(value.replace(" ", "").split(",")) if isinstance(value, str) else value

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
    """The settings that hold here and now; a flag that is None was not given."""
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except pydantic.ValidationError as cause:
        first = cause.errors()[0]
        name = str(first["loc"][0])
        problem, step = f"{first['msg']}, not {first['input']!r}", "See `clv run --help`."
        if first["type"] == "extra_forbidden":
            problem = "there is no such setting"
            step = f"Known: {', '.join(Settings.model_fields)}."
        problem += f" ({_given_in(name, flags)})."
        raise SettingsError(name, problem, next_step=step) from cause


def as_toml(given: Mapping[str, Any]) -> str:
    """`clv.toml` with every setting and its meaning; those ``given`` in force, the rest not."""
    paragraphs = [_HEADING]
    for option in OPTIONS:
        default = Settings.model_fields[option.name].default
        value = given.get(option.name, default)
        # A value that TOML has, it writes as JSON does; a day may as well be text.
        shown = "(not set)" if value is None else to_json(value).decode()
        mark = "" if option.name in given else "# "
        paragraphs.append(f"# {option.meaning}\n{mark}{option.name} = {shown}")
    return "\n\n".join(paragraphs) + "\n"


def _given_in(name: str, flags: dict[str, Any]) -> str:
    """Where a setting that holds was given: the first of the places in their order."""
    if flags.get(name) is not None:
        return "command line"
    variable = f"CLV_{name.upper()}"
    return variable if os.environ.get(variable) else FILE


def _read(path: Path) -> dict[str, Any]:
    """The settings in a file; the paths in it are meant from where it lies."""
    try:
        stored = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as cause:
        raise SettingsError(
            str(path), f"the file cannot be read: {cause}.", next_step="Compare clv.example.toml."
        ) from cause
    for name in {"source", "rates", "calendar"} & stored.keys():
        stored[name] = _from(path.parent, stored[name])
    return stored


def _from(folder: Path, value: Any) -> Any:
    if isinstance(value, str):
        return os.pathsep.join(str(folder / part) for part in value.split(os.pathsep))
    return [_from(folder, part) for part in value] if isinstance(value, list) else value
