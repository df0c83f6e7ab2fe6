"""Files of the importers, taken apart."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.dialects.rocketchat import layouts
from rowport.dialects.rocketchat.layouts import IMPORTERS, contacts_csv, slack_users, users_csv
from rowport.model.errors import UnreadableFile


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_users_of_a_zip_are_found_whatever_their_case() -> None:
    taken = users_csv(
        zipped({"__MACOSX/users.csv": "x", "USERS.CSV": 'ann,a@x.org,"Ann, A"\n\nbob\n'})
    )
    assert [(r["username"], r["email"], r["name"]) for r in taken.rows] == [
        ("ann", "a@x.org", "Ann, A"),
        ("bob", None, ""),
    ]
    assert taken.rows[0]["importIds"] == ["ann"]


def test_what_is_not_loaded_is_counted() -> None:
    files = {
        "users.csv": "a,b,c\n",
        "channels.csv": "x\ny\n",
        "x/1.csv": "",
        "contacts.csv": "h\nc",
    }
    assert users_csv(zipped(files)).left_out == {"channels": 2, "message_files": 1, "contacts": 1}


def test_a_zip_of_contacts_alone_gives_contacts() -> None:
    taken = users_csv(zipped({"contacts.csv": "name,id\nAnn,1\n"}))
    assert taken.type_name == "rocketchat_contacts"


def test_a_contact_without_an_id_gets_one_of_its_own() -> None:
    rows = contacts_csv(b"name\nAnn\nBob\n").rows
    assert rows[0]["id"] != rows[1]["id"]


def test_a_custom_field_whose_name_holds_a_nul_is_refused() -> None:
    with pytest.raises(UnreadableFile, match=r"the name of column 2, .* holds the character"):
        contacts_csv(b"name,co\0lour\nAnn,red\n")


def test_who_has_no_address_is_left_out_of_slacks_list() -> None:
    taken = slack_users(b"h\nann,a@x.org,Member,,,,,Ann\nghost,,Member\n")
    assert [row["email"] for row in taken.rows] == ["a@x.org"]
    assert taken.left_out == {"users_without_email": 1}


def test_a_file_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "LARGEST_PART", 1000)
    with pytest.raises(UnreadableFile, match="unpacks to more than 1000 bytes"):
        users_csv(zipped({"users.csv": "a" * 1001}))


@pytest.mark.parametrize("key", IMPORTERS)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused_in_words(key: str, content: bytes) -> None:
    try:
        taken = IMPORTERS[key].take(content)
    except UnreadableFile:
        return  # in words that other tests look at
    assert taken.rows


@given(st.lists(st.tuples(*[st.text("abc ,\"'\n;", min_size=1)] * 3), min_size=1, max_size=5))
def test_every_line_of_users_becomes_a_row(lines: list[tuple[str, str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    rows: list[Any] = users_csv(zipped({"users.csv": text.getvalue()})).rows
    assert [row["name"] for row in rows] == [line[2].strip() for line in lines]
