from __future__ import annotations

import json
import stat
from ipaddress import ip_network
from pathlib import Path

import pytest

from server.settings import Settings, SettingsError


def read(data_dir: Path, **variables: str) -> Settings:
    return Settings.from_environment({"DATA_DIR": str(data_dir), **variables})


def test_nothing_set_gives_a_server_for_this_machine_alone(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert (settings.host, settings.port) == ("127.0.0.1", 3000)
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.registration == "invite"
    assert settings.environment == "development"
    assert settings.cors_origins == ()
    assert settings.log_file is None


def test_every_variable_is_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        HOST="0.0.0.0",
        PORT="3400",
        DATABASE_URL="postgresql://db/fieldbook",
        REDIS_URL="redis://cache/0",
        ADMIN_API_KEY="a-key-of-sixteen-or-more",
        REGISTRATION="Open",
        ENVIRONMENT="production",
        JWT_SECRET="j" * 32,
        API_KEY_SALT="s" * 32,
        WORKERS="4",
        CORS_ORIGINS="https://a.example, http://localhost:5173",
        TRUSTED_PROXIES="10.0.0.0/8,::1",
        DEFAULT_REGION="ch",
        IMPORT_MAX_BYTES="5000",
        LOG_LEVEL="debug",
        LOG_FORMAT="json",
        LOG_FILE=str(tmp_path / "log"),
    )
    assert settings == Settings(
        host="0.0.0.0",
        port=3400,
        database_url="postgresql://db/fieldbook",
        redis_url="redis://cache/0",
        data_dir=tmp_path,
        admin_api_key="a-key-of-sixteen-or-more",
        registration="open",
        environment="production",
        jwt_secret="j" * 32,
        api_key_salt="s" * 32,
        workers=4,
        cors_origins=("https://a.example", "http://localhost:5173"),
        trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("::1/128")),
        default_region="CH",
        import_max_bytes=5000,
        log_level="DEBUG",
        log_format="json",
        log_file=tmp_path / "log",
    )


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "70000", "a whole number from 0 to 65535"),
        ("PORT", "3_000", "a whole number from 0 to 65535"),
        ("PORT", "-1", "a whole number from 0 to 65535"),
        ("WORKERS", "0", "a whole number from 1 to 64"),
        ("REGISTRATION", "maybe", "one of open, invite, closed"),
        ("ENVIRONMENT", "staging", "one of development, test, production"),
        ("CORS_ORIGINS", "https://a.example/path", "without a path"),
        ("TRUSTED_PROXIES", "proxy.local", "like 10.0.0.0/8"),
        ("DEFAULT_REGION", "ZZ", "two letters of a country"),
        ("IMPORT_MAX_BYTES", "100MB", "a whole number from 1000"),
        ("LOG_LEVEL", "loud", "one of TRACE, DEBUG"),
        ("LOG_FORMAT", "xml", "one of text, json"),
    ],
)
def test_a_bad_value_is_named_in_one_line(
    tmp_path: Path, name: str, value: str, allowed: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, **{name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}={value} ")
    assert allowed in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://user:hunter2@db/x"),
        ("REDIS_URL", "http://:hunter2@cache"),
        ("ADMIN_API_KEY", "hunter2"),
        ("JWT_SECRET", "hunter2"),
        ("API_KEY_SALT", "hunter2 " * 8),
    ],
)
def test_a_bad_secret_is_named_but_not_shown(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, **{name: value})
    assert str(caught.value).startswith(f"{name} ")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["JWT_SECRET", "API_KEY_SALT"])
def test_production_does_not_start_without_its_secrets(tmp_path: Path, name: str) -> None:
    given = {"JWT_SECRET": "j" * 32, "API_KEY_SALT": "s" * 32, "ENVIRONMENT": "production"}
    with pytest.raises(SettingsError, match=f"^{name} is not set"):
        read(tmp_path, **{**given, name: ""})
    assert not (tmp_path / "secrets.json").exists()


def test_a_second_start_knows_the_secrets_of_the_first(tmp_path: Path) -> None:
    first = read(tmp_path / "data")
    second = read(tmp_path / "data")
    assert (first.jwt_secret, first.api_key_salt) == (second.jwt_secret, second.api_key_salt)
    assert first.jwt_secret != first.api_key_salt
    kept = tmp_path / "data" / "secrets.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text()).keys() == {"jwt_secret", "api_key_salt"}


def test_secrets_that_can_not_be_kept_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, where the folder should be")
    with pytest.raises(SettingsError, match="^DATA_DIR=.*secrets.json can't be read or written"):
        read(tmp_path / "data")


def test_settings_do_not_show_secrets_when_printed(tmp_path: Path) -> None:
    settings = read(tmp_path, ADMIN_API_KEY="a-key-of-sixteen-or-more")
    for secret in (settings.jwt_secret, settings.api_key_salt, "a-key-of-sixteen-or-more"):
        assert secret not in repr(settings)


def test_the_environment_wins_over_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("PORT=3401\nREGISTRATION=closed\nHOST=\n")
    monkeypatch.setenv("PORT", "3402")
    for name in ("REGISTRATION", "HOST", "DATA_DIR", "ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings.from_environment()
    assert settings.port == 3402
    assert settings.registration == "closed"
    assert settings.host == "127.0.0.1"
    assert settings.data_dir == tmp_path / ".data"
