"""What the dashboard and the report say about a shop in the same words."""

from __future__ import annotations

from clv.charts import value
from clv.charts.chart import Chart
from clv.charts.value import Held, Share
from clv.lists import CONTROL_SHARE, ORDERS_FOR_A_PACE, PATIENCE, second_order_window, seed_of
from clv.overview import SOON_DAYS, Group, Ladder, Overview, ReadyList
from clv.speech import Speech, Text

Rows = list[tuple[str, str]]

TEXTS = {
    "simulated": Text(
        "SIMULATED: this shop and its customers do not exist.",
        "SIMULATED (simulado): esta tienda y sus clientes no existen.",
    ),
    "expected": Text(
        "Existing customers are expected to bring {money} in the {days} days after {date}.",
        "Se espera que los clientes actuales traigan {money} en los {days} días siguientes al "
        "{date}.",
    ),
    "too_high": Text(
        "Made on {date}, the same forecast over {days} days came out {share} too high: "
        "{expected} expected, {actual} came.",
        "El mismo pronóstico a {days} días, hecho el {date}, resultó un {share} demasiado alto: "
        "se esperaban {expected} y llegaron {actual}.",
    ),
    "too_low": Text(
        "Made on {date}, the same forecast over {days} days came out {share} too low: "
        "{expected} expected, {actual} came.",
        "El mismo pronóstico a {days} días, hecho el {date}, resultó un {share} demasiado bajo: "
        "se esperaban {expected} y llegaron {actual}.",
    ),
    "never_held": Text(
        "This forecast was never held against what happened: the log is too short for that. "
        "Treat it as a first guess.",
        "Este pronóstico nunca se ha contrastado con lo que pasó: el registro es demasiado corto. "
        "Tómelo como una primera aproximación.",
    ),
    "held_once": Text(
        "One date is little evidence: next time it may be off as much the other way.",
        "Una sola fecha es poca prueba: la próxima vez puede fallar lo mismo en sentido contrario.",
    ),
    "other_horizon": Text(
        "{days} days is the nearest reach that could be checked on this log.",
        "{days} días es el alcance más cercano que se pudo comprobar con este registro.",
    ),
    "no_range": Text(
        "The model that answers gives no range; the misses above are what is known.",
        "El modelo que responde no da un margen; lo que se sabe son las desviaciones de arriba.",
    ),
    "range": Text(
        "From the model and those misses: between {lower} and {upper} with a chance of {level}.",
        "Según el modelo y esas desviaciones: entre {lower} y {upper} con una probabilidad del "
        "{level}.",
    ),
    "definition": Text("What counts: {definition}.", "Qué se cuenta: {definition}."),
    "sales as invoiced, postage and manual entries included": Text(
        "sales as invoiced, postage and manual entries included",
        "ventas facturadas, con portes y cargos manuales",
    ),
    "sales of goods as invoiced, without postage and fees": Text(
        "sales of goods as invoiced, without postage and fees",
        "ventas de artículos facturadas, sin portes ni cargos",
    ),
    "less matched returns": Text("less matched returns", "menos las devoluciones emparejadas"),
    "before returns": Text("before returns", "antes de devoluciones"),
    "no_effect": Text(
        "A forecast is not an effect: it does not say what a message would bring. That is what the "
        "control group is for: message the customers marked contact, leave those marked control "
        "alone, and compare them afterwards.",
        "Un pronóstico no es un efecto: no dice lo que aportaría un mensaje. Para eso está el "
        "grupo de control: escriba a los marcados «contact», deje en paz a los marcados «control» "
        "y compárelos después.",
    ),
    "control": Text(
        "{share} of each list are drawn at random as control group, with seed {seed}.",
        "El {share} de cada lista se sortea como grupo de control, con la semilla {seed}.",
    ),
    "overdue": Text("Overdue and valuable", "Valiosos que se retrasan"),
    "overdue_rule": Text(
        "Tier A or B, at least {orders} orders, and silent for more than {patience} times the mean "
        "gap between their own orders. Not on “Protect”.",
        "Nivel A o B, al menos {orders} pedidos, y en silencio más de {patience} veces la media "
        "de días entre sus propios pedidos. Sin los de «Proteger».",
    ),
    "overdue_advice": Text(
        "They order at a pace of their own and have missed it. Ask what changed before offering a "
        "discount.",
        "Compran a su propio ritmo y lo han perdido. Pregunte qué ha cambiado antes de ofrecer un "
        "descuento.",
    ),
    "second_order": Text("Second order due", "Toca el segundo pedido"),
    "second_order_rule": Text(
        "Exactly one order, {earliest} to {latest} days ago: the time in which the middle half of "
        "customers with exactly two purchase days came back.",
        "Un solo pedido, hace entre {earliest} y {latest} días: el tiempo en que volvió la mitad "
        "central de los clientes con exactamente dos días de compra.",
    ),
    "second_order_unknown": Text(
        "Exactly one order, made as long ago as others took to come back. Too few came back "
        "exactly once to know how long that is.",
        "Un solo pedido, hecho hace tanto como otros tardaron en volver. Han vuelto exactamente "
        "una vez demasiado pocos para saber cuánto es.",
    ),
    "second_order_advice": Text(
        "Half of those who came back once did so in this span. Remind them of what they bought.",
        "La mitad de los que volvieron una vez lo hizo en este plazo. Recuérdeles qué compraron.",
    ),
    "protect": Text("Protect", "Proteger"),
    "protect_rule": Text(
        "Tier A, at least two orders, and the silence since the last one has taken 5 % or more off "
        "the chance of another.",
        "Nivel A, al menos dos pedidos, y el silencio desde el último ha restado un 5 % o más a "
        "la probabilidad de otro.",
    ),
    "protect_advice": Text(
        "Few and valuable: worth a call by a person rather than a message.",
        "Pocos y valiosos: merecen la llamada de una persona más que un mensaje.",
    ),
    "on_protect": Text("already on “Protect”", "ya están en «Proteger»"),
    "few_orders": Text("too few orders to know a pace", "muy pocos pedidos para conocer su ritmo"),
    "lower_tier": Text("in a lower tier", "de un nivel inferior"),
    "within_pace": Text("not late by their own pace", "aún dentro de su ritmo"),
    "nothing_stands": Text("returned everything", "lo devolvieron todo"),
    "ordered_again": Text("have ordered again already", "ya han vuelto a pedir"),
    "too_early": Text("ordered too recently", "pidieron hace demasiado poco"),
    "too_late": Text("ordered too long ago", "pidieron hace demasiado"),
    "chance_holds": Text("chance of an order holds", "su probabilidad de pedido se mantiene"),
    "read": Text(
        "everything in the log for these days", "todo lo que hay en el registro de esos días"
    ),
    "duplicate": Text("exact duplicates of other lines", "duplicados exactos de otras líneas"),
    "no_customer": Text("sales without a customer", "ventas sin cliente"),
    "non_positive_price": Text("lines without a price", "líneas sin precio"),
    "return": Text(
        "credit notes, counted on the purchase they undo instead of their own day",
        "abonos, que cuentan en la compra que anulan y no en su propio día",
    ),
    "not_goods": Text("lines that are no article", "líneas que no son artículos"),
    "continuation": Text("further rows of an order", "más filas de un pedido"),
    "no_total": Text("orders that state no total", "pedidos que no indican total"),
    "draft": Text("drafts", "borradores"),
    "test_order": Text("test orders", "pedidos de prueba"),
    "cancelled": Text("orders cancelled or voided", "pedidos cancelados o anulados"),
    "not_paid": Text("orders that are not paid", "pedidos sin pagar"),
    "returned": Text("returned of these purchases", "devuelto de estas compras"),
    "net": Text("net sales", "ventas netas"),
    "gross": Text("sales before returns", "ventas antes de devoluciones"),
    "ladder": Text(
        "From the log to {sales}, {first} to {last}",
        "Del registro a las {sales}, del {first} al {last}",
    ),
}


