"""How often a token and an organization may call, and the headers that say so.

Source: draft-ietf-httpapi-ratelimit-headers.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from litestar.types import HTTPScope

from rowport.model.access import Principal
from rowport.model.errors import TooManyRequests
from rowport.wire.limits import Limiter, Rate, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE_S: Final = 60
VERDICTS: Final = "rate_verdicts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """So many calls a minute; all counted in this process."""

    limiter: Limiter
    token: int
    organization: int

    def count(self, principal: Principal, state: Any) -> None:  # noqa: ANN401  the framework's bag
        """Count a call, and leave word of it for the answer.

        Raises:
            TooManyRequests: there were too many in this minute.
        """
        if not self.limiter.is_on:
            return
        asked = {
            "token": (f"native:token:{principal.token_id}", self.token),
            "organization": (f"native:organization:{principal.organization.id}", self.organization),
        }
        verdicts: dict[str, Verdict] = {}
        state[VERDICTS] = verdicts
        for name, (caller, calls) in asked.items():
            verdicts[name] = self.limiter.take(caller, Rate(calls=calls, seconds=MINUTE_S))
            if not verdicts[name].allowed:
                raise TooManyRequests(
                    f"This {name} may call {calls:,} times a minute.",
                    retry_after_s=math.ceil(verdicts[name].retry_after_s),
                )


def rate_headers(scope: HTTPScope) -> list[tuple[bytes, bytes]]:
    """Give the headers of the limits that a request was counted against."""
    verdicts: Mapping[str, Verdict] = scope.get("state", {}).get(VERDICTS, {})
    if not verdicts:
        return []
    policy = ", ".join(f'"{name}";q={each.limit};w={MINUTE_S}' for name, each in verdicts.items())
    now = ", ".join(
        f'"{name}";r={each.remaining};t={math.ceil(each.reset_after_s)}'
        for name, each in verdicts.items()
    )
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", now.encode())]
