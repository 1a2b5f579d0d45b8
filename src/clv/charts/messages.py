"""What the charts say, in English and Spanish, and the names of tiers and groups."""

from __future__ import annotations

from clv.speech import Speech, Text

TEXTS = {
    "months_since": Text("months since the first purchase", "meses desde la primera compra"),
    "month": Text("month", "mes"),
    "cohort": Text("first bought in (customers)", "primera compra en (clientes)"),
    "measure_share": Text(
        "% of the customers who bought again", "% de clientes que volvió a comprar"
    ),
    "measure_count": Text("customers who bought again", "clientes que volvieron a comprar"),
    "measure_value": Text(
        "sales to them, in thousands ({unit} = 1)", "ventas a ellos, en miles ({unit} = 1)"
    ),
    "heatmap_title": Text(
        "Who came back, by month of first purchase: {measure}",
        "Quién volvió, por mes de primera compra: {measure}",
    ),
    "heatmap_alt": Text(
        "Heat map of {cohorts} monthly cohorts; {measure}. In the month after the first purchase "
        "{share} of customers bought again. The highest cell is {best}: cohort {cohort}, month "
        "{period}.",
        "Mapa de calor de {cohorts} cohortes mensuales; {measure}. En el mes siguiente a la "
        "primera compra volvió a comprar el {share} de los clientes. La celda más alta es {best}: "
        "cohorte {cohort}, mes {period}.",
    ),
    "heatmap_empty": Text(
        "No cohort has a whole month after its first yet.",
        "Ninguna cohorte tiene todavía un mes completo después del primero.",
    ),
    "opening_cohort": Text(
        "{month}: the log begins, many are older customers",
        "{month}: empieza el registro, muchos ya eran clientes",
    ),
    "first_bought_in": Text("first bought in {year}", "primera compra en {year}"),
    "share_active": Text("bought in that month", "compró en ese mes"),
    "curves_title": Text(
        "Share of customers who buy in each month after their first",
        "Parte de los clientes que compra en cada mes tras el primero",
    ),
    "curves_alt": Text("Line chart of retention.", "Gráfico de líneas de retención."),
    "curve_alt": Text(
        "{name}: {first} in the month after the first purchase, {last} in month {month}.",
        "{name}: {first} en el mes siguiente a la primera compra, {last} en el mes {month}.",
    ),
    "net_sales": Text("sales", "ventas"),
    "sales_title": Text("Sales by month", "Ventas por mes"),
    "sales_alt": Text(
        "Bar chart of sales by month from {first} to {last}; the highest is {best} with {value}.",
        "Gráfico de barras de ventas por mes de {first} a {last}; la más alta es {best}, con "
        "{value}.",
    ),
    "expected_value": Text("expected value", "valor esperado"),
    "tier": Text("tier", "nivel"),
    "nineteen_in_twenty": Text("19 in 20 above", "19 de cada 20, más de"),
    "three_in_four": Text("3 in 4 above", "3 de cada 4, más de"),
    "half": Text("half above", "la mitad, más de"),
    "one_in_four": Text("1 in 4 above", "1 de cada 4, más de"),
    "one_in_twenty": Text("1 in 20 above", "1 de cada 20, más de"),
    "boxes_title": Text(
        "How much is expected of a customer, by tier", "Cuánto se espera de un cliente, por nivel"
    ),
    "tier_alt": Text(
        "{tier}: half of the customers are expected to bring more than {median}, the middle half "
        "between {low} and {high}.",
        "{tier}: de la mitad de los clientes se espera más de {median}; de la mitad central, "
        "entre {low} y {high}.",
    ),
    "of_value": Text("of expected value", "del valor esperado"),
    "of_customers": Text("of customers", "de los clientes"),
    "customers": Text("customers", "clientes"),
    "shares_title": Text(
        "Customers and expected value, by tier",
        "Clientes y valor esperado, por nivel",
    ),
    "shares_alt": Text(
        "{tier}: {customers} of customers, {value} of expected value.",
        "{tier}: {customers} de los clientes, {value} del valor esperado.",
    ),
    "rfm_group": Text("RFM group", "grupo RFM"),
    "bar_customers": Text("customers: {customers}", "clientes: {customers}"),
    "each": Text("expected of each", "esperado de cada uno"),
    "group_alt": Text("{name} ({money})", "{name} ({money})"),
    "groups_alt": Text(
        "Bar chart of {groups} RFM groups; most is expected of {most}.",
        "Gráfico de barras de {groups} grupos RFM; más se espera de {most}.",
    ),
    "groups_title": Text("Expected value by RFM group", "Valor esperado por grupo RFM"),
    "forecast": Text("forecast", "pronóstico"),
    "what_came": Text("what came", "lo que llegó"),
    "made_on": Text("forecast made on", "pronóstico del"),
    "difference": Text("forecast too high (+) or too low (−)", "pronóstico alto (+) o bajo (−)"),
    "held_alt": Text(
        "Forecast of {made_on}: {expected}; what came: {actual}.",
        "Pronóstico del {made_on}: {expected}; lo que llegó: {actual}.",
    ),
    "held_title": Text(
        "The same forecast at earlier dates, {days} days ahead, and what came",
        "El mismo pronóstico en fechas anteriores, a {days} días, y lo que llegó",
    ),
    "days_from_now": Text("days from now", "días desde ahora"),
    "chance": Text("chance of another order", "probabilidad de otro pedido"),
    "within_days": Text("within {days} days", "en {days} días"),
    "chance_alt": Text("Within {days} days: {chance}.", "En {days} días: {chance}."),
    "chance_title": Text(
        "Chance of another order, as time goes by",
        "Probabilidad de otro pedido, según pasa el tiempo",
    ),
    "tier_A": Text("A: first half", "A: primera mitad"),
    "tier_B": Text("B: next 30 %", "B: siguiente 30 %"),
    "tier_C": Text("C: the rest", "C: el resto"),
    "alive_title": Text(
        "How likely somebody {age} days after the first purchase still is a customer",
        "Probabilidad de que alguien siga siendo cliente {age} días después de su primera compra",
    ),
    "alive_alt": Text(
        "Heat map by repeat purchase days and days since the last purchase. With {few} repeat "
        "purchase days and {days} silent days the probability is {some}; with {many}, {other}.",
        "Mapa de calor por días de recompra y días desde la última compra. Con {few} días de "
        "recompra y {days} días de silencio, la probabilidad es {some}; con {many}, {other}.",
    ),
    "silent_days": Text("days since the last purchase", "días desde la última compra"),
    "repeat_days": Text("repeat purchase days", "días de recompra"),
    "champions": Text("Champions", "Campeones"),
    "loyal": Text("Loyal", "Fieles"),
    "potential_loyalist": Text("Potential loyalists", "Fieles en potencia"),
    "new_customer": Text("New customers", "Clientes nuevos"),
    "promising": Text("Promising", "Prometedores"),
    "needs_attention": Text("Need attention", "Necesitan atención"),
    "about_to_sleep": Text("About to sleep", "A punto de dormirse"),
    "at_risk": Text("At risk", "En riesgo"),
    "cannot_lose": Text("Cannot lose them", "No podemos perderlos"),
    "hibernating": Text("Hibernating", "Hibernando"),
    "lost": Text("Lost", "Perdidos"),
}


def tier_name(tier: str, speech: Speech) -> str:
    return speech(TEXTS[f"tier_{tier}"])


def rfm_name(group: str, speech: Speech) -> str:
    return speech(TEXTS[group])
