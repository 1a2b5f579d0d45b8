"""Write what the docs copy from one place: `python docs/write.py`.

docs/tables.md comes from the declarations in clv.tables, the tables of figures in both READMEs
from docs/figures.json.
"""

import json
from collections.abc import Callable
from pathlib import Path

from clv import tables

FILES = {
    "order_lines": "data/processed/clv.parquet",
    "refused_lines": "data/processed/refused.parquet",
    "returns": "data/processed/returns.parquet",
    "customer_summary": "data/processed/summary.parquet",
    "cohorts": "data/processed/cohorts.parquet",
    "predictions": "data/processed/predictions.parquet",
    "forecasts": "data/processed/forecasts.parquet",
    "past_predictions": "data/processed/past_predictions.parquet",
}
DECLARED = (
    tables.ORDER_LINES,
    tables.REFUSED_LINES,
    tables.RETURNS,
    tables.CUSTOMER_SUMMARY,
    tables.COHORTS,
    tables.PREDICTIONS,
    tables.FORECASTS,
    tables.PAST_PREDICTIONS,
)


ROOT = Path(__file__).resolve().parents[1]
FIGURES = json.loads((ROOT / "docs/figures.json").read_text(encoding="utf-8"))
MODELS = ("chosen", "last-365-days-scaled", "plain-pareto-nbd")
READMES = {
    "README.md": {
        "backtest": "| days ahead | dates | totals off by | mean error of the median, £ | "
        "deviance | Spearman |",
        "measured": "| measured | |",
        "to": "to",
        "caption": "Each cell: this forecast / the last 365 days scaled / plain Pareto/NBD × "
        "Gamma-Gamma. The best one in bold. The error is that of this forecast's median; "
        "the other two have one number for sum and customer alike, their mean.",
    },
    "README.es.md": {
        "backtest": "| días | fechas | desvío de los totales | error medio de la mediana, £ | "
        "desviación | Spearman |",
        "measured": "| medido | |",
        "to": "a",
        "caption": "En cada celda: esta previsión / los últimos 365 días escalados / Pareto/NBD × "
        "Gamma-Gamma sin más. En negrita, la mejor. El error es el de la mediana de esta "
        "previsión; las otras dos tienen un solo número para suma y cliente, su media.",
    },
}


def in_words(number: str, readme: str) -> str:
    """A number as the language of the README writes it."""
    return number.translate(str.maketrans(",.", ".,")) if readme.endswith(".es.md") else number


def backtest_table(readme: str) -> str:
    words = READMES[readme]
    rows = [words["backtest"], "|---|---|---|---|---|---|"]
    forms = {"mae": "{:,.0f}", "tweedie": "{:.1f}", "spearman": "{:.3f}"}
    for row in FIGURES["backtest"]:
        ends = [[row[model][end] for end in ("lowest", "highest")] for model in MODELS]
        off = [f" {words['to']} ".join(f"{end:+.0%}" for end in dict.fromkeys(e)) for e in ends]
        widest = [max(map(abs, e)) for e in ends]
        cells = [str(row["horizon_days"]), str(row["dates"]), in_bold(off, widest, min)]
        for metric, form in forms.items():
            values = [row[model][metric] for model in MODELS]
            shown = [in_words(form.format(value), readme) for value in values]
            cells.append(in_bold(shown, values, max if metric == "spearman" else min))
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + f"\n\n{words['caption']}"


def in_bold(shown: list[str], values: list[float], best: Callable[[list[float]], float]) -> str:
    """The best in bold, by what is shown of it."""
    wanted = shown[values.index(best(values))]
    return " / ".join(f"**{one}**" if one == wanted else one for one in shown)


def measured_table(readme: str) -> str:
    language = 1 if readme.endswith(".es.md") else 0
    rows = [READMES[readme]["measured"], "|---|---|"]
    for entry in FIGURES["measured"]:
        rows.append(f"| {entry['what'][language]} | {in_words(entry['figure'], readme)} |")
    return "\n".join(rows)


def readme_page(readme: str) -> str:
    """The README with its tables of figures written anew."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    tables = {"backtest": backtest_table(readme), "measured": measured_table(readme)}
    for name, table in tables.items():
        start, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, after = text.split(start, 1)
        text = before + start + table + "\n" + end + after.split(end, 1)[1]
    return text


def tables_page() -> str:
    parts = ["# Tables\n\nWritten from `clv.tables`; every file carries its units in its footer."]
    for table in DECLARED:
        key = (
            f" One row for each {', '.join(f'`{name}`' for name in table.key)}."
            if table.key
            else ""
        )
        parts.append(f"## `{FILES[table.name]}`\n\n{table.name}, version {table.version}.{key}")
        rows = ["| column | type | unit | meaning |", "|---|---|---|---|"]
        for column in table.columns:
            kind = f"{column.type}, may be null" if column.nullable else column.type
            rows.append(f"| `{column.name}` | {kind} | {column.unit} | {column.meaning} |")
        parts.append("\n".join(rows))
        if table.rules:
            parts.append("Held to: " + ", ".join(f"`{rule}`" for rule in table.rules) + ".")
    return "\n\n".join(parts) + "\n"


PAGES = {
    "docs/tables.md": tables_page,
    "README.md": lambda: readme_page("README.md"),
    "README.es.md": lambda: readme_page("README.es.md"),
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
