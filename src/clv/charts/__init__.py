"""Tables to Plotly figures: no questions, no state, and no other module draws.

Each function gives a :class:`~clv.charts.chart.Chart`: the figure, what it says in words for
those who cannot see it, and its numbers as a table.
"""
