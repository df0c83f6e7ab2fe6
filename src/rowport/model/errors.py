"""Every error that Rowport raises on purpose.

RowportError
├── Invalid ...................... 400  the request cannot be understood
│   ├── InvalidSchema ............ 422  a Table Schema that cannot be used
│   ├── InvalidOptions ........... 422  options that contradict each other or the record type
│   ├── UnreadableFile ........... 422  the bytes are not a table that can be read
│   ├── RuleTooSlow .............. 422  a check of the record type takes too long on these rows
│   ├── MappingIncomplete ........ 422  a required field has no column
│   │   └── FieldsMismatch ....... 422  the columns are not those that fieldsMatch asks for
│   ├── NotMendable .............. 422  a file that cannot be taken as mended failed rows
│   ├── TooLarge ................. 413  more than this part of Rowport takes
│   ├── SourceRefused ............ 422  a source that does not let us in or has no such place
│   ├── TooSlow .................. 408  the rest of the body does not come; transient
│   ├── UnsupportedMedia ......... 415  a body of another kind than is taken here
│   └── ChecksumMismatch ......... 460  a part that is not as its sender says
├── Unauthorized ................. 401  nobody knows who is asking
├── Forbidden .................... 403  the token does not allow this
├── NotFound ..................... 404
│   ├── ImportNotFound
│   ├── RecordTypeNotFound
│   ├── OrganizationNotFound
│   ├── TokenNotFound
│   ├── FeedNotFound
│   ├── RecordNotFound
│   ├── UploadNotFound
│   └── WebhookNotFound
├── Conflict ..................... 409
│   ├── IllegalTransition              the import is not in a state that allows this
│   ├── NothingToRetry                 no row of the import failed or is unprocessed
│   ├── AlreadyUndone                  the import was taken back
│   ├── NothingToUndo                  the import wrote no record
│   ├── SlugTaken                      another organization has this slug
│   ├── DestinationConflict            the destination table cannot follow the record type
│   ├── WrongOffset                    a part begins where the upload does not end
│   ├── RecordTypeInUse                something needs the record type still
│   └── WebhookDisabled                nothing is sent to the webhook until it is put again
├── PreconditionFailed ........... 412  the thing is another than the request was made for
├── TooManyRequests .............. 429  transient: more calls than a token or organization may make
│   └── UnsupportedVersion             of a protocol
├── Locked ....................... 423  transient: somebody else is writing it
├── ResultsExpired ............... 410  the fates of the import's rows are kept no more
├── SourceChanged ................ 409  transient: a file of a source is another one now
├── StorageFull .................. 507  transient
└── Unavailable .................. 503  transient: the database or a store does not answer

The docstring is the default message.  `status` is the HTTP status, `code` is stable for ever,
`transient` says whether the same call can succeed later without anybody mending anything.
A row's fault is never one of these: it is a `RowError` value.
"""

from __future__ import annotations

from typing import ClassVar, Self


