"""Whether forecasts are to be believed: holdouts, tracking, calibration, verdicts."""
