"""Passwords come from the environment or the keyring, and stand in no file and no message."""

import pytest

import nights
import shops
from retention_models.data.engines import open_source
from retention_models.errors import DataError, SettingsError
from retention_models.settings import credentials
from retention_models.settings.credentials import (
    keyring_password,
    known_secrets,
    password_in,
    redacted,
    redacted_tree,
    secret_in,
    without_password,
)

URL = "postgresql://shop@db.example/orders"


@pytest.mark.parametrize(
    ("url", "password"),
    [
        (URL, None),
        ("data/raw/orders.csv", None),
        ("postgresql://shop:hunter2@db.example/orders", "hunter2"),
        ("postgresql://shop:a%40b@db.example/orders", "a@b"),
        ("postgresql://db.example/orders?user=shop&password=hunter2", "hunter2"),
        ("postgresql://shop:hu[nter2@db.example/orders", "hu[nter2"),
        ("postgresql://shop:hu?nter#2@db.example/orders", "hu?nter#2"),
        ("postgresql://shop:hunter2@[::1]:5432/orders", "hunter2"),
        ("sc://spark.example:15002/;use_ssl=true;token=hunter2", "hunter2"),
        ("sc://spark.example:15002/;use_ssl=true", None),
        ("spark://local[4]", None),
        ("spark://local[*]", None),
        ("spark://[half", None),
        ("spark://[::1]:7077", None),
    ],
)
def test_a_password_in_a_url_is_found(url, password):
    """Wherever a URL may have it, and a URL with brackets is none the worse; what is shown hides it."""
    assert password == password_in(url)
    shown = without_password(url)
    assert shown == (url if password is None else url.replace(url_form(password), "***"))


def url_form(password):
    """As a URL of the tests has it."""
    return password.replace("a@b", "a%40b")


def test_a_source_that_is_no_address_to_urllib_stays_as_it_is(tmp_path, monkeypatch):
    """Brackets and all: four threads of Spark on this machine."""
    monkeypatch.setattr(shops, "PROJECT", shops.PROJECT.replace("{source}", "spark://local[4]"))
    settings = nights.settings_in(tmp_path)
    assert "spark://local[4]" == settings.transactions.source
    assert "spark://local[4]" == settings.path(settings.transactions.source)


def test_no_url_of_the_environment_stops_a_run():
    """Whoever set it and whatever it is; what follows may be a secret all the same."""
    found = known_secrets({"A": "x://[half", "B": "see x://local[4]", "PGPASSWORD": "hunter2!"})
    assert ["hunter2!"] == list(found)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (
            '[surveys]\nsource = "{url}"\n'
            'columns = {{ customer_id = "c", answered_at = "d", score = "s" }}',
            "surveys.source",
        ),
        ('[campaign_data]\nassignments = "{url}"', "campaign_data.assignments"),
    ],
)
def test_no_other_place_of_data_holds_a_password(tmp_path, table, key):
    """Surveys and campaigns may lie in a database, too."""
    url = "postgresql://shop:hunter2@db.example/orders"
    with pytest.raises(SettingsError) as caught:
        nights.settings_in(tmp_path, extra=table.format(url=url))
    assert f"{key}: holds a password (postgresql://shop:***@db.example/orders)" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_url_of_no_known_kind_is_said_without_its_password():
    """It may have been a mistake in the word before ://."""
    with pytest.raises(DataError) as caught:
        open_source("postgers://shop:hunter2@db.example/orders", None, "UTC")
    assert "postgers://shop:***@db.example/orders: expected a path" in str(caught.value)


def test_a_project_file_holds_no_password(tmp_path, monkeypatch):
    """The message says where else to put it, and not what it is."""
    url = "postgresql://shop:hunter2@db.example/orders"
    monkeypatch.setattr(shops, "PROJECT", shops.PROJECT.replace("{source}", url))
    with pytest.raises(SettingsError) as caught:
        nights.settings_in(tmp_path)
    assert "transactions.source: holds a password" in str(caught.value)
    assert "PGPASSWORD" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_keyring_is_asked_where_nothing_else_has_the_password(monkeypatch):
    """By user and host; not where the environment has one, and a missing keyring is none."""
    import keyring
    from keyring.errors import NoKeyringError

    asked = []
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setattr(keyring, "get_password", lambda *names: asked.append(names) or "found")
    assert "found" == keyring_password(URL)
    assert [("retention_models", "shop@db.example")] == asked
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    assert keyring_password(URL) is None
    monkeypatch.delenv("PGPASSWORD")

    def none(*names):
        raise NoKeyringError

    monkeypatch.setattr(keyring, "get_password", none)
    assert keyring_password(URL) is None


def test_secrets_are_known_by_the_names_of_their_variables():
    """And in URLs; short values are not, since they stand in ordinary words."""
    found = known_secrets(
        {
            "PGPASSWORD": "hunter2!",
            "SLACK_TOKEN": "abc",
            "my_api_key": "0123456789",
            "DATABASE_URL": "postgresql://shop:s3cr3t-er@db/x",
            "TOKEN_COUNT": "1234567",
            "HOME": "/srv/home",
        }
    )
    assert {"hunter2!", "0123456789", "s3cr3t-er"} == set(found)
    assert "the environment variable PGPASSWORD" == found["hunter2!"]


@pytest.mark.parametrize(
    "written",
    ["<b&'\"é>", "&lt;b&amp;&#x27;&quot;é&gt;", "<b&'\\\"\\u00e9>", "%3Cb%26%27%22%C3%A9%3E"],
)
def test_a_secret_is_found_and_hidden_however_it_is_written(written):
    """As it is, as HTML, as JSON, in a URL."""
    secrets = {"<b&'\"é>": "the keyring"}
    assert "the keyring" == secret_in(f"x{written}y", secrets)
    assert "x***y" == redacted(f"x{written}y", secrets)
    assert secret_in("another text", secrets) is None


def test_settings_are_shown_without_secrets(monkeypatch):
    """By name and by value, at any depth."""
    monkeypatch.setattr(credentials, "known_secrets", lambda: {"hunter2": "x"})
    shown = redacted_tree({"a": [{"api_key": "1", "b": "is hunter2"}], "n": 3, "token": ""})
    assert {"a": [{"api_key": "***", "b": "is ***"}], "n": 3, "token": ""} == shown
