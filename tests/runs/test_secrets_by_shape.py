"""Secrets are found by value and by shape in every file before it is published."""

import json

import pytest

import nights
from project_files import GOOD, written
from retention_models.errors import SettingsError
from retention_models.runs.run import _shown
from retention_models.settings.credentials import is_secret_name, redacted, secret_shape
from retention_models.settings.reading import read_settings

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKC\n-----END RSA PRIVATE KEY-----"
ENVIRONMENT = {
    "APP_TOKEN": "tok-supersecret-1",
    "SIGNING_KEY": "key-supersecret-2",
    "DATABASE_URL": "postgresql://u:s%2fcret%2dword3@h/db",
    "PEM_SECRET": "line-one-secret4\nline-two-secret4",
}


@pytest.mark.parametrize("name", ["notes.md", "NOTES.TXT", "data.parquet", "deep/no_suffix"])
@pytest.mark.parametrize(
    "secret",
    [
        *("tok-supersecret-1", "key-supersecret-2", "s%2fcret%2dword3", "s/cret-word3"),
        *("line-two-secret4", KEY, "AKIAIOSFODNN7EXAMPLE", "postgresql://u:of_nobody@h/db"),
    ],
)
def test_no_file_is_published_with_a_secret(tmp_path, monkeypatch, name, secret):
    """Whatever its name; its failure names the file, not the secret."""
    nights.without_nbconvert(monkeypatch)
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)

    def tells(store_id, folder):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\xff\x00 " + secret.encode() + b" \x00")
        return nights.good(store_id, folder)

    plan = nights.plan_for(nights.settings_in(tmp_path, ["a"]), tmp_path / "reports", ["a"])
    manifest = nights.run_night(plan, tells)
    assert "failed" == nights.outcomes(manifest)["a"]
    files = [path for path in manifest.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if secret.encode() in path.read_bytes()]
    assert name.split("/")[-1] in (manifest.folder / "a" / "failure.txt").read_text()


@pytest.mark.parametrize(
    "password", ["PARAMSECRET5", "it's9SECRET", "SEC@RET9", "SEC/RET9", 'dou\\"ble9SECRET']
)
def test_the_refusal_of_a_password_does_not_show_it(tmp_path, password):
    """In a source, and in a parameter."""
    url = f"postgresql://shop:{password}@db/orders"
    source = next(line for line in GOOD.splitlines() if line.startswith("source"))
    with pytest.raises(SettingsError, match="source") as refused:
        read_settings(written(tmp_path, GOOD.replace(source, f'source = "{url}"')))
    assert "SECRET" not in str(refused.value).replace("PARAM", "")
    assert "RET9" not in str(refused.value)
    if "\\" not in password and "/" not in password and "@" not in password and "'" not in password:
        more = f'\n[reports]\nparameters = {{ dsn = "{url}" }}\n'
        with pytest.raises(SettingsError, match="dsn looks like a secret") as refused:
            read_settings(written(tmp_path, GOOD + more))
        assert "SECRET5" not in str(refused.value)


def test_a_number_that_is_none_is_refused_by_its_name(tmp_path):
    """No JSON has it."""
    for value in ("nan", "inf", "-inf"):
        more = f"\n[reports]\nparameters = {{ weeks = {value} }}\n"
        with pytest.raises(SettingsError, match="weeks: expected a finite number"):
            read_settings(written(tmp_path, GOOD + more))


def test_a_command_of_notices_is_shown_without_its_arguments(tmp_path):
    """They may hold a token, which no rule knows."""
    more = '\n[reports.notices]\ncommand = ["/bin/tell", "--token", "NOTICESECRET6"]\n'
    shown = _shown(read_settings(written(tmp_path, GOOD + more)))
    assert "NOTICESECRET6" not in json.dumps(shown)
    assert ["/bin/tell", "***", "***"] == shown["reports"]["notices"]["command"]


def test_shapes_and_names():
    """Ordinary texts are none."""
    assert all(map(is_secret_name, ("SIGNING_KEY", "PRIVATE_KEY", "APIKEY", "db_password")))
    assert not any(map(is_secret_name, ("sort_key", "KEYBOARD", "token_count", "monkey")))
    for text in (
        "https://example.org:443/a@b",
        "12:30 at home",
        "a://***:***@b",
        "mailto:a@b.example",
    ):
        assert secret_shape(text) is None, text
    assert "MIIE" not in redacted(f"a {KEY} b", {})
