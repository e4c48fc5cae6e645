"""A project file that cannot be read is a mistake in words, whatever is the matter with it."""

from __future__ import annotations

import pytest

from retention_models.data.reading_transactions import read_transactions
from retention_models.errors import DataError, SettingsError
from retention_models.settings.reading import read_settings


@pytest.mark.parametrize(
    "content",
    [
        b"x=" + b"[" * 5000 + b"]" * 5000,
        b"x=" + b"{a=" * 5000 + b"1" + b"}" * 5000,
        b"x=" + b"9" * 5000,
        b"a\0b",
        b"\xff\xfe",
        b'keep = "\0"',
    ],
)
def test_odd_contents_are_mistakes_of_the_project_file(tmp_path, content):
    """Nested without end, a number of 5,000 digits, NUL bytes, UTF-16."""
    path = tmp_path / "p.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"p\.toml"):
        read_settings(path)


@pytest.mark.parametrize("name", ["a\0b.toml", "x" * 5000])
def test_odd_names_are_mistakes_too(name):
    """A NUL in the name, and one that is too long."""
    with pytest.raises(SettingsError):
        read_settings(name)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('source = "log\\u0000.csv"', "transactions.source"),
        ('timezone = "UTC\\u0000"', "transactions.timezone"),
        ('[stores]\nids = ["a", "b\\u0000"]', "stores.ids"),
        ('[reports.notices]\ncommand = ["told", "\\u0000"]', "reports.notices.command"),
        ('[stores]\nnames = {"a\\u0000b" = "x"}', "stores.names.a"),
    ],
)
def test_a_nul_in_any_text_is_a_mistake_with_its_key(tmp_path, line, key):
    """TOML can hold one; what it would be given to (a path, a command, a database) cannot."""
    path = tmp_path / "p.toml"
    path.write_text(f'name = "Shop"\n[transactions]\n{line}\n')
    with pytest.raises(SettingsError, match=r"a NUL character .* in the text of") as refused:
        read_settings(path)
    assert key in str(refused.value)


@pytest.mark.parametrize("name", ["a\0b.csv", "x" * 5000 + ".csv"])
def test_odd_names_of_data_are_refused(name):
    """The same for what the project file names."""
    with pytest.raises(DataError):
        read_transactions(name, customer_id="a", date="b", spend="c")


def test_a_folder_that_may_not_be_entered_is_refused(tmp_path, monkeypatch):
    """The reason is the system's."""

    def refused(*_: object, **__: object) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.is_file", refused)
    with pytest.raises(DataError, match="Permission denied"):
        read_transactions(tmp_path / "a.csv", customer_id="a", date="b", spend="c")


def test_a_file_of_blank_lines_is_named(tmp_path):
    """They are no header."""
    (tmp_path / "a.csv").write_text("\n\n")
    with pytest.raises(DataError, match="line 1: is empty"):
        read_transactions(tmp_path / "a.csv", customer_id="a", date="b", spend="c")


@pytest.mark.parametrize(
    "text",
    [
        "\na,b,c\n1,2024-01-01,2\n",
        "a;b;c;d\n1;2024-01-01;2;tea, milk, bread, salt, rice\n1;2024-01-01;2;tea, milk, x, y, z\n",
        "a;b;c\n1;2024-01-01;2,50\n2;2024-01-02;3,50\n",
        "Orders of May\n\na;b;c\n1;2024-01-01;2,50\n2;2024-01-02;3,50\n",
    ],
)
def test_the_header_is_found_whatever_texts_and_amounts_hold(tmp_path, text):
    """Blank lines and titles above it, commas within cells, no rows below."""
    (tmp_path / "a.csv").write_text(text)
    read = read_transactions(
        tmp_path / "a.csv",
        customer_id="a",
        date="b",
        spend="c",
        decimal="," if ";" in text else ".",
    )
    assert read.table.count().execute() == text.count("2024-")
