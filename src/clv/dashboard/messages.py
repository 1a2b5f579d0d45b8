"""What the dashboard says, in English and Spanish."""

from __future__ import annotations

from clv.speech import Text

TEXTS = {
    "this_week_nav": Text("This week", "Esta semana"),
    "segments_nav": Text("Cohorts & segments", "Cohortes y segmentos"),
    "customers_nav": Text("Customers", "Clientes"),
    "this_week_title": Text("This week", "Esta semana"),
    "segments_title": Text("Cohorts & segments", "Cohortes y segmentos"),
    "customers_title": Text("Customers", "Clientes"),
    "no_forecast": Text(
        "There is no forecast to show yet. The line below says what is missing; `clv run` makes "
        "everything.",
        "Todavía no hay pronóstico que mostrar. La línea de abajo dice qué falta; `clv run` lo "
        "hace todo.",
    ),
    "as_table": Text("View as table", "Ver como tabla"),
    "expected_in": Text("Expected in {days} days", "Esperado en {days} días"),
    "sales_last_year": Text("{sales}, last 365 days", "{sales}, últimos 365 días"),
    "customers": Text("Customers", "Clientes"),
    "lists_title": Text("Whom to look after first", "A quién atender primero"),
    "at_stake": Text("At stake over {days} days", "En juego en {days} días"),
    "lists_money": Text(
        "At stake is all that is expected of them over the longer reach: it does not come if they "
        "do not.",
        "En juego está todo lo que se espera de ellos en el plazo largo: no llega si ellos no "
        "vuelven.",
    ),
    "export_list": Text("Export with control group", "Exportar con grupo de control"),
    "left_out": Text("Who is not on it, and why", "Quién no está, y por qué"),
    "reason": Text("first reason", "primer motivo"),
    "evidence_title": Text("How these figures came about", "De dónde salen estas cifras"),
    "sales_note": Text(
        "Purchases less what was returned of them later. A hatched bar is a month that is not "
        "over.",
        "Compras menos lo que se devolvió de ellas después. Una barra rayada es un mes que no ha "
        "terminado.",
    ),
    "ladder_note": Text(
        "Your shop's own report should agree with the first or the last line; the lines between "
        "say what differs.",
        "El informe de su propia tienda debería coincidir con la primera línea o con la última; "
        "las de en medio dicen qué las separa.",
    ),
    "step": Text("step", "paso"),
    "amount": Text("amount", "importe"),
    "retention_header": Text("Who comes back", "Quién vuelve"),
    "measure": Text("In the map", "En el mapa"),
    "show_share": Text("% of customers", "% de clientes"),
    "show_count": Text("Number of customers", "Número de clientes"),
    "show_value": Text("Sales", "Ventas"),
    "heatmap_note": Text(
        "Read a row from left to right: what a month's new customers did afterwards. The first row "
        "holds customers from before the log began, so it looks better than the others.",
        "Lea una fila de izquierda a derecha: qué hicieron después los clientes nuevos de un mes. "
        "La primera fila incluye clientes anteriores al registro, por eso parece mejor que las "
        "demás.",
    ),
    "whole_months": Text(
        "Only whole months are shown; the log ends on {date}.",
        "Solo se muestran meses completos; el registro acaba el {date}.",
    ),
    "no_future": Text(
        "What happened so far. The months to come are not filled in yet.",
        "Lo ocurrido hasta ahora. Los meses por venir todavía no se completan.",
    ),
    "tiers_header": Text("Value tiers", "Niveles de valor"),
    "tiers_note": Text(
        "A are the customers who make up the first half of the expected value, B the next 30 %, C "
        "the rest. Spend care where the value is: losing one A costs as much as losing many C.",
        "A son los clientes que suman la primera mitad del valor esperado, B el siguiente 30 %, C "
        "el resto. Cuide donde está el valor: perder un A cuesta tanto como perder muchos C.",
    ),
    "tier": Text("tier", "nivel"),
    "from": Text("lowest forecast", "pronóstico más bajo"),
    "to": Text("highest forecast", "pronóstico más alto"),
    "expected": Text("expected of all of them", "esperado de todos ellos"),
    "boxes_note": Text(
        "A box holds the middle half of a tier's customers with the line at its middle, the "
        "whiskers nine in ten. Differences between customers, not how far a forecast may miss.",
        "Cada caja contiene la mitad central de los clientes de un nivel, con la línea en el "
        "centro; los bigotes, nueve de cada diez. Son diferencias entre clientes, no el margen de "
        "error de un pronóstico.",
    ),
    "rfm_header": Text("RFM groups", "Grupos RFM"),
    "rfm_note": Text(
        "By what customers did so far: how recently, how often and for how much they bought.",
        "Según lo que han hecho los clientes: cuándo compraron por última vez, cuántas veces y por "
        "cuánto.",
    ),
    "rfm_thresholds": Text("Where the groups begin", "Dónde empieza cada grupo"),
    "rfm_rule": Text(
        "R, F and M are fifths of the customers, 5 the best; FM is the mean of F and M, halves "
        "rounded up. The second table names the group of each pair.",
        "R, F y M son quintos de los clientes, 5 el mejor; FM es la media de F y M, los medios "
        "hacia arriba. La segunda tabla da nombre al grupo de cada pareja.",
    ),
    "fifth": Text("fifth", "quinto"),
    "recency_days": Text("R: days since the last order", "R: días desde el último pedido"),
    "orders": Text("orders", "pedidos"),
    "spent": Text("spent so far", "gastado hasta ahora"),
    "r_and_fm": Text("R and FM", "R y FM"),
    "up_to": Text("up to {high}", "hasta {high}"),
    "above_to": Text("above {low}, up to {high}", "más de {low}, hasta {high}"),
    "above": Text("above {low}", "más de {low}"),
    "customer_id": Text("customer", "cliente"),
    "customer_hint": Text(
        "Type a customer's id, or pick one in the table",
        "Escriba el identificador de un cliente, o elíjalo en la tabla",
    ),
    "unknown_customer": Text(
        "Nobody called {customer} bought anything up to {date}.",
        "Nadie llamado {customer} compró nada hasta el {date}.",
    ),
    "one_customer": Text("Customer {customer}", "Cliente {customer}"),
    "first_purchase": Text("first purchase", "primera compra"),
    "last_purchase": Text("last purchase", "última compra"),
    "silent_days": Text("days since then", "días desde entonces"),
    "usual_gap": Text("usual days between orders", "días habituales entre pedidos"),
    "rfm_group": Text("RFM group", "grupo RFM"),
    "country": Text("country", "país"),
    "first_product": Text("first product", "primer producto"),
    "not_known": Text("not known", "no consta"),
    "outlook": Text("What to expect", "Qué esperar"),
    "outlook_value": Text(
        "Customers with such a history bring {money} on average in {days} days, with {orders} "
        "orders.",
        "Los clientes con un historial así traen de media {money} en {days} días, con {orders} "
        "pedidos.",
    ),
    "outlook_chance": Text(
        "The chance of at least one order in {days} days is {some}; of none at all, {none}.",
        "La probabilidad de al menos un pedido en {days} días es {some}; de ninguno, {none}.",
    ),
    "outlook_rank": Text(
        "Out of 100 customers, {share} have a forecast no better.",
        "De cada 100 clientes, {share} tienen un pronóstico igual o inferior.",
    ),
    "confidence_high": Text("This forecast rests on much", "Este pronóstico tiene mucha base"),
    "confidence_medium": Text(
        "This forecast rests on some history", "Este pronóstico tiene cierta base"
    ),
    "confidence_low": Text("This forecast rests on little", "Este pronóstico tiene poca base"),
    "because": Text(": {reasons}", ": {reasons}"),
    "one_order": Text("only one order so far", "un solo pedido hasta ahora"),
    "short_history": Text(
        "first purchase less than 91 days ago", "primera compra hace menos de 91 días"
    ),
    "beyond_experience": Text(
        "known for less time than the forecast reaches ahead",
        "se le conoce desde hace menos de lo que alcanza el pronóstico",
    ),
    "one_order_dominates": Text("one order makes up most of it", "un pedido supone casi todo"),
    "all_orders_returned": Text("everything was returned", "lo devolvió todo"),
    "opening_cohort": Text(
        "may have been a customer before the log began",
        "quizá ya era cliente antes de que empezara el registro",
    ),
    "simulated": Text("a simulated customer", "un cliente simulado"),
    "no_customer_range": Text(
        "That is an average over many such customers; this one may bring nothing or several times "
        "as much. The model that answers gives no range.",
        "Es la media de muchos clientes así; este puede no traer nada o varias veces más. El "
        "modelo que responde no da un margen.",
    ),
    "range_nothing": Text(
        "For this one customer nothing is by far the likeliest.",
        "Para este cliente, lo más probable con diferencia es que no traiga nada.",
    ),
    "range_likely_nothing": Text(
        "For this one customer: most likely nothing; a chance of {above} of more than {upper}.",
        "Para este cliente: lo más probable es nada; una probabilidad del {above} de más de "
        "{upper}.",
    ),
    "range_from_zero": Text(
        "For this one customer: as likely above {median} as below; a chance of {above} of more "
        "than {upper}.",
        "Para este cliente: tan probable por encima de {median} como por debajo; una "
        "probabilidad del {above} de más de {upper}.",
    ),
    "range_between": Text(
        "For this one customer: as likely above {median} as below; between {lower} and {upper} "
        "with a chance of {level}.",
        "Para este cliente: tan probable por encima de {median} como por debajo; entre {lower} y "
        "{upper} con una probabilidad del {level}.",
    ),
    "next_order": Text(
        "The next order, if one comes, is about as likely before {middle} as after; half the "
        "chance lies between {start} and {end}.",
        "El próximo pedido, si llega, es tan probable antes del {middle} como después; la mitad "
        "de la probabilidad está entre el {start} y el {end}.",
    ),
    "chance_note": Text(
        "If nothing changes: no message, no season, no stock-out is in this curve.",
        "Si nada cambia: esta curva no sabe de mensajes, temporadas ni faltas de existencias.",
    ),
    "everybody": Text("All customers", "Todos los clientes"),
    "sort_by": Text("Sort by", "Ordenar por"),
    "found": Text(
        "{customers} customers, from whom {money} is expected in all.",
        "{customers} clientes, de los que se espera en total {money}.",
    ),
    "first_shown": Text("The first {shown} are shown.", "Se muestran los primeros {shown}."),
    "pick_hint": Text(
        "Select a row to see the customer; the address then leads there for others too.",
        "Seleccione una fila para ver al cliente; la dirección también llevará a otros hasta él.",
    ),
    "export_customers": Text("Export these customers", "Exportar estos clientes"),
    "all": Text("All", "Todos"),
    "value_tier": Text("tier", "nivel"),
    "cohort": Text("first bought in", "primera compra en"),
    "historic_number_of_orders": Text("orders", "pedidos"),
    "historic_clv": Text("spent so far", "gastado hasta ahora"),
    "predicted_clv": Text("expected value", "valor esperado"),
    "p_purchase_in_horizon": Text("chance of another order", "probabilidad de otro pedido"),
}