def expected(overview: Overview, speech: Speech) -> str:
    """What existing customers are expected to bring."""
    service = overview.service
    return speech(
        TEXTS["expected"],
        money=speech.rough(overview.expected),
        days=speech.number(service.terms.horizon_days),
        date=speech.date(service.as_of),
    )


def how_wide(overview: Overview, speech: Speech) -> str:
    """Between which amounts what is expected may come out."""
    found = overview.expected_range
    if found is None:
        return speech(TEXTS["no_range"])
    lower, upper = (speech.rough(end) for end in found)
    level = speech.percent(overview.service.terms.interval_level)
    return speech(TEXTS["range"], lower=lower, upper=upper, level=level)


def how_far_off(overview: Overview, speech: Speech) -> list[str]:
    """How the same forecast did at earlier dates, and what that is worth."""
    if not overview.past:
        return [speech(TEXTS["never_held"])]
    said = []
    for past in overview.past:
        text = TEXTS["too_high" if past.bias > 0 else "too_low"]
        said.append(
            speech(
                text,
                date=speech.date(past.cut),
                days=speech.number(past.horizon_days),
                share=speech.percent(abs(past.bias)),
                expected=speech.rough(past.expected),
                actual=speech.rough(past.actual),
            )
        )
    days = overview.past[0].horizon_days
    if days != overview.service.terms.horizon_days:
        said.append(speech(TEXTS["other_horizon"], days=speech.number(days)))
    if len(overview.past) == 1:
        said.append(speech(TEXTS["held_once"]))
    return said


