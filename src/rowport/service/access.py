"""Organizations, users and tokens: who is asking, and what may they do."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID
from zoneinfo import available_timezones

from rowport.model.access import Principal, Role, Scope, Token, User
from rowport.model.errors import (
    Forbidden,
    InvalidOptions,
    NotFound,
    OrganizationNotFound,
    SlugTaken,
    TokenNotFound,
    Unauthorized,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rowport.model.organizations import Organization
    from rowport.ports import Transaction
    from rowport.ports.ledger import Ledger

PREFIX: Final = "rp_"
"""What a secret begins with, so that scanners of leaked secrets can tell it."""
SECRET_BYTES: Final = 32
LONGEST_SECRET: Final = 512
SHORTEST_GIVEN: Final = 32
GIVEN: Final = re.compile(f"[!-~]{{{SHORTEST_GIVEN},{LONGEST_SECRET}}}")
SLUG: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LONGEST_NAME: Final = 200
MOST_RUNNING: Final = 1_000_000
MOST_WEIGHT: Final = 100


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

    def create_organization(
        self, slug: str, name: str | None = None, *, time_zone: str = "UTC"
    ) -> Organization:
        """Make an organization; without a name it is called as its slug.

        Raises:
            InvalidOptions: the slug, the name or the zone cannot be.
            SlugTaken: there is one of this slug.
        """
        if not SLUG.fullmatch(slug):
            raise InvalidOptions(
                f"{slug[:60]!r} cannot be a slug: it has 1 to 41 lower-case letters, digits and "
                "`_`, and begins with a letter; it names the organization's PostgreSQL schema."
            )
        name = slug if name is None else name
        _check_name(name, of="an organization")
        _check_zone(time_zone)
        with self.ledger.database.transaction() as tx:
            made = self.ledger.organizations.create(tx, slug, name)
            if made is None:
                raise SlugTaken(f"There is an organization {slug!r} already.")
            return self._set(tx, made, name=name, time_zone=time_zone)

    def change_organization(
        self, organization_id: UUID, *, name: str | None = None, time_zone: str | None = None
    ) -> Organization:
        """Change what is given of an organization; its slug is for ever.

        Raises:
            OrganizationNotFound: there is none of this id.
            InvalidOptions: the name or the zone cannot be.
        """
        found = self.organization(str(organization_id))
        name = found.name if name is None else name
        time_zone = found.time_zone if time_zone is None else time_zone
        _check_name(name, of="an organization")
        _check_zone(time_zone)
        with self.ledger.database.transaction() as tx:
            return self._set(tx, found, name=name, time_zone=time_zone)

    def set_shares(
        self, organization_id: UUID, *, running_limit: int | None, weight: int
    ) -> Organization:
        """Say how many imports of an organization run at once, and its share of the workers.

        Raises:
            OrganizationNotFound: there is none of this id.
            InvalidOptions: a number is out of its range.
        """
        if running_limit is not None and not 1 <= running_limit <= MOST_RUNNING:
            raise InvalidOptions(f"The limit of running imports is 1 to {MOST_RUNNING}.")
        if not 1 <= weight <= MOST_WEIGHT:
            raise InvalidOptions(f"The weight of an organization is 1 to {MOST_WEIGHT}.")
        with self.ledger.database.transaction() as tx:
            self.ledger.organizations.set_shares(
                tx, organization_id, running_limit=running_limit, weight=weight
            )
        return self.organization(str(organization_id))

    def _set(
        self, tx: Transaction, organization: Organization, *, name: str, time_zone: str
    ) -> Organization:
        self.ledger.access.set_organization(
            tx,
            organization.id,
            name=name,
            time_zone=time_zone,
            attributes=organization.attributes,
        )
        return replace(organization, name=name, time_zone=time_zone)

    def organization(self, said: str) -> Organization:
        """Give an organization by its id or its slug.

        Raises:
            OrganizationNotFound: there is none.
        """
        with self.ledger.database.transaction() as tx:
            organizations = self.ledger.organizations
            found = (
                organizations.find(tx, said)
                if SLUG.fullmatch(said)
                else organizations.by_id(tx, UUID(said))
                if ID.fullmatch(said)
                else None
            )
        if found is None:
            raise OrganizationNotFound(f"There is no organization {said[:60]!r}.")
        return found

    def organizations(self) -> Sequence[Organization]:
        """Give all organizations, by slug."""
        with self.ledger.database.transaction() as tx:
            return self.ledger.organizations.list(tx)

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
        with self.ledger.database.transaction() as tx:
            return self._issue(
                tx, user, name=name, scopes=scopes, expires_at=expires_at, secret=secret
            )

    def issue_in(
        self,
        organization: Organization,
        *,
        name: str,
        scopes: frozenset[Scope],
        expires_at: datetime | None = None,
    ) -> IssuedToken:
        """Make a token of an organization that speaks for no person.

        Raises:
            InvalidOptions: the name, the scopes or the expiry cannot be.
        """
        _check_name(name, of="a token")
        if not scopes:
            raise InvalidOptions(f"A token has at least one scope of: {', '.join(Scope)}.")
        if expires_at is not None and expires_at <= datetime.now(UTC):
            raise InvalidOptions("The token would have expired already.")
        with self.ledger.database.transaction() as tx:
            return self._issue(
                tx,
                self._nobody(tx, organization, scopes),
                name=name,
                scopes=scopes,
                expires_at=expires_at,
            )

    def first_token(self, organization: Organization, given: str | None) -> IssuedToken | None:
        """Make the installation's first token for everything; None if there was one ever.

        `given` is its secret where whoever runs the installation has one; it is made once more
        when it is another one, and stays revoked where it was revoked.

        Raises:
            InvalidOptions: the given secret can be guessed, or cannot be sent in a header.
        """
        if given is not None and not GIVEN.fullmatch(given):
            raise InvalidOptions(
                f"the admin token has {SHORTEST_GIVEN} to {LONGEST_SECRET} visible ASCII "
                "characters; `rp_` and 32 random bytes in base64 do well"
            )
        scopes = frozenset({Scope.ADMIN})
        access = self.ledger.access
        with self.ledger.database.transaction() as tx:
            access.lock_first_token(tx)
            is_there = access.has_secret(tx, digest(given)) if given else access.has_admin_token(tx)
            if is_there:
                return None
            user = self._nobody(tx, organization, scopes)
            return self._issue(tx, user, name="first admin token", scopes=scopes, secret=given)

    def _nobody(
        self, tx: Transaction, organization: Organization, scopes: frozenset[Scope]
    ) -> User:
        """Give the user for whom tokens speak that are no person's."""
        is_admin = Scope.ADMIN in scopes
        return self.ledger.access.ensure_user(
            tx,
            organization.id,
            email="admin@localhost" if is_admin else "api@localhost",
            first_name="Admin" if is_admin else "API",
            role=Role.ADMIN if is_admin else Role.MEMBER,
        )

    def _issue(
        self,
        tx: Transaction,
        user: User,
        *,
        name: str,
        scopes: frozenset[Scope],
        expires_at: datetime | None = None,
        secret: str | None = None,
    ) -> IssuedToken:
        secret = secret or PREFIX + secrets.token_urlsafe(SECRET_BYTES)
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
            raise Unauthorized("The token is unknown, expired or revoked.")
        with self.ledger.database.transaction() as tx:
            principal = self.ledger.access.principal(tx, digest(secret))
        if principal is None:
            raise Unauthorized("The token is unknown, expired or revoked.")
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
            TokenNotFound: the organization has none of this id.
        """
        with self.ledger.database.transaction() as tx:
            if not self.ledger.access.revoke(tx, organization_id, token_id):
                raise TokenNotFound(f"There is no token {token_id}.")

    def token(self, organization_id: UUID, token_id: UUID) -> Token:
        """Give a token, without its secret.

        Raises:
            TokenNotFound: the organization has none of this id.
        """
        for token in self.tokens(organization_id):
            if token.id == token_id:
                return token
        raise TokenNotFound(f"There is no token {token_id}.")

    def tokens(self, organization_id: UUID) -> Sequence[Token]:
        """Give the tokens of an organization, the newest first, without their secrets."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.access.tokens(tx, organization_id)


def _check_name(name: str, *, of: str) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or "\x00" in name:
        raise InvalidOptions(f"The name of {of} has 1 to {LONGEST_NAME} characters and no NUL.")


def _check_zone(name: str) -> None:
    if name not in available_timezones():
        raise InvalidOptions(f"{name[:60]!r} is no IANA time zone, as Europe/Berlin is one.")


def require(principal: Principal, scope: Scope) -> None:
    """Let only those through whose token allows this.

    Raises:
        Forbidden: it does not.
    """
    if not principal.may(scope):
        raise Forbidden(f"This token does not have the scope {scope}.")
