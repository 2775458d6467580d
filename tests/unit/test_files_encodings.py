"""Which encoding a file has, and what the person is told where it does not say so."""

from __future__ import annotations

import pytest

from server.files.model import FileFault
from tests.unit.files_support import opened, read

NAMES = {
    "JP": ("cp932", "山田"),
    "CN": ("gb18030", "王伟"),
    "TW": ("cp950", "陳"),
    "KR": ("cp949", "김철수"),
    "RU": ("cp1251", "Иванов"),
    "PL": ("cp1250", "Łukasz"),
    "GR": ("cp1253", "Γιώργος"),
    "TR": ("cp1254", "Şeker"),
    "IL": ("cp1255", "כהן"),
    "EG": ("cp1256", "أحمد"),
    "LT": ("cp1257", "Žukas"),
    "CH": ("cp1252", "Muñoz"),
}


@pytest.mark.parametrize("region", NAMES)
def test_what_is_not_utf_8_is_read_as_windows_writes_it_in_the_region(region, tmp_path):
    encoding, name = NAMES[region]
    file = opened(tmp_path, f"Name,Email\n{name},a@b.co\n".encode(encoding), region=region)
    file.check()
    assert file.detected["encoding"] == encoding
    assert [row.fields["first_name"] for row in file.rows()] == [name]
    assert f"it was read as {encoding}. If names look wrong, choose another" in file.notes[0]


def test_what_can_not_be_of_the_region_is_read_as_in_western_europe(tmp_path):
    # 0x81 is no character of cp1250, and 0xfc0a is none of cp932.
    for region, octets in (("PL", b"J\xfcrgen \x98"), ("JP", b"J\xfc")):
        file = opened(tmp_path, b"Name,Email\n" + octets + b",a@b.co\n", region=region)
        assert file.detected["encoding"] == "cp1252"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_utf_16_is_known_without_its_mark(encoding, end, tmp_path):
    lines = ["Name;Email;Notes", "Ann;a@b.co;山田太郎", ""]
    file = opened(tmp_path, end.join(lines).encode(encoding))
    assert file.detected == {"format": "csv", "encoding": encoding, "delimiter": ";"}
    assert [row.fields["notes"] for row in file.rows()] == ["山田太郎"]
    assert file.notes == []


def test_a_single_line_that_is_not_utf_8_is_told_with_its_number(tmp_path):
    content = b"Name,Email\n" + "Zoë,a@b.co\n".encode() * 3 + b"Mu\xf1oz,b@b.co\n"
    file = opened(tmp_path, content)
    assert file.detected["encoding"] == "cp1252"
    assert "UTF-8 up to line 5" in file.notes[0]


def test_columns_that_nobody_knows_are_told_with_the_encoding_in_doubt(tmp_path):
    with pytest.raises(FileFault, match="it was read as cp1252. If names look wrong, choose"):
        read(tmp_path, "ФИО,Почта\nИванов,a@b.co\n".encode("cp1251"))
    with pytest.raises(FileFault, match="such as cp1250, cp1251, mac-roman, shift_jis or gb18030"):
        read(tmp_path, "名前,メール\n山田,a@b.co\n".encode("cp932"))


def test_a_mark_that_was_left_inside_of_a_file_is_no_part_of_a_name(tmp_path):
    for content in ("\ufeff\ufeffName,Email\nAnn,a@b.co\n", "Name,Email\n\ufeffAnn,a@b.co\n"):
        file = opened(tmp_path, content)
        assert file.columns == ["Name", "Email"]
        assert [row.fields["first_name"] for row in file.rows()] == ["Ann"]


def test_a_card_is_read_by_the_character_set_that_it_names(tmp_path):
    for name, encoding, person in (
        ("SHIFT_JIS", "shift_jis", "山田"),
        ("ISO-8859-2", "iso8859-2", "Wójcik"),
        ("windows-1251", "cp1251", "Иванов"),
    ):
        card = f"BEGIN:VCARD\nVERSION:2.1\nN;CHARSET={name}:{person};\nTEL:1\nEND:VCARD\n"
        file = opened(tmp_path, card.encode(encoding))
        assert file.detected["encoding"] == encoding
        assert [row.fields["last_name"] for row in file.rows()] == [person]


def test_a_mark_within_the_name_of_our_own_column_stays(tmp_path):
    content = "id,last_name,custom.a\ufeff\nabcdefgh,Lee,9\n"
    (row,) = read(tmp_path, content)
    assert row.fields["custom"] == {"a\ufeff": 9}
