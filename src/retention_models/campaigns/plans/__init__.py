"""Before and during a campaign: how many customers it takes, who gets which arm, when one may look."""
