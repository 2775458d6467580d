"""What columns are usually called, in the languages of most files: the proposed mapping.

English, German, French, Spanish, Italian, Polish, Portuguese, Dutch, Swedish, Danish, Norwegian,
Czech, Finnish, Hungarian, Turkish, Russian, Chinese, Japanese, Korean; and as Thunderbird, Zoho,
Pipedrive and Dynamics say it. Names are compared
folded: without accents, capitals, spaces and signs, so that `E-Mail`, `email` and `E mail`
are one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_NAMES = """
external_id: external id, id, contact id, customer id, customer number, customer no, record id,
 crm id, kundennummer, kunden nr, kundennr, kontakt id, identifiant, id client, numero client,
 numero de client, id cliente, numero cliente, codice cliente, numer klienta, id klienta,
 klantnummer, do not modify contact, asiakasnumero, kundnummer, zakaznicke cislo, 客户编号,
 顧客番号, 고객번호, код клиента
first_name: first name, firstname, given name, forename, fname, first, vorname, prenom, nombre,
 nombres, nombre de pila, nome, imie, primeiro nome, voornaam, fornamn, fornavn, jmeno, krestni
 jmeno, etunimi, keresztnev, utonev, adi, имя, 名, 名字, 이름
last_name: last name, lastname, surname, family name, lname, last, nachname, familienname, zuname,
 nom de famille, nom, apellido, apellidos, primer apellido, cognome, nazwisko, sobrenome, apelido,
 achternaam, efternamn, etternavn, efternavn, prijmeni, sukunimi, vezeteknev, csaladnev, soyad,
 soyadi, фамилия, 姓, 姓氏, 성
name: name, full name, fullname, contact name, contact, display name, person, customer name,
 client name, vollstandiger name, ganzer name, kontakt, kontaktname, ansprechpartner, nom complet,
 nom et prenom, nombre completo, nombre y apellidos, nome completo, nome e cognome, nominativo,
 imie i nazwisko, nome do contato, volledige naam, naam, anzeigename, contact full name, person
 name, namn, navn, cele jmeno, jmeno a prijmeni, nimi, koko nimi, nev, teljes nev, ad soyad, adi
 soyadi, isim, фио, полное имя, имя и фамилия, 姓名, 氏名, 名前, お名前, 联系人, 성명, 성함
company: company, associated company, company name, organization, organisation, organization name,
 organisation name, employer, account, account name, business, business name, firma, firmenname,
 unternehmen, organisation firma, entreprise, societe, raison sociale, empresa, compania,
 organizacion, azienda, societa, ditta, ragione sociale, firma nazwa, nazwa firmy,
 przedsiebiorstwo, bedrijf, bedrijfsnaam, person organization, foretag, foretagsnamn, virksomhed,
 selskap, bedrift, spolecnost, yritys, ceg, cegnev, sirket, firma adi, компания, организация,
 фирма, 公司, 公司名称, 单位, 会社, 会社名, 企業名, 회사, 회사명
department: department, dept, division, abteilung, bereich, departement, service, departamento,
 reparto, dipartimento, dzial, wydzial, afdeling, avdelning, afdeling navn, avdeling, oddeleni,
 osasto, osztaly, departman, отдел, 部门, 部署, 部署名, 부서
job_title: job title, jobtitle, title, position, role, job, function, occupation,
 berufsbezeichnung, stellenbezeichnung, funktion, beruf, stelle, poste, fonction, titre du poste,
 cargo, puesto, posicion, qualifica, posizione, ruolo, mansione, stanowisko, funkcja, functie,
 befattning, stilling, pozice, funkce, tehtavanimike, titteli, beosztas, unvan, gorevi, должность,
 职位, 职务, 役職, 役職名, 직위, 직책, 직함
birthday: birthday, birth date, birthdate, date of birth, dob, bday, geburtstag, geburtsdatum,
 date de naissance, anniversaire, naissance, fecha de nacimiento, cumpleanos, data di nascita,
 compleanno, nascita, data urodzenia, urodziny, data de nascimento, aniversario, geboortedatum,
 verjaardag, fodelsedag, fodelsedatum, fodselsdag, fodselsdato, datum narozeni, narozeniny,
 syntymapaiva, syntymaaika, szuletesnap, szuletesi datum, dogum tarihi, dogum gunu, дата рождения,
 день рождения, 生日, 出生日期, 誕生日, 生年月日, 생일, 생년월일
notes: notes, note, comment, comments, remarks, remark, description, memo, notiz, notizen,
 bemerkung, bemerkungen, kommentar, anmerkung, anmerkungen, remarque, remarques, commentaire,
 commentaires, notas, nota, observaciones, comentarios, comentario, annotazioni, osservazioni,
 commenti, notatki, notatka, uwagi, opis, observacoes, opmerkingen, notities, anteckningar,
 anteckning, kommentarer, noter, bemaerkninger, notat, notater, poznamka, poznamky, muistiinpanot,
 huomautus, megjegyzes, notlar, aciklama, примечание, примечания, заметки, комментарий,
 комментарии, 备注, 備考, メモ, 비고, 메모
