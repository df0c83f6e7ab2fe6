"""Organizations, users and tokens: who is asking, and what may they do."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.model.access import Principal, Role, Scope, Token, User
from rowport.model.errors import Forbidden, NotFound, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from rowport.model.organizations import Organization
    from rowport.ports.ledger import Ledger

PREFIX: Final = "rp_"
"""What a secret begins with, so that scanners of leaked secrets can tell it."""
SECRET_BYTES: Final = 32
LONGEST_SECRET: Final = 512


def digest(secret: str) -> bytes:
    """Give what is kept of a secret.

    A fast hash is right here: the secret is 256 random bits, which no dictionary holds, and a
    slow one would let anybody keep the server busy.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A new token; its secret is shown once and never again."""

    id: UUID
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may do what."""

    ledger: Ledger

    def ensure_organization(
        self,
        slug: str,
        name: str,
        *,
        time_zone: str = "UTC",
        attributes: Mapping[str, object] | None = None,
    ) -> Organization:
        """Give the organization of this slug, with this name, zone and attributes."""
        with self.ledger.database.transaction() as tx:
            found = self.ledger.organizations.ensure(tx, slug, name)
            self.ledger.access.set_organization(
                tx,
                found.id,
                name=name,
                time_zone=time_zone,
                attributes={**found.attributes, **(attributes or {})},
            )
            return self.ledger.organizations.ensure(tx, slug, name)

    def ensure_user(
        self,
        organization: Organization,
        *,
        email: str,
        first_name: str = "",
        last_name: str = "",
        role: Role = Role.MEMBER,
    ) -> User:
        """Give the user of this address; made if there is none."""
        with self.ledger.database.transaction() as tx:
            return self.ledger.access.ensure_user(
                tx,
                organization.id,
                email=email,
                first_name=first_name,
                last_name=last_name,
                role=role,
            )

    def issue(
        self,
        user: User,
        *,
        name: str,
        scopes: frozenset[Scope],
        expires_at: datetime | None = None,
        secret: str | None = None,
    ) -> IssuedToken:
        """Make a token; `secret` only where an outside system prescribes its shape."""
        secret = secret or PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        with self.ledger.database.transaction() as tx:
            token_id = self.ledger.access.add_token(
                tx,
                user,
                name=name,
                secret_sha256=digest(secret),
                scopes=scopes,
                expires_at=expires_at,
            )
        return IssuedToken(id=token_id, secret=secret)

    def authenticate(self, secret: str) -> Principal:
        """Tell for whom a secret speaks.

        Raises:
            Unauthorized: it is unknown, expired or revoked.
        """
        if not secret or len(secret) > LONGEST_SECRET:
            raise Unauthorized
        with self.ledger.database.transaction() as tx:
            principal = self.ledger.access.principal(tx, digest(secret))
            if principal is None:
                raise Unauthorized
            self.ledger.access.touch(tx, principal)
        return principal

    def user(self, organization_id: UUID, user_id: UUID) -> User:
        """Give a user.

        Raises:
            NotFound: the organization has none of this id.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            found = self.ledger.access.user(tx, organization_id, user_id)
        if found is None:
            raise NotFound(f"There is no user {user_id}.")
        return found

    def users(self, organization_id: UUID, user_ids: Sequence[UUID]) -> Mapping[UUID, User]:
        """Give those of these users that the organization has, by id; one look for all."""
        if not user_ids:
            return {}
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.access.users(tx, organization_id, user_ids)

    def revoke(self, organization_id: UUID, token_id: UUID) -> None:
        """End a token; effective at the next request.

        Raises:
            NotFound: the organization has none of this id.
        """
        with self.ledger.database.transaction() as tx:
            if not self.ledger.access.revoke(tx, organization_id, token_id):
                raise NotFound(f"There is no token {token_id}.")

    def tokens(self, organization_id: UUID) -> Sequence[Token]:
        """Give the tokens of an organization, the newest first, without their secrets."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.access.tokens(tx, organization_id)


def require(principal: Principal, scope: Scope) -> None:
    """Let only those through whose token allows this.

    Raises:
        Forbidden: it does not.
    """
    if not principal.may(scope):
        raise Forbidden(f"This token does not have the scope {scope}.")