def value_definition(overview: Overview, speech: Speech) -> str:
    """What an amount counts; in the words of the table where we have none in this language."""
    sales, comma, rest = overview.service.terms.value_definition.rpartition(", ")
    said = [speech(TEXTS[part]) if part in TEXTS else part for part in (sales, rest)]
    return speech(TEXTS["definition"], definition=comma.join(said))


def list_rule(ready: ReadyList, overview: Overview, speech: Speech) -> str:
    """Who is on a list."""
    name = ready.list.name
    if name != "second_order":
        patience = speech.number(PATIENCE, 1)
        return speech(TEXTS[f"{name}_rule"], orders=ORDERS_FOR_A_PACE, patience=patience)
    window = second_order_window(overview.service.summary)
    if window is None:
        return speech(TEXTS["second_order_unknown"])
    earliest, latest = (speech.number(days) for days in window)
    return speech(TEXTS["second_order_rule"], earliest=earliest, latest=latest)


def left_out(ready: ReadyList, speech: Speech) -> Rows:
    """Why customers are not on a list, each counted at the first reason."""
    counts = ready.list.left_out
    return [(speech(TEXTS[reason]), speech.number(count)) for reason, count in counts.items()]


def control(overview: Overview, speech: Speech) -> str:
    """How the control groups are drawn."""
    seed = seed_of(overview.service.as_of)
    return speech(TEXTS["control"], share=speech.percent(CONTROL_SHARE), seed=seed)


def sales_name(ladder: Ladder, speech: Speech) -> str:
    """What the sum at the end of the ladder is called."""
    return speech(TEXTS["net" if "returned" in ladder.steps else "gross"])


def ladder_title(ladder: Ladder, speech: Speech) -> str:
    first, last = speech.date(ladder.first), speech.date(ladder.last)
    return speech(TEXTS["ladder"], sales=sales_name(ladder, speech), first=first, last=last)


def ladder_rows(ladder: Ladder, speech: Speech) -> Rows:
    """Every step from the log to net sales, in money to the cent."""
    steps = [(speech(TEXTS[name]), value) for name, value in ladder.steps.items()]
    ends = (speech(TEXTS["read"]), ladder.read), (sales_name(ladder, speech), ladder.net)
    rows = [ends[0], *steps, ends[1]]
    return [(name, speech.money(float(value), 2)) for name, value in rows]


def held_chart(overview: Overview, speech: Speech) -> Chart | None:
    """Earlier forecasts beside what came; None where none could be checked."""
    if not overview.past:
        return None
    held = [Held(speech.date(past.cut), past.expected, past.actual) for past in overview.past]
    return value.held_forecasts(held, overview.past[0].horizon_days, speech)


def shares(groups: list[Group]) -> list[Share]:
    """Groups as the charts take them."""
    return [Share(group.name, group.customers, group.expected) for group in groups]


def soon(speech: Speech) -> str:
    """The shorter reach every list is valued at."""
    return speech.number(SOON_DAYS)
