"""A row of an import or a bulk edit: checked and normalised by the rules of a single contact."""

from __future__ import annotations

from typing import Any

from server.errors import Invalid, TooLarge
from server.schemas.base import parse
from server.schemas.contacts import CONTACT
from server.schemas.fields import Echoed
from server.schemas.mutations import split_echoes
from server.schemas.normalise import normalise_contact


def load_row(fields: dict[str, Any], region: str, clean_phones: bool) -> dict[str, Any]:
    """The fields of one row as they are stored; what is absent stays absent.

    `fields` has the shape of `contacts.ContactFields`, texts as they were typed; what is the
    server's own (`display_name`, a phone's `e164`) is passed over. `region` is the tenant's
    (ISO 3166, two letters), `clean_phones` rewrites phones to their international form.
    Raises Invalid with `fields` by path (`emails.0.value`), also for a row that is too large,
    whose path is "".
    """
    try:
        loaded = parse(CONTACT.create_fields, fields)
    except TooLarge as error:
        raise Invalid(error.message, fields=error.fields) from None
    # Normalising makes items anew, of what is theirs; so only whole fields have to be taken out.
    if Echoed in map(type, loaded.values()):
        loaded, _ = split_echoes(loaded)
    return normalise_contact(loaded, region, clean_phones)
