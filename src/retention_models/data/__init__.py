"""A shop's log opened, checked against the contract, and refused or kept, in any engine."""