tags: tags, tag, labels, label, categories, category, keywords, schlagworte, schlagworter,
 etiketten, kategorie, kategorien, etiquettes, etiquette, categorie, etiquetas, etiqueta,
 categoria, categorias, etichette, etichetta, tagi, etykiety, kategorie kontaktu, person label,
 etiketter, stitky, etiketler, теги, метки, 标签, タグ, 태그
groups: groups, group, gruppe, gruppen, groupe, groupes, grupo, grupos, gruppo, gruppi, grupa,
 grupy, lists, list membership
types: types, type, contact type, kontakttyp, typ, type de contact, tipo, tipo de contacto, tipo
 di contatto, typ kontaktu
active: active, is active, aktiv, actif, activo, attivo, aktywny
emails: email, email address, e mails, emails, mail, mail address, primary email, email adresse,
 mailadresse, courriel, adresse email, adresse mail, adresse electronique, adresse e mail, correo,
 correo electronico, direccion de correo, indirizzo email, indirizzo e mail, posta elettronica,
 adres email, adres e mail, poczta, endereco de email, mailadres, e mailadres, secondary email,
 alternate email, other email, email id, email addresses, person email, primare email adresse,
 sekundare email adresse, epost, e postadress, epostadress, epostadresse, emailadresse,
 sahkoposti, sahkopostiosoite, email cim, e posta, eposta, e posta adresi, электронная почта,
 почта, адрес электронной почты, эл почта, имейл, 邮箱, 电子邮件, 电子邮箱, メール,
 メールアドレス, eメール, 이메일, 전자메일
emails.work: work email, business email, office email, email work, email geschaftlich,
 geschaftliche email, email professionnel, correo trabajo, email lavoro, email aziendale, email
 sluzbowy, person email work, email dienstlich, arbetse post
emails.home: home email, personal email, private email, email home, email privat, private e mail,
 email personnel, correo personal, email personale, email prywatny, person email home
emails.other: person email other
phones: phone, contact number, phone number, phones, telephone, telephone number, tel, tel no,
 phone no, primary phone, telefon, telefonnummer, rufnummer, numero de telephone, telefono, numero
 de telefono, numero di telefono, nr telefonu, numer telefonu, telefone, telefoon, telefoonnummer,
 person phone, telefonnr, tel nr, telephone no, telefonszam, telefonni cislo, puhelin,
 puhelinnumero, telefon numarasi, телефон, номер телефона, тел, 电话, 电话号码, 联系电话, 電話,
 電話番号, 전화, 전화번호
phones.mobile: mobile, mobile phone, mobile number, mobile phone number, cell, cell phone,
 cellphone, cellular, mobil, mobiltelefon, mobilnummer, handy, handynummer, natel, portable,
 telephone portable, telephone mobile, movil, telefono movil, celular, telefono celular,
 cellulare, telefono cellulare, komorka, telefon komorkowy, komorkowy, telemovel, mobiel, cell
 number, cell no, mobile no, person phone mobile, mobil tel nr, mobiltelefonnummer, handynr, handy
 nr, mobilni telefon, matkapuhelin, mobiltelefon szam, cep telefonu, cep tel, мобильный, мобильный
 телефон, мобильный тел, сотовый, 手机, 手机号, 手机号码, 携帯, 携帯電話, 携帯番号, 휴대폰,
 휴대전화, 핸드폰
phones.work: work phone, business phone, office phone, phone work, telefon geschaftlich, telefon
 geschaft, telefon buro, telephone professionnel, telephone bureau, tel pro, telefono trabajo,
 telefono oficina, telefono del trabajo, telefono ufficio, telefono lavoro, telefon sluzbowy,
 telefon do pracy, person phone work, direct phone, tel dienstlich, telefon dienstlich, tel
 geschaftlich, telefon arbeit, arbetstelefon, arbejdstelefon, рабочий телефон, 公司电话, 会社電話,
 회사전화
phones.home: home phone, private phone, phone home, telefon privat, telephone domicile, telephone
 personnel, telefono casa, telefono particular, telefono de casa, telefono abitazione, telefon
 domowy, telefon prywatny, person phone home, tel privat, hemtelefon, hjemmetelefon, домашний
 телефон, 住宅电话, 自宅電話, 집전화
phones.fax: fax, fax number, faxnummer, telefax, telecopie, numero de fax, faks, факс, 传真,
 ファックス, 팩스
phones.other: person phone other, other phone, sonstiges telefon
phones.pager: pager, pager number, pager nummer
websites: website, web site, web page, webpage, url, homepage, home page, www, web, website url,
 internet, webseite, internetseite, site web, site internet, sitio web, pagina web, sito web,
 sito, sito internet, strona www, strona internetowa, strona, person website, personal website,
 business website, company website, webbplats, hemsida, hjemmeside, nettside, webove stranky,
 kotisivu, verkkosivu, weboldal, honlap, web sitesi, сайт, веб сайт, 网站, 网址, ホームページ,
 ウェブサイト, 홈페이지, 웹사이트
