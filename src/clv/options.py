"""What each setting means, said once: for the command line, `clv.toml` and the environment.

Types and defaults are those of ``clv.settings.Settings``; here are the words, and which
commands take the setting as a flag. Kept apart so that help needs nothing heavy.
"""

from __future__ import annotations

import dataclasses

LOG = ("init", "ingest", "run")
FORECAST = ("predict", "init", "run")
TRACKED = ("train", "promote", "sync", "run")


@dataclasses.dataclass(frozen=True)
class Option:
    """A setting: ``form`` is what help shows as its value, empty for a switch."""

    name: str
    form: str
    meaning: str
    commands: tuple[str, ...]

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


WORKSPACE = Option(
    "workspace", "DIR", "Folder of the shop's files; else CLV_WORKSPACE, else here.", ()
)
JSON = Option("json", "", "Print the result as JSON and nothing else.", ())
SOURCE = Option("source", "FILES", "Raw log: .csv, .csv.gz, .zip, .xlsx or .parquet.", ())

OPTIONS = (
    SOURCE,
    Option(
        "kind",
        "KIND",
        "online-retail, shopify, woocommerce or stripe; else told by the headers.",
        LOG,
    ),
    Option("customer_id", "COLUMN", "Column with the customer of an order log.", LOG),
    Option("date", "COLUMN", "Column with the date or time of the order.", LOG),
    Option("amount", "COLUMN", "Column with the amount; a negative one is a return.", LOG),
    Option("order_id", "COLUMN", "Column with the order id; else rows at one moment are one.", LOG),
    Option("country", "COLUMN", "Column with the customer's country.", LOG),
    Option("currency_column", "COLUMN", "Column with the currency of each row.", LOG),
    Option("currency", "CODE", "Currency of every amount, such as EUR.", LOG),
    Option("rates", "FILE", "CSV of currency, rate and optionally from, to convert by.", LOG),
    Option(
        "calendar",
        "FILE",
        "Table of event, from, to and optionally known_from: campaigns, past and planned.",
        LOG,
    ),
    Option("date_format", "FORM", "How dates are written when not as 2011-12-09 12:50.", LOG),
    Option("decimal_mark", "MARK", "The decimal mark of amounts: . or ,", LOG),
    Option("encoding", "NAME", "Encoding of text files: utf-8, latin-1 or utf-16.", LOG),
    Option("observation_end", "DAY", "Last day to know about; later lines forecast nothing.", LOG),
    Option("anonymous_as", "NAME", "Keep lines without customer, under this name.", LOG),
    Option("goods_only", "", "Leave out postage, fees, vouchers and test articles.", LOG),
    Option("keep_duplicates", "", "Count lines that repeat exactly as often as they come.", LOG),
    Option("hash_emails", "", "Replace e-mail addresses by their SHA-256.", LOG),
    Option(
        "also_count",
        "RULES",
        "Count orders of an export that are draft, test_order, cancelled or not_paid.",
        LOG,
    ),
    Option("with_tax_and_shipping", "", "Leave tax and shipping inside totals of an export.", LOG),
    Option("basis", "BASIS", "net counts value less returns, gross before them.", LOG),
    Option(
        "model",
        "MODEL",
        "Purchase model, by its name in the catalog; auto is what the backtest finds best.",
        ("init", "backtest", "run"),
    ),
    Option("horizon_days", "DAYS", "How far the forecast reaches.", ("backtest", *FORECAST)),
    Option("churn_window_days", "DAYS", "No order within it is churn; else the horizon.", FORECAST),
    Option("discount_rate", "RATE", "Yearly discount of lifetime_clv, such as 0.1.", FORECAST),
    Option("margin", "SHARE", "Share of revenue that is income, such as 0.4.", FORECAST),
    Option("mlflow_uri", "URI", "Where MLflow keeps trainings; else a file here, or off.", TRACKED),
)


def taken_by(command: str) -> list[Option]:
    """The settings a command takes as flags, in the order of its help."""
    return [option for option in OPTIONS if command in option.commands]
