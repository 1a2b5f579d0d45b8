"""From raw order logs to customer summaries: one step per file, Ibis table in, Ibis table out."""
