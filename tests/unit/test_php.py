"""Queries are repeated as PHP would."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.wire.laravel import paginate
from rowport.wire.php import kept_query


def repeated(query: str) -> str:
    """The query of the second page's link."""
    items = parse_qsl(query, keep_blank_values=True)
    url = paginate(
        total=9, per_page=1, page=1, count=1, path="http://h/x", query=kept_query(items)
    )["next_page_url"]
    return str(url).partition("?")[2]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("", "page=2"),
        ("page=7", "page=2"),
        ("page=7&limit=5&name=x", "limit=5&name=x&page=2"),
        ("name=x&page=7&limit=5", "name=x&limit=5&page=2"),
        ("a=1&b=2&a=3", "a=3&b=2&page=2"),
        ("a=&b=%20&c=%20x%20", "c=x&page=2"),
        (
            "filter[types]=a,b&sort=-x&filter[modes]=c",
            "filter%5Btypes%5D=a%2Cb&filter%5Bmodes%5D=c&sort=-x&page=2",
        ),
        ("f[]=a&f[]=b&f[7]=c&f[]=d", "f%5B0%5D=a&f%5B1%5D=b&f%5B7%5D=c&f%5B8%5D=d&page=2"),
        ("f[a][]=x&f[a][]=y", "f%5Ba%5D%5B0%5D=x&f%5Ba%5D%5B1%5D=y&page=2"),
        ("f=x&g=y&f[a]=z", "f%5Ba%5D=z&g=y&page=2"),
        ("f[a]=z&f=x", "f=x&page=2"),
        ("a.b=1&c d=2&e[f=3", "a_b=1&c_d=2&e_f=3&page=2"),
        ("[a]=1&f[b]rest=2&=3", "f%5Bb%5D=2&page=2"),
        ("page[]=3&x=~a-b_c.d", "x=~a-b_c.d&page=2"),
        ("f[07]=a&f[-1]=b", "f%5B07%5D=a&f%5B-1%5D=b&page=2"),
        ("f" + "[a]" * 64 + "=1&b=2", "b=2&page=2"),
    ],
)
def test_links_repeat_the_query_in_phps_order(asked: str, told: str) -> None:
    assert repeated(asked) == told


names = st.text(alphabet="ab[]. 01", max_size=8)


@given(st.lists(st.tuples(names, st.text(max_size=3)), max_size=8))
def test_a_query_that_was_repeated_is_repeated_as_it_is(items: list[tuple[str, str]]) -> None:
    once = kept_query(items)
    assert all(value for _, value in once)
    assert len({name for name, _ in once}) == len(once)
    assert kept_query(once) == once
