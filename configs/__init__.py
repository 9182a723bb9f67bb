"""Presets: quick (default), standard and paper."""
