"""Settings: frozen dataclasses with every setting's meaning, and the YAML profiles that fill them."""
