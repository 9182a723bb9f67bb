"""Presets: one TOML file each; `harness list presets` names them."""
