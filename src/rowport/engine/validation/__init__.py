"""Text cells in, typed rows and row errors out, by a Table Schema."""

from __future__ import annotations

from rowport.engine.validation.readers import ARROW_TYPES, JSON_TYPES
from rowport.engine.validation.validator import Validated, Validator

__all__ = ["ARROW_TYPES", "JSON_TYPES", "Validated", "Validator"]
