"""Rows that refer to records of another type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rowport.model.errors import InvalidSchema
from rowport.model.imports import Mode, Policy
from rowport.model.outcomes import RowErrorCode
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import

COMPANIES: dict[str, object] = {
    "fields": [
        {"name": "domain", "transforms": ["trim", {"case": {"to": "lower"}}]},
        {"name": "number", "type": "integer", "constraints": {"unique": True}},
        {"name": "country"},
        {"name": "city"},
    ],
    "primaryKey": "domain",
}
KEY: dict[str, object] = {
    "fields": [{"name": "email"}, {"name": "company"}],
    "primaryKey": "email",
    "foreignKeys": [
        {"fields": "company", "reference": {"resource": "companies", "fields": "domain"}}
    ],
}


def contacts(missing: str | None = None, by: str = "domain", **field: Any) -> dict[str, object]:  # noqa: ANN401  JSON
    """Make contacts whose company is looked up."""
    lookup = {"type": "companies", "by": by} | ({"missing": missing} if missing else {})
    return {
        "fields": [{"name": "email"}, {"name": "company", "lookup": lookup, **field}],
        "primaryKey": "email",
    }


def put(engine: Engine, document: dict[str, object]) -> None:
    """Make companies with some records, and contacts that refer to them."""
    engine.put(COMPANIES, name="companies")
    text = "domain,number,country,city\na.com,1,de,Ulm\nb.com,2,de,Bonn\n"
    engine.run(text, name="companies", file_name="c.csv")
    engine.put(document, name="contacts")


def load(engine: Engine, companies: Sequence[str], **options: Any) -> Import:  # noqa: ANN401  ImportOptions'
    """Import contacts of these companies."""
    lines = [f"p{at}@x,{company}\n" for at, company in enumerate(companies)]
    text = "email,company\n" + "".join(lines)
    return engine.run(text, name="contacts", file_name="contacts.csv", **options)


def stored(engine: Engine) -> list[str | None]:
    """Give the domain to which each contact's id leads."""
    found = engine.sql(
        "SELECT coalesce(c.domain, p.company) AS domain FROM data_default.contacts AS p "
        "LEFT JOIN data_default.companies AS c ON c.rowport_id::text = p.company ORDER BY p.email"
    )
    return [row["domain"] for row in found]


def domains(engine: Engine) -> list[str]:
    found = engine.sql("SELECT domain FROM data_default.companies ORDER BY domain")
    return [row["domain"] for row in found]


def test_a_row_whose_foreign_key_leads_nowhere_fails_and_says_so(engine: Engine) -> None:
    put(engine, KEY)
    done = load(engine, ["a.com", "nowhere", "", "b.com"])
    assert engine.words(done) == ["created", "failed foreign-key", "created", "created"]
    [error] = engine.rows(done)[1].errors
    assert (error.code, error.field, error.value) == (
        RowErrorCode.FOREIGN_KEY,
        "company",
        "nowhere",
    )
    assert error.message == '"nowhere" is the domain of no record of companies'
    assert stored(engine) == ["a.com", None, "b.com"]


def test_all_errors_of_a_row_with_two_foreign_keys_are_told(engine: Engine) -> None:
    put(engine, COMPANIES)
    engine.put(
        {
            "fields": [
                {"name": "seller"},
                {"name": "buyer"},
                {"name": "number", "type": "integer"},
            ],
            "foreignKeys": [
                {"fields": name, "reference": {"resource": "companies", "fields": by}}
                for name, by in (("seller", "domain"), ("buyer", "domain"), ("number", "number"))
            ],
        },
        name="deals",
    )
    done = engine.run("seller,buyer,number\nx,y,7\na.com,b.com,2\n", name="deals")
    assert engine.words(done) == ["failed foreign-key", "created"]
    assert [error.field for error in engine.rows(done)[0].errors] == ["seller", "buyer", "number"]


def test_a_foreign_key_of_two_fields_needs_one_record_with_both(engine: Engine) -> None:
    put(engine, COMPANIES)
    engine.put(
        {
            "fields": [{"name": "land"}, {"name": "town"}, {"name": "n"}],
            "foreignKeys": [
                {
                    "fields": ["town", "land"],
                    "reference": {"resource": "companies", "fields": ["city", "country"]},
                }
            ],
        },
        name="places",
    )
    done = engine.run("land,town,n\nde,Ulm,1\nfr,Ulm,2\n,,3\nde,,4\n", name="places")
    assert engine.words(done) == ["created", "failed foreign-key", "created", "failed foreign-key"]
    error = engine.rows(done)[1].errors[0]
    assert (error.field, error.value) == (None, "Ulm, fr")
    assert error.message == (
        'town, land: "Ulm, fr" is the city + country of no record of companies'
    )


def test_a_lookup_stores_the_id_of_the_record(engine: Engine) -> None:
    put(engine, contacts())
    done = load(engine, ["a.com", " B.COM ", "", "nowhere"])
    assert engine.words(done) == ["created", "created", "created", "failed foreign-key"]
    assert stored(engine) == ["a.com", "b.com", None]
    [error] = engine.rows(done)[3].errors
    assert (error.field, error.value) == ("company", "nowhere")


def test_a_lookup_reads_the_cell_as_the_field_that_it_is_looked_up_by(engine: Engine) -> None:
    put(engine, contacts(by="number"))
    done = load(engine, ["002", "two", "3"])
    assert engine.words(done) == ["created", "failed foreign-key", "failed foreign-key"]
    assert stored(engine) == ["b.com"]


