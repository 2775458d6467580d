"""A contact as clients write it. `normalise.normalise_contact` brings it into stored form."""

from __future__ import annotations

import re
from datetime import date
from math import isfinite
from typing import Any

from marshmallow import ValidationError, fields

from server.schemas.base import FieldbookSchema
from server.schemas.fields import (
    MAX_INTEGER,
    Choice,
    Echo,
    Flag,
    Id,
    Items,
    Part,
    Text,
    Worded,
)
from server.schemas.mutations import mutation_schemas
from server.schemas.rows import RowSchema

MAX_CONTACT_BYTES = 64 * 1024
MAX_ITEMS = 50
MAX_IDS = 500
MAX_CUSTOM = 200
MAX_CUSTOM_NAME = 100
MAX_CUSTOM_TEXT = 5_000
_BIRTHDAY = re.compile(r"([0-9]{4}|-)-([0-9]{2})-([0-9]{2})")


class Birthday(Worded, fields.String):
    """`YYYY-MM-DD`, or `--MM-DD` when the year is not known; a day that exists."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        parts = _BIRTHDAY.fullmatch(value) if isinstance(value, str) else None
        if not parts:
            raise ValidationError("This must be YYYY-MM-DD, or --MM-DD without the year.")
        year, month, day = parts.groups()
        try:
            # A leap year stands for the unknown one, so that 29 February is accepted.
            date(2000 if year == "-" else int(year), int(month), int(day))
        except ValueError:
            raise ValidationError("There is no such day.") from None
        return parts.group()


class Custom(Worded, fields.Dict):
    """`{name: value}` of the tenant's own fields: texts, numbers, true, false, null."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise ValidationError("This must be a JSON object of names and values.")
        if len(value) > MAX_CUSTOM:
            raise ValidationError(f"At most {MAX_CUSTOM} names; these are {len(value)}.")
        faults = {name: [fault] for name in value if (fault := _custom_fault(name, value[name]))}
        if faults:
            raise ValidationError(faults)
        return dict(value)


def _custom_fault(name: str, value: object) -> str | None:
    if not name.strip() or len(name) > MAX_CUSTOM_NAME:
        return f"A name needs 1 to {MAX_CUSTOM_NAME} characters."
    if isinstance(value, str):
        long = len(value) > MAX_CUSTOM_TEXT
        return f"This is longer than {MAX_CUSTOM_TEXT:,} characters." if long else None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float) and not isfinite(value):
        return "This must be a finite number."
    if isinstance(value, int | float):
        # Fractions too: the database writes 1e100 out, and clients refuse a number so long; and
        # an integer beyond 64 bits arrives here as a fraction that is no longer it.
        small = -MAX_INTEGER <= value <= MAX_INTEGER
        return None if small else "This is too large to be exact; send it as text."
    return "This must be a text, a number, true, false or null."


class _IdChangeSchema(FieldbookSchema):
    add = Items(Id(), limit=MAX_IDS)
    remove = Items(Id(), limit=MAX_IDS)


class IdSet(Items):
    """A list of ids, meant as a whole, or what to `{"add": [], "remove": []}`; no id twice.

    Gives the list, or a dict that has both keys.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Id(), limit=MAX_IDS, **kwargs)
        self.change = _IdChangeSchema()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, list):
            return list(dict.fromkeys(super()._deserialize(value, attr, data, **kwargs)))
        if not isinstance(value, dict):
            raise ValidationError('This must be a list of ids, or {"add": [], "remove": []}.')
        change = self.change.load(value)
        add = list(dict.fromkeys(change.get("add", ())))
        remove = list(dict.fromkeys(change.get("remove", ())))
        if not set(add).isdisjoint(remove):
            raise ValidationError("An id can't be in both add and remove.")
        return {"add": add, "remove": remove}


class EmailSchema(FieldbookSchema):
    """One e-mail address of a contact."""

    label = Text(100, allow_none=True, metadata={"example": "work"})
    value = Text(500, allow_none=True, metadata={"example": "ann@example.com"})


class PhoneSchema(FieldbookSchema):
    """One phone number of a contact, as it was typed."""

    label = Text(100, allow_none=True, metadata={"example": "mobile"})
    value = Text(200, allow_none=True, metadata={"example": "044 668 18 00"})
    e164 = Echo(metadata={"description": "The server's: the number as `+41446681800`."})


class AddressSchema(FieldbookSchema):
    """One postal address of a contact."""

    label = Text(100, allow_none=True, metadata={"example": "office"})
    street = Text(500, allow_none=True)
    city = Text(200, allow_none=True)
    region = Text(200, allow_none=True)
    postal_code = Text(50, allow_none=True)
    country = Text(200, allow_none=True)


class WebsiteSchema(FieldbookSchema):
    """One website of a contact."""

    label = Text(100, allow_none=True)
    value = Text(2_000, allow_none=True, metadata={"example": "https://example.com"})


class Website(Part):
    """`{label, value}`, or the address alone as a text."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, partial: Any = None, **kwargs: Any
    ) -> Any:
        item = {"value": value} if isinstance(value, str) else value
        return super()._deserialize(item, attr, data, partial=partial, **kwargs)


