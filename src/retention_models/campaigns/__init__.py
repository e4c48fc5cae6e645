"""What a campaign changed: one module per way in which customers or stores came to be in it."""
