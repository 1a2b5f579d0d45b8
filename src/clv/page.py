"""The report as one HTML page, in every language, that opens without a network.

It shows what the dashboard shows of the shop as a whole, by the same charts and in the same
words. The drawing library lies in the page once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from string import Template

from clv import narrative
from clv.charts import cohorts, value
from clv.charts.chart import Chart, as_html, drawing_library
from clv.narrative import TEXTS as SHARED
from clv.overview import Overview
from clv.speech import LANGUAGES, NAMES, Speech, Text

TEXTS = {
    "title": Text("Customer lifetime value", "Valor de los clientes"),
    "facts": Text(
        "As of {date}, {customers} customers. Model {model}, version {version}.",
        "A {date}, {customers} clientes. Modelo {model}, versión {version}.",
    ),
    "lists": Text("Whom to look after first", "A quién atender primero"),
    "lists_where": Text(
        "The dashboard exports each list with its control group.",
        "El panel exporta cada lista con su grupo de control.",
    ),
    "list": Text("list", "lista"),
    "customers": Text("customers", "clientes"),
    "soon": Text("expected in {days} days", "esperado en {days} días"),
    "at_stake": Text("at stake over {days} days", "en juego en {days} días"),
    "who": Text("who", "quiénes"),
    "back": Text("Who comes back", "Quién vuelve"),
    "whole_months": Text(
        "Only whole months are shown. The first row holds customers from before the log began.",
        "Solo se muestran meses completos. La primera fila incluye clientes de antes del registro.",
    ),
    "carries": Text("Who carries the value", "Quién sostiene el valor"),
    "evidence": Text("How these figures came about", "De dónde salen estas cifras"),
    "step": Text("step", "paso"),
    "amount": Text("amount", "importe"),
    "as_table": Text("View as table", "Ver como tabla"),
}


def page(overview: Overview) -> str:
    """The whole page as text."""
    currency = overview.service.terms.currency
    speeches = [Speech(language, currency) for language in LANGUAGES]
    return PAGE.substitute(
        title=" · ".join(speech(TEXTS["title"]) for speech in speeches),
        library=drawing_library(),
        choices="".join(_choice(speech) for speech in speeches),
        bodies="".join(_body(overview, speech) for speech in speeches),
    )


def _choice(speech: Speech) -> str:
    return f'<button lang="{speech.language}">{NAMES[speech.language]}</button>'


def _body(overview: Overview, speech: Speech) -> str:
    numbers = itertools.count()
    parts = [*_headline(overview, speech), *_lists(overview, speech)]
    for part in [*_charts(overview, speech), *_evidence(overview, speech)]:
        shown = (
            _chart(part, f"{speech.language}-{next(numbers)}", speech)
            if isinstance(part, Chart)
            else part
        )
        parts.append(shown)
    return f'<main lang="{speech.language}">{"".join(parts)}</main>'


def _headline(overview: Overview, speech: Speech) -> Iterator[str]:
    service = overview.service
    yield _tag("h1", speech(TEXTS["title"]))
    if service.terms.simulated:
        yield _tag("p", speech(SHARED["simulated"]), "simulated")
    yield _tag("p", narrative.expected(overview, speech), "headline")
    yield from (_tag("p", said, "off") for said in narrative.how_far_off(overview, speech))
    yield _tag("p", narrative.value_definition(overview, speech), "note")
    facts = speech(
        TEXTS["facts"],
        date=speech.date(service.as_of),
        customers=speech.number(overview.table.num_rows),
        model=service.model.name,
        version=service.terms.model_version,
    )
    yield _tag("p", facts, "note")


def _lists(overview: Overview, speech: Speech) -> Iterator[str]:
    yield _tag("h2", speech(TEXTS["lists"]))
    yield _tag("p", speech(SHARED["no_effect"]))
    days = speech.number(overview.service.terms.horizon_days)
    ready = overview.ready_lists
    yield _table(
        {
            speech(TEXTS["list"]): [speech(SHARED[one.list.name]) for one in ready],
            speech(TEXTS["customers"]): [speech.number(one.customers) for one in ready],
            speech(TEXTS["soon"], days=narrative.soon(speech)): [
                speech.rough(one.expected_soon) for one in ready
            ],
            speech(TEXTS["at_stake"], days=days): [speech.rough(one.at_stake) for one in ready],
            speech(TEXTS["who"]): [narrative.list_rule(one, overview, speech) for one in ready],
        }
    )
    said = f"{narrative.control(overview, speech)} {speech(TEXTS['lists_where'])}"
    yield _tag("p", said, "note")


def _charts(overview: Overview, speech: Speech) -> Iterator[Chart | str]:
    last_day = overview.service.as_of
    yield _tag("h2", speech(TEXTS["back"]))
    yield cohorts.retention_heatmap(overview.cohorts, last_day, "share", speech)
    yield _tag("p", speech(TEXTS["whole_months"]), "note")
    yield cohorts.retention_curves(overview.cohorts, last_day, speech)
    yield _tag("h2", speech(TEXTS["carries"]))
    yield value.tier_shares(narrative.shares(overview.tiers()), speech)
    yield value.value_by_tier(overview.table, speech)
    yield value.rfm_groups(narrative.shares(overview.rfm_groups()), speech)


def _evidence(overview: Overview, speech: Speech) -> Iterator[Chart | str]:
    yield _tag("h2", speech(TEXTS["evidence"]))
    held = narrative.held_chart(overview, speech)
    if held is not None:
        yield held
        yield _tag("p", narrative.how_wide(overview, speech), "note")
    yield cohorts.sales_by_month(overview.cohorts, overview.service.as_of, speech)
    yield _tag("h3", narrative.ladder_title(overview.ladder, speech))
    steps, amounts = zip(*narrative.ladder_rows(overview.ladder, speech), strict=True)
    yield _table({speech(TEXTS["step"]): steps, speech(TEXTS["amount"]): amounts})


def _chart(chart: Chart, name: str, speech: Speech) -> str:
    drawn = as_html(chart, f"chart-{name}")
    table = f"<summary>{speech(TEXTS['as_table'])}</summary>{_table(chart.table)}"
    return (
        f"<figure>{_tag('h3', chart.title)}"
        f'<div role="img" aria-label="{escape(chart.alt)}">{drawn}</div>'
        f"<details>{table}</details></figure>"
    )


def _tag(name: str, text: str, kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f"<{name}{attribute}>{escape(text)}</{name}>"


def _table(columns: Mapping[str, Iterable[str]]) -> str:
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in columns)
    rows = "".join(
        f"<tr>{''.join(_tag('td', cell) for cell in row)}</tr>"
        for row in zip(*columns.values(), strict=True)
    )
    inside = f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"
    return f'<div class="wide"><table>{inside}</table></div>'


PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
 body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem;
        color: #222; background: #fff; }
 main { display: none; } main.shown { display: block; }
 nav { text-align: right; } nav button { font: inherit; padding: .2rem .8rem; }
 nav button[aria-pressed=true] { font-weight: bold; border: 2px solid #0072b2; }
 h2 { margin-top: 3rem; border-bottom: 1px solid #ccc; }
 figure { margin: 2rem 0; } .note { color: #555; } .headline { font-size: 1.4rem; }
 .off { border-left: 4px solid #d55e00; padding-left: .8rem; margin: .4rem 0; }
 .simulated { background: #d55e00; color: #fff; padding: .5rem 1rem; font-weight: bold; }
 .wide { overflow-x: auto; } table { border-collapse: collapse; }
 th, td { padding: .2rem .8rem; border-bottom: 1px solid #ddd; text-align: left;
          vertical-align: top; }
</style>
<script>$library</script></head>
<body><nav>$choices</nav>$bodies
<script>
 function show(language) {
   document.documentElement.lang = language;
   for (const body of document.querySelectorAll("main"))
     body.classList.toggle("shown", body.lang === language);
   for (const choice of document.querySelectorAll("nav button"))
     choice.setAttribute("aria-pressed", choice.lang === language);
   window.dispatchEvent(new Event("resize"));
 }
 for (const choice of document.querySelectorAll("nav button"))
   choice.onclick = () => show(choice.lang);
 const wanted = location.hash.slice(1) || navigator.language.slice(0, 2);
 show(wanted === "es" ? "es" : "en");
</script></body></html>
""")