addresses.work.street: business street, work street, office street, street work, strasse
 geschaftlich, work address, business address, adresse dienstlich, office address, рабочий адрес
addresses.work.city: business city, work city, city work, ort geschaftlich, stadt dienstlich, ort
 dienstlich
addresses.work.region: business state, work state, region geschaftlich, bundesland dienstlich
addresses.work.postal_code: business postal code, business zip, work zip, postleitzahl
 geschaftlich, work zip code, plz dienstlich, plz geschaftlich, business zip code
addresses.work.country: business country, business country region, work country, land region
 geschaftlich, land dienstlich, land geschaftlich
addresses.home.street: home street, street home, home address, strasse privat, adresse privat,
 домашний адрес
addresses.home.city: home city, city home, ort privat
addresses.home.region: home state, region privat
addresses.home.postal_code: home postal code, home zip, postleitzahl privat, home zip code, plz
 privat
addresses.home.country: home country, home country region, land region privat, land privat
addresses.1.street: street, addr 1, addr 2, addr 3, street address, address, address 1, address 2,
 address 3, address line 1, address line 2, address line, street 1, street 2, mailing street,
 strasse, str, anschrift, adresse, strasse und hausnummer, strasse nr, rue, adresse postale,
 adresse ligne 1, calle, direccion, domicilio, via, indirizzo, ulica, adres, rua, endereco,
 straat, addr, gatuadress, adress, gade, vej, ulice, katuosoite, osoite, lahiosoite, utca, cim,
 sokak, adresi, улица, адрес, 地址, 街道, 住所, 番地, 주소
addresses.1.city: city, town, locality, mailing city, ort, stadt, wohnort, ville, localite,
 commune, ciudad, localidad, poblacion, citta, comune, localita, miasto, miejscowosc, cidade,
 stad, plaats, woonplaats, postort, mesto, obec, kaupunki, postitoimipaikka, varos, telepules,
 sehir, город, 城市, 市区町村, 市町村, 도시
addresses.1.region: state, region, province, county, state province, state region, mailing state,
 bundesland, kanton, canton, etat, estado, provincia, comunidad autonoma, regione, wojewodztwo,
 provincie, mailing state province, maakunta, megye, регион, область, 省份, 省, 都道府県, 시도
addresses.1.postal_code: zip, zip code, zipcode, postal code, postalcode, postcode, post code, zip
 postal code, plz, postleitzahl, code postal, cp, codigo postal, cap, codice postale, kod
 pocztowy, cep, mailing zip, mailing zip code, mailing code, postnummer, postnr, psc, postinumero,
 iranyitoszam, posta kodu, почтовый индекс, индекс, 邮编, 邮政编码, 郵便番号, 우편번호
addresses.1.country: country, country region, nation, mailing country, land, staat, pays, pais,
 paese, nazione, stato, kraj, panstwo, zeme, stat, maa, orszag, ulke, страна, 国家, 国, 国名, 국가
preferences.email: email opt out, unsubscribed, unsubscribed from all email, has opted out of
 email, opted out of email, hasoptedoutofemail, email opt in, newsletter, email opted out, do not
 allow emails, do not email, donotemail, email optout
preferences.phone: do not call, donotcall, phone opt out, do not allow phone calls, do not allow
 phone, do not phone
preferences.sms: sms opt out, sms opt in
"""
MAX_NAME = 100
_LETTERS = str.maketrans({"ł": "l", "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ı": "i"})
_SIGNS = re.compile(r"[\W_]+")
_UMLAUTS = re.compile(r"(?<=[aou])e")
_NUMBERED = re.compile(r"(.*?)([0-9]{1,2})")


@lru_cache(maxsize=4_096)
def folded(name: str) -> str:
    """The name in small letters and digits alone: `Geburtsdatum (ISO)` gives `geburtsdatumiso`."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    return _SIGNS.sub("", "".join(c for c in plain if not unicodedata.combining(c)))


def _by_name() -> dict[str, str]:
    paths: dict[str, str] = {}
    for line in _NAMES.replace("\n ", " ").strip().splitlines():
        path, _, names = line.partition(":")
        for name in names.split(","):
            paths.setdefault(folded(name), path)
    return paths


_PATHS = _by_name()


def usual_path(name: str) -> str | None:
    """The field that a column of this name usually holds; `Phone 2` is a further phone."""
    if len(name) > MAX_NAME:
        return None
    key = folded(name)
    # Where umlauts are written with two letters: Strasse is there, Buero and Geschaeft are here.
    path = _PATHS.get(key) or _PATHS.get(_UMLAUTS.sub("", key))
    numbered = _NUMBERED.fullmatch(key)
    if path is None and numbered:
        path = _PATHS.get(numbered.group(1))
        if path and path.split(".")[0] not in ("emails", "phones", "websites", "addresses"):
            return None
        if path and path.startswith("addresses.1."):
            # City 2 belongs with Street 2.
            return path.replace(".1.", f".{numbered.group(2)}.")
    return path


def is_usual_name(name: str) -> bool:
    """Whether a column is likely to be called so."""
    return usual_path(name) is not None
