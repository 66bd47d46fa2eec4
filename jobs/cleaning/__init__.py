"""From listings and predictions to decisions, flags, metrics and gates."""
