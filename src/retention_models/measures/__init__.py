"""The rates of every report, their changes, and cohorts: the engine sums over customers."""
