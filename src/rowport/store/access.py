"""Users, tokens and this installation's secrets in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from rowport.model.access import Principal, Role, Scope, Token, User
from rowport.model.ids import new_oid, new_uuid
from rowport.model.organizations import Organization
from rowport.store.saying import many, one, only, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from rowport.ports import Transaction


def _to_user(row: Mapping[str, Any]) -> User:
    return User(
        id=row["id"],
        oid=row["oid"],
        organization_id=row["organization_id"],
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        role=Role(row["role"]),
        attributes=row["attributes"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


class PostgresAccess:
    """Who may do what, in the ledger."""

    def ensure_user(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        email: str,
        first_name: str = "",
        last_name: str = "",
        role: Role = Role.MEMBER,
        attributes: Mapping[str, object] | None = None,
    ) -> User:
        """Give the user of this address; made if there is none."""
        say(
            tx,
            "insert_user",
            id=new_uuid(),
            oid=new_oid(),
            organization_id=organization_id,
            email=email,
            first_name=first_name,
            last_name=last_name,
            role=role,
            attributes=Jsonb(dict(attributes or {})),
        )
        return _to_user(only(tx, "user_by_email", organization_id=organization_id, email=email))

    def user(self, tx: Transaction, organization_id: UUID, user_id: UUID) -> User | None:
        """Give a user."""
        row = one(tx, "user_by_id", organization_id=organization_id, id=user_id)
        return None if row is None else _to_user(row)

    def users(
        self, tx: Transaction, organization_id: UUID, user_ids: Sequence[UUID]
    ) -> dict[UUID, User]:
        """Give those of these users that there are."""
        rows = many(tx, "users_by_ids", organization_id=organization_id, ids=list(user_ids))
        return {row["id"]: _to_user(row) for row in rows}

    def add_token(
        self,
        tx: Transaction,
        user: User,
        *,
        name: str,
        secret_sha256: bytes,
        scopes: frozenset[Scope],
        expires_at: datetime | None,
    ) -> UUID:
        """Write a token, of whose secret only the hash is known here."""
        token_id = new_uuid()
        say(
            tx,
            "insert_token",
            id=token_id,
            organization_id=user.organization_id,
            user_id=user.id,
            name=name,
            secret_sha256=secret_sha256,
            scopes=sorted(scopes),
            expires_at=expires_at,
        )
        return token_id

    def principal(self, tx: Transaction, secret_sha256: bytes) -> Principal | None:
        """Give for whom a living token speaks, and note that it was used."""
        row = one(tx, "principal_by_secret", secret_sha256=secret_sha256)
        if row is None:
            return None
        if row["is_stale"]:
            say(tx, "touch_token", organization_id=row["organization_id"], id=row["token_id"])
        organization = Organization(
            id=row["organization_id"],
            oid=row["organization_oid"],
            slug=row["slug"],
            name=row["organization_name"],
            time_zone=row["time_zone"],
            attributes=row["organization_attributes"],
        )
        return Principal(
            organization=organization,
            user=_to_user(row),
            token_id=row["token_id"],
            token_name=row["token_name"],
            scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        )

    def lock_first_token(self, tx: Transaction) -> None:
        """Let nobody else make the first token until the transaction ends."""
        one(tx, "lock_first_token")

    def has_admin_token(self, tx: Transaction) -> bool:
        """Tell whether there ever was a token for everything, in any organization."""
        return bool(only(tx, "has_admin_token")["has"])

    def has_secret(self, tx: Transaction, secret_sha256: bytes) -> bool:
        """Tell whether there ever was a token of this secret."""
        return bool(only(tx, "has_secret", secret_sha256=secret_sha256)["has"])

    def revoke(self, tx: Transaction, organization_id: UUID, token_id: UUID) -> bool:
        """End a token; tells whether there was one."""
        return say(tx, "revoke_token", organization_id=organization_id, id=token_id) == 1

    def tokens(self, tx: Transaction, organization_id: UUID) -> Sequence[Token]:
        """Give the tokens of an organization, the newest first."""
        return [
            Token(**{**row, "scopes": frozenset(Scope(s) for s in row["scopes"])})
            for row in many(tx, "list_tokens", organization_id=organization_id)
        ]

    def set_organization(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        name: str,
        time_zone: str,
        attributes: Mapping[str, object],
    ) -> None:
        """Change an organization's name, zone and attributes."""
        say(
            tx,
            "set_organization",
            organization_id=organization_id,
            name=name,
            time_zone=time_zone,
            attributes=Jsonb(dict(attributes)),
        )

    def secret(self, tx: Transaction, name: str, fresh: bytes) -> bytes:
        """Give this installation's secret of this name; `fresh` becomes it if there is none."""
        row = one(tx, "secret_by_name", name=name)
        if row is None:
            say(tx, "insert_secret", name=name, value=fresh)
            row = only(tx, "secret_by_name", name=name)
        return bytes(row["value"])