def _consent(channel: str) -> Choice:
    return Choice(
        "opted_in",
        "opted_out",
        allow_none=True,
        metadata={"description": f"Whether they agreed to be reached by {channel}."},
    )


class PreferencesSchema(FieldbookSchema):
    """By which ways the contact agreed to be reached."""

    email = _consent("e-mail")
    phone = _consent("phone")
    sms = _consent("text message")


class ContactFields(FieldbookSchema):
    """What clients may write of a contact; null clears a field."""

    external_id = Text(500, allow_none=True, metadata={"description": "Its id in your CRM."})
    first_name = Text(500, allow_none=True, metadata={"example": "Ann"})
    last_name = Text(500, allow_none=True, metadata={"example": "Lee"})
    company = Text(500, allow_none=True, metadata={"example": "Lee & Sons"})
    department = Text(500, allow_none=True)
    job_title = Text(500, allow_none=True)
    emails = Items(Part(EmailSchema(partial=True)), limit=MAX_ITEMS, allow_none=True)
    phones = Items(Part(PhoneSchema(partial=True)), limit=MAX_ITEMS, allow_none=True)
    addresses = Items(Part(AddressSchema(partial=True)), limit=MAX_ITEMS, allow_none=True)
    websites = Items(Website(WebsiteSchema(partial=True)), limit=MAX_ITEMS, allow_none=True)
    birthday = Birthday(allow_none=True, metadata={"example": "--04-12"})
    notes = Text(20_000, allow_none=True)
    custom = Custom(
        allow_none=True,
        metadata={"description": "Your own fields: texts, numbers, true, false or null."},
    )
    preferences = Part(PreferencesSchema(partial=True), allow_none=True)
    tag_ids: Items = IdSet(allow_none=True)
    group_ids: Items = IdSet(allow_none=True)
    type_ids: Items = IdSet(allow_none=True)
    owner_id = Id(allow_none=True, metadata={"description": "The agent who looks after it."})
    active = Flag()


class SentPhoneSchema(FieldbookSchema):
    """One phone number of a contact as it goes out."""

    label = Text(100)
    value = Text(200, required=True, metadata={"example": "044 668 18 00"})
    e164 = Text(20, metadata={"example": "+41446681800"})


class PhotoSchema(FieldbookSchema):
    """A contact's picture."""

    hash = Text(200, required=True)
    url = Text(2_000, required=True)


class ContactSchema(RowSchema, ContactFields):
    """A contact as it goes out; what is empty is left out."""

    display_name = Text(1_100, metadata={"example": "Ann Lee"})
    phones = Items(Part(SentPhoneSchema()), limit=MAX_ITEMS)
    tag_ids = Items(Id(), limit=MAX_IDS)
    group_ids = Items(Id(), limit=MAX_IDS)
    type_ids = Items(Id(), limit=MAX_IDS)
    photo = Part(PhotoSchema())
    active = Flag(required=True)


CONTACT = mutation_schemas(
    "contact",
    ContactFields,
    ContactSchema,
    maps=("custom", "preferences"),
    sets=("tag_ids", "group_ids", "type_ids"),
    create_only={
        "email": Text(500, allow_none=True, metadata={"description": "The first of `emails`."}),
        "phone": Text(200, allow_none=True, metadata={"description": "The first of `phones`."}),
    },
    echoes=("display_name", "photo"),
    max_bytes=MAX_CONTACT_BYTES,
)
