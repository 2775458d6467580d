"""What the environment says: read here, once, and nowhere else."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import phonenumbers
from dotenv import dotenv_values

Value = TypeVar("Value")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOG_LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR")
# Secrets, or URLs that may hold a password: no message shows their value.
UNSPOKEN = {"ADMIN_API_KEY", "API_KEY_SALT", "DATABASE_URL", "JWT_SECRET", "REDIS_URL"}


class SettingsError(Exception):
    """A variable of the environment has a bad value; one line names it and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the environment decides.

    `database_url` and `redis_url` are None when Fieldbook starts its own under `data_dir`;
    `port` 0 is any free one; `registration` is `open`, `invite` or `closed`; `environment`
    is `development`, `test` or `production`; `trusted_proxies` are the networks whose
    `X-Forwarded-For` is believed; `default_region` is the country of phone numbers without
    a country code, until a tenant sets its own; `import_max_bytes` is the largest file to
    import, in bytes; `log_format` is `text` or `json`. Secrets are left out of its repr.
    """

    host: str
    port: int
    database_url: str | None = field(repr=False)
    redis_url: str | None = field(repr=False)
    data_dir: Path
    admin_api_key: str | None = field(repr=False)
    registration: str
    environment: str
    jwt_secret: str = field(repr=False)
    api_key_salt: str = field(repr=False)
    workers: int
    cors_origins: tuple[str, ...]
    trusted_proxies: tuple[Network, ...]
    default_region: str
    import_max_bytes: int
    log_level: str
    log_format: str
    log_file: Path | None

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Reads `env`; left out, the process's environment, and beneath it a `.env` file.

        An empty value is as good as none. Outside production a missing `JWT_SECRET` or
        `API_KEY_SALT` is made once and kept in `data_dir/secrets.json`, for without the same
        salt no key would be known after the next start. Raises `SettingsError`.
        """
        variables: Mapping[str, str | None] = (
            {**dotenv_values(".env"), **os.environ} if env is None else env
        )
        given = {
            name: value.strip() for name, value in variables.items() if value and value.strip()
        }

        def read(name: str, default: str, parse: Callable[[str], Value]) -> Value:
            value = given.get(name, default)
            try:
                return parse(value)
            except ValueError as problem:
                shown = name if name in UNSPOKEN else f"{name}={value}"
                raise SettingsError(f"{shown} can't be used: {problem}") from None

        def read_optional(name: str, parse: Callable[[str], Value]) -> Value | None:
            return read(name, "", parse) if name in given else None

        def read_secret(name: str) -> str:
            if name in given:
                return read(name, "", secret_of(32))
            if environment == "production":
                raise SettingsError(
                    f"{name} is not set: in production, set it to at least 32 random characters, "
                    "and keep them"
                )
            return kept_secret(data_dir, name.lower())

        environment = read(
            "ENVIRONMENT", "development", one_of("development", "test", "production")
        )
        data_dir = read("DATA_DIR", ".data", absolute_path)
        return cls(
            host=read("HOST", "127.0.0.1", str),
            port=read("PORT", "3000", whole_number(0, 65_535)),
            database_url=read_optional("DATABASE_URL", url_of("postgresql", "postgres")),
            redis_url=read_optional("REDIS_URL", url_of("redis", "rediss", "unix")),
            data_dir=data_dir,
            admin_api_key=read_optional("ADMIN_API_KEY", secret_of(16)),
            registration=read("REGISTRATION", "invite", one_of("open", "invite", "closed")),
            environment=environment,
            jwt_secret=read_secret("JWT_SECRET"),
            api_key_salt=read_secret("API_KEY_SALT"),
            workers=read("WORKERS", "1", whole_number(1, 64)),
            cors_origins=read("CORS_ORIGINS", "", list_of(origin)),
            trusted_proxies=read("TRUSTED_PROXIES", "", list_of(network)),
            default_region=read("DEFAULT_REGION", "US", region),
            import_max_bytes=read(
                "IMPORT_MAX_BYTES", "100000000", whole_number(1_000, 10_000_000_000)
            ),
            log_level=read("LOG_LEVEL", "INFO", one_of(*LOG_LEVELS)),
            log_format=read("LOG_FORMAT", "text", one_of("text", "json")),
            log_file=read_optional("LOG_FILE", absolute_path),
        )


# What parses a value raises ValueError with what is allowed; `read` above names the variable.


def one_of(*allowed: str) -> Callable[[str], str]:
    """One of the words, in any case; gives back the word as it is written here."""

    def parse(value: str) -> str:
        for word in allowed:
            if word.lower() == value.lower():
                return word
        raise ValueError(f"it must be one of {', '.join(allowed)}")

    return parse


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A whole number from `least` to `most`."""

    def parse(value: str) -> int:
        # int() alone would take " 1_000" and the digits of other scripts.
        if value.isascii() and value.isdigit() and least <= int(value) <= most:
            return int(value)
        raise ValueError(f"it must be a whole number from {least} to {most}")

    return parse


def url_of(*schemes: str) -> Callable[[str], str]:
    """A URL with one of the schemes."""

    def parse(value: str) -> str:
        if value.partition("://")[0].lower() in schemes and "://" in value:
            return value
        raise ValueError(f"it must be a URL that begins with {':// or '.join(schemes)}://")

    return parse


def secret_of(least: int) -> Callable[[str], str]:
    """At least so many visible ASCII characters."""

    def parse(value: str) -> str:
        if len(value) >= least and value.isascii() and value.isprintable() and " " not in value:
            return value
        raise ValueError(f"it must be at least {least} letters, digits or signs, without spaces")

    return parse


def list_of(parse_one: Callable[[str], Value]) -> Callable[[str], tuple[Value, ...]]:
    """A list with commas between, or nothing."""

    def parse(value: str) -> tuple[Value, ...]:
        return tuple(parse_one(part.strip()) for part in value.split(",") if part.strip())

    return parse


def origin(value: str) -> str:
    """What a browser sends as `Origin`, or `*` for any."""
    parts = urlsplit(value)
    if value == "*" or (parts.scheme in ("http", "https") and parts.netloc and not parts.path):
        return value
    raise ValueError("each must be * or like https://example.com, without a path")


def network(value: str) -> Network:
    """An address (`10.0.0.7`) or a network (`10.0.0.0/8`)."""
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("each must be an address or a network, like 10.0.0.0/8") from None


def region(value: str) -> str:
    """A country's two letters."""
    if value.upper() in phonenumbers.SUPPORTED_REGIONS:
        return value.upper()
    raise ValueError("it must be the two letters of a country, like US or CH")


def absolute_path(value: str) -> Path:
    """The path, from the working directory unless it is absolute."""
    return Path(value).expanduser().absolute()


def kept_secret(data_dir: Path, name: str) -> str:
    """The secret of that name in `data_dir/secrets.json`, made at its first use.

    Raises `SettingsError` when the file can't be read or written.
    """
    path = data_dir / "secrets.json"
    try:
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if name not in kept:
            kept[name] = secrets.token_urlsafe(32)
            data_dir.mkdir(parents=True, exist_ok=True)
            written = path.with_suffix(f".{os.getpid()}")
            written.touch(mode=0o600)
            written.write_text(json.dumps(kept, indent=2) + "\n")
            written.replace(path)
        return kept[name]
    except (OSError, ValueError) as problem:
        raise SettingsError(
            f"DATA_DIR={data_dir} can't be used: {path} can't be read or written ({problem})"
        ) from None
