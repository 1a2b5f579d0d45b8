"""Write docs/tables.md from the declarations in clv.tables: `python docs/write_tables.py`."""

from pathlib import Path

from clv import tables

FILES = {
    "order_lines": "data/processed/clv.parquet",
    "refused_lines": "data/processed/refused.parquet",
    "returns": "data/processed/returns.parquet",
    "customer_summary": "data/processed/summary.parquet",
    "cohorts": "data/processed/cohorts.parquet",
    "predictions": "data/processed/predictions.parquet",
}
DECLARED = (
    tables.ORDER_LINES,
    tables.REFUSED_LINES,
    tables.RETURNS,
    tables.CUSTOMER_SUMMARY,
    tables.COHORTS,
    tables.PREDICTIONS,
)


def page() -> str:
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


if __name__ == "__main__":
    Path(__file__).with_name("tables.md").write_text(page(), encoding="utf-8")
