"""Where a data type's data comes from: `internal`, which is all that Rowport serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rowport.dialects.mileapp.bodies import optional_text
from rowport.dialects.mileapp.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

INTERNAL: Final = "internal"
EXTERNAL: Final = "external-api"
PROVIDERS: Final = frozenset({INTERNAL, EXTERNAL})


def wanted_providers(query: Mapping[str, str]) -> frozenset[str]:
    """Read which providers a list is asked for.

    Raises:
        Refused: one of them is none that there is.
    """
    wanted = frozenset(part.strip() for part in query.get("provider", INTERNAL).split(","))
    if not wanted <= PROVIDERS:
        raise Refused(400, "Invalid provider value")
    return wanted


def check_provider(body: dict[str, Any], *, is_new: bool) -> None:
    """See that a data type is one whose data is imported.

    Raises:
        Refused: its data would come from elsewhere, or the provider is none that there is.
    """
    said = optional_text(body, "provider")
    if said is not None and said not in PROVIDERS:
        raise Refused(400, "The selected provider is invalid.")
    if said == EXTERNAL and is_new:
        raise Refused(422, f"Data types of the provider {EXTERNAL} are not supported.")
    if said == EXTERNAL:
        raise Refused(400, "The provider of a data type cannot be changed.")
    if body.get("providerConfig") is not None:
        raise Refused(400, f"The provider config must be null for the provider {INTERNAL}.")
