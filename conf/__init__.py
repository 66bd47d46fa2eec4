"""Settings: frozen dataclasses that document every setting, and YAML profiles with values."""
