"""Who logs in where, kept out of every text that leaves this process: ours, and other libraries' inside ours.

What a command was given is remembered, and taken out in every spelling; so is what an address of any server gives
away by its form. A short password, or a user's name, is taken out only where a text says that it is one: without any
"p" nothing could be read.
"""

import re
from collections.abc import Mapping, Sequence

from harness.outgoing.spellings import basic, spellings

HIDDEN = "***"
ADDRESS_OPTIONS = ("--storage", "--tracking-uri")
ADDRESS_VARIABLES = (
    *("HARNESS_STORAGE", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_S3_ENDPOINT_URL"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
)
USER_VARIABLE, PASSWORD_VARIABLE = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
SECRET_VARIABLES = (
    *(PASSWORD_VARIABLE, "MLFLOW_TRACKING_TOKEN", "PGPASSWORD", "MYSQL_PWD"),
    *("DATABRICKS_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
)
_HARMLESS = {"sslmode", "ssl_mode", "charset", "timeout", "connect_timeout", "application_name", "mode", "cache"}
_SECRET_NAME = r"[\w-]{0,40}(?:password|passwd|pwd|token|secret|api_?key|access_?key|signature|auth)[\w-]{0,40}"  # noqa: S105

# Of any address and any header, whoever it belongs to; a short name before "@" is a user's, as our own advice has it.
_ALWAYS = (
    (re.compile(r"(?<=://)(?:[^\s/?#'\"<>@:]*:[^\s/?#'\"<>@]*|[^\s/?#'\"<>@]{12,})@"), ""),
    (re.compile(rf"([?&;]{_SECRET_NAME}=)[^&;\s'\"<>#)]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(authorization['\"]?\s*[:=]\s*['\"]?(?:basic|bearer)\s+)[^\s'\"]+", re.IGNORECASE), rf"\1{HIDDEN}"),
)
_known: dict[str, str] = {}
"""Regular expressions and what takes the place of their matches."""


def without_secrets(text: str) -> str:
    """Return a text without users, passwords, tokens and options of addresses."""
    for pattern in sorted(_known, key=len, reverse=True):
        text = re.sub(pattern, _known[pattern], text, flags=re.IGNORECASE)
    for always, replacement in _ALWAYS:
        text = always.sub(replacement, text)
    return text


def remember_process(arguments: Sequence[str], variables: Mapping[str, str]) -> None:
    """Remember all secrets that a command line and its environment hold."""
    for before, argument in zip(("", *arguments), arguments, strict=False):
        option, _, value = argument.partition("=")
        if before in ADDRESS_OPTIONS:
            remember(argument)
        elif option in ADDRESS_OPTIONS or "://" in argument:
            remember(argument if "://" in option else value)
    for name in ADDRESS_VARIABLES:
        remember(variables.get(name, ""))
    user = variables.get(USER_VARIABLE, "")
    _remember_user(user)
    for name in SECRET_VARIABLES:
        _remember_secret(variables.get(name, ""))
    if password := variables.get(PASSWORD_VARIABLE, ""):
        _remember_secret(basic(user, password))


def remember(address: str) -> None:
    """Remember an address: its user, password, options and fragment are then taken out of every text."""
    scheme, sign, rest = address.partition("://")
    rest = rest if sign else address
    if _is_file(scheme, rest):
        return
    if shown_address(address) != address:
        _known[re.escape(address)] = _replacement(shown_address(address))
    for login in _logins(rest):
        user, sign, password = login.partition(":")
        for one in spellings(login):
            _known[re.escape(f"{one}@")] = ""
        _remember_user(user)
        _remember_secret(password if sign else user)  # a token may stand in the place of both
        _remember_secret(basic(user, password) if password else "")
    options, _, fragment = rest.partition("?")[2].partition("#")
    _remember_secret(fragment or rest.partition("#")[2])
    for option in filter(None, re.split("[&;]", options)):
        name, sign, value = option.partition("=")
        if name not in _HARMLESS:
            _remember_option(name, value) if sign else _remember_secret(name)


def shown_address(uri: str) -> str:
    """Return an address that may be shown: without user, password and options."""
    scheme, sign, rest = uri.partition("://")
    if not sign:
        return "(not an address)" if re.search("@|[?&;].*=", uri) else uri
    if _is_file(scheme, rest):
        return f"{scheme}://{rest.partition('?')[0]}"
    place = rest.rpartition("@")[2] if len(_logins(rest)) == 1 else rest
    if "@" in place or (place != rest and "?" in rest.rpartition("@")[0]):
        return f"{scheme}://{HIDDEN}"  # where the login ends cannot be told
    return f"{scheme}://{re.split('[?#]', place)[0]}"


def _is_file(scheme: str, rest: str) -> bool:
    return scheme.partition("+")[0] == "sqlite" and rest.startswith("/")


def _logins(rest: str) -> list[str]:
    """Return what stands before the "@" of an address, in each way that a library may read it."""
    place = re.split("[/?#]", rest)[0]
    return list(dict.fromkeys(part.rpartition("@")[0] for part in (place, rest) if "@" in part))


def _remember_user(user: str) -> None:
    """A user's name is taken out where a text says that it is one; elsewhere it may be any word."""
    for one in spellings(user):
        _known[rf"(?<!\w){re.escape(one)}@"] = ""
        _known[rf"\b(user(?:_?name)?|role|login|account)(\b\W{{1,4}}){re.escape(one)}(?!\w)"] = rf"\1\2{HIDDEN}"


def _remember_option(name: str, value: str) -> None:
    if name in ("user", "username"):
        _remember_user(value)
        return
    _remember_secret(value)
    for one in spellings(value):
        _known[rf"\b({re.escape(name)}=){re.escape(one)}"] = rf"\1{HIDDEN}"


def _remember_secret(secret: str) -> None:
    for one in spellings(secret):
        if _tells(secret):
            _known[re.escape(one)] = HIDDEN
        else:
            _known[rf"\b({_SECRET_NAME}\W{{1,4}}){re.escape(one)}(?!\w)"] = rf"\1{HIDDEN}"


def _tells(secret: str) -> bool:
    """Return whether a secret can be told from words and figures of a text."""
    if secret.isdigit():
        return len(secret) >= 8
    return len(secret) >= (6 if secret.isalpha() else 4)


def _replacement(text: str) -> str:
    return text.replace("\\", r"\\")
