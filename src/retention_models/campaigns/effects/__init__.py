"""What a campaign changed, how far to believe it, and whether it paid: results by declared design."""