class RowportError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    transient: ClassVar[bool] = False

    def __init__(self, message: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        super().__init__(self.message)


class Invalid(RowportError):
    """The request cannot be understood."""

    status = 400
    code = "invalid_request"

    def __init__(self, message: str | None = None, *, pointer: str | None = None) -> None:
        super().__init__(message)
        self.pointer = pointer
        """The place at fault in the document that was sent, as a JSON pointer (RFC 6901)."""


class InvalidSchema(Invalid):
    """The Table Schema cannot be used."""

    status = 422
    code = "invalid_schema"

    @classmethod
    def at(cls, pointer: str, what: str) -> Self:
        """Say what is wrong at a place of the schema."""
        return cls(f"{pointer or '/'}: {what}", pointer=pointer)


class InvalidOptions(Invalid):
    """The options contradict each other or the record type."""

    status = 422
    code = "invalid_options"


class UnreadableFile(Invalid):
    """The file is not a table that can be read."""

    status = 422
    code = "unreadable_file"


class EmptyFile(UnreadableFile):
    """There is nothing in the file: no header and no row."""


class RuleTooSlow(Invalid):
    """A check between fields takes too long on the rows of this file."""

    status = 422
    code = "rule_too_slow"


class MappingIncomplete(Invalid):
    """A required field has no column in the file."""

    status = 422
    code = "mapping_incomplete"


class FieldsMismatch(MappingIncomplete):
    """The file's columns do not meet the fields as the schema's fieldsMatch asks."""

    code = "fields_mismatch"


class NotMendable(Invalid):
    """The file cannot be taken as the mended failed rows of the import."""

    status = 422
    code = "not_mendable"


class TooLarge(Invalid):
    """The body is larger than what is taken here."""

    status = 413
    code = "too_large"


class SourceRefused(Invalid):
    """The source does not let us in, or has no such place."""

    status = 422
    code = "source_refused"


class TooSlow(Invalid):
    """The rest of the body does not come."""

    status = 408
    code = "too_slow"
    transient = True


class UnsupportedMedia(Invalid):
    """The body is of another kind than is taken here."""

    status = 415
    code = "unsupported_media"


class ChecksumMismatch(Invalid):
    """The bytes that arrived are not those that were sent."""

    status = 460
    code = "checksum_mismatch"


class Unauthorized(RowportError):
    """The request carries no valid token."""

    status = 401
    code = "unauthorized"


class Forbidden(RowportError):
    """The token does not allow this."""

    status = 403
    code = "forbidden"


class NotFound(RowportError):
    """There is no such thing."""

    status = 404
    code = "not_found"


class ImportNotFound(NotFound):
    """No import has this id, or its retention has ended."""

    code = "import_not_found"


class RecordTypeNotFound(NotFound):
    """No record type has this name."""

    code = "record_type_not_found"


class OrganizationNotFound(NotFound):
    """No organization has this id or slug."""

    code = "organization_not_found"


class TokenNotFound(NotFound):
    """No token has this id."""

    code = "token_not_found"


class RecordNotFound(NotFound):
    """No record of this type has this id."""

    code = "record_not_found"


class UploadNotFound(NotFound):
    """No upload has this id, or it has expired."""

    code = "upload_not_found"


class WebhookNotFound(NotFound):
    """No webhook has this name."""

    code = "webhook_not_found"


class FeedNotFound(NotFound):
    """No feed has this name or id."""

    code = "feed_not_found"


class ResultsExpired(RowportError):
    """The fates of the import's rows are kept no more."""

    status = 410
    code = "results_expired"


class Conflict(RowportError):
    """The thing is not in a state that allows this."""

    status = 409
    code = "conflict"


class IllegalTransition(Conflict):
    """The import is not in a state that allows this."""

    code = "illegal_transition"


class NothingToRetry(Conflict):
    """No row of the import failed or is unprocessed."""

    code = "nothing_to_retry"


class AlreadyUndone(Conflict):
    """The import was taken back: its rows cannot be tried again."""

    code = "already_undone"


class NothingToUndo(Conflict):
    """The import wrote no record."""

    code = "nothing_to_undo"


class SlugTaken(Conflict):
    """Another organization has this slug."""

    code = "slug_taken"


class DestinationConflict(Conflict):
    """The destination table cannot follow the record type."""

    code = "destination_conflict"


class WrongOffset(Conflict):
    """The part does not begin where the upload ends."""

    code = "wrong_offset"


class RecordTypeInUse(Conflict):
    """Something needs the record type still."""

    code = "record_type_in_use"


class WebhookDisabled(Conflict):
    """Nothing is sent to the webhook until it is put again."""

    code = "webhook_disabled"


class PreconditionFailed(RowportError):
    """The thing is another one than the request was made for."""

    status = 412
    code = "precondition_failed"


class SourceChanged(RowportError):
    """The file changed in its source while it was read."""

    status = 409
    code = "source_changed"
    transient = True


class TooManyRequests(RowportError):
    """There were more calls than are allowed in a while."""

    status = 429
    code = "too_many_requests"
    transient = True

    def __init__(self, message: str | None = None, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnsupportedVersion(PreconditionFailed):
    """This version of the protocol is not spoken here."""

    code = "unsupported_version"


class Locked(RowportError):
    """Somebody else is writing it just now."""

    status = 423
    code = "locked"
    transient = True


class StorageFull(RowportError):
    """There is no room left where uploads are kept."""

    status = 507
    code = "storage_full"
    transient = True


class Unavailable(RowportError):
    """The database or a store does not answer."""

    status = 503
    code = "unavailable"
    transient = True