def test_a_lookup_that_may_miss_leaves_no_value(engine: Engine) -> None:
    put(engine, contacts("null"))
    done = load(engine, ["a.com", "nowhere"])
    assert engine.words(done) == ["created", "created"]
    assert stored(engine) == ["a.com", None]


def test_a_lookup_that_creates_makes_each_missing_record_once(engine: Engine) -> None:
    put(engine, contacts("create"))
    wanted = [f"new{at % 3}.com" for at in range(20)]
    done = load(engine, [*wanted, "a.com", "NEW1.com"])
    assert done.chunks.total == 4
    assert set(engine.words(done)) == {"created"}
    assert domains(engine) == ["a.com", "b.com", "new0.com", "new1.com", "new2.com"]
    by_row = engine.sql(
        "SELECT c.domain FROM data_default.contacts AS p JOIN data_default.companies AS c "
        "ON c.rowport_id::text = p.company ORDER BY p.rowport_row"
    )
    assert [row["domain"] for row in by_row] == [*wanted, "a.com", "new1.com"]


def test_a_second_import_of_the_same_file_changes_nothing(engine: Engine) -> None:
    put(engine, contacts("create"))
    load(engine, ["a.com", "new.com"])
    assert engine.words(load(engine, ["a.com", "new.com"])) == ["unchanged", "unchanged"]


def test_a_dry_run_says_what_a_lookup_would_do_and_makes_nothing(engine: Engine) -> None:
    put(engine, contacts("create"))
    load(engine, ["a.com", "b.com"])
    dry = load(engine, ["a.com", "new.com", "new.com"], mode=Mode.VALIDATE)
    assert engine.words(dry) == ["unchanged", "updated", "created"]
    assert domains(engine) == ["a.com", "b.com"]


@pytest.mark.parametrize("document", [KEY, contacts()], ids=["foreign key", "lookup"])
def test_a_dry_run_foresees_references_that_lead_nowhere(
    engine: Engine, document: dict[str, object]
) -> None:
    put(engine, document)
    dry = load(engine, ["a.com", "nowhere"], mode=Mode.VALIDATE)
    assert engine.words(dry) == ["created", "failed foreign-key"]


def test_what_a_lookup_made_is_not_kept_if_no_row_is(engine: Engine) -> None:
    put(engine, contacts("create", type="string", constraints={"maxLength": 9}))
    done = load(engine, ["new.com", "much too long"], policy=Policy(all_or_nothing=True))
    assert engine.words(done) == ["pending", "failed constraint-error"]
    assert domains(engine) == ["a.com", "b.com"]


def test_a_record_that_its_table_refuses_fails_the_rows_that_want_it(engine: Engine) -> None:
    put(engine, contacts("create"))
    engine.sql("ALTER TABLE data_default.companies ADD CHECK (domain <> 'evil.com')")
    done = load(engine, ["new.com", "evil.com", "a.com"])
    assert engine.words(done) == ["created", "failed foreign-key", "created"]
    assert domains(engine) == ["a.com", "b.com", "new.com"]


def test_a_reference_to_a_type_that_is_not_there_cannot_be_saved(engine: Engine) -> None:
    engine.put(COMPANIES, name="customers")
    with pytest.raises(InvalidSchema, match=r"/foreignKeys/0/reference/resource: \"companies\""):
        engine.put(KEY, name="contacts")
    with pytest.raises(
        InvalidSchema, match=r"/fields/1/lookup/type: \"companies\" .*: contacts, customers"
    ):
        engine.put(contacts(), name="contacts")


def no_field_of_it() -> dict[str, object]:
    reference = {"resource": "companies", "fields": "name"}
    return KEY | {"foreignKeys": [{"fields": "company", "reference": reference}]}


def other_type() -> dict[str, object]:
    reference = {"resource": "companies", "fields": "number"}
    return KEY | {"foreignKeys": [{"fields": "company", "reference": reference}]}


REFUSED = {
    "no field of it": (no_field_of_it(), r"/foreignKeys/0/reference/fields: \"name\""),
    "another type": (other_type(), r"company \(any\) cannot be compared with number \(integer\)"),
    "not unique": (contacts(by="city"), r"does not keep city unique.* domain, number"),
    "creates more than it knows": (
        contacts("create", by="number"),
        r"/missing: .* a record of companies needs domain too",
    ),
    "creates in a key": (
        contacts("create") | {"primaryKey": "company"},
        "company is part of a key",
    ),
}


@pytest.mark.parametrize(("document", "words"), REFUSED.values(), ids=REFUSED)
def test_a_reference_that_cannot_be_kept_cannot_be_saved(
    engine: Engine, document: dict[str, object], words: str
) -> None:
    engine.put(COMPANIES, name="companies")
    with pytest.raises(InvalidSchema, match=words):
        engine.put(document, name="contacts")


def test_an_import_whose_references_lead_nowhere_by_now_is_refused(engine: Engine) -> None:
    put(engine, KEY)
    waiting = engine.land("email,company\na,a.com\n", name="contacts")
    engine.put({"fields": [{"name": "number", "type": "integer"}]}, name="companies", key=())
    with pytest.raises(InvalidSchema, match="a field of companies: number"):
        engine.land("email,company\na,a.com\n", name="contacts")
    ended = engine.work(waiting)
    assert ended.state is ImportState.FAILED
    assert ended.error is not None
    assert ended.error.code == "invalid_schema"
