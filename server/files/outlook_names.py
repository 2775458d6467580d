"""Outlook's columns in the languages that it speaks besides English.

German, French, Spanish, Italian, Dutch, Polish, Portuguese, Japanese: a field, and what the
export calls it. Of the same column the newer versions of Outlook have other names than older ones.
"""

from __future__ import annotations

import re

_NAMES = """
first_name: vorname | prénom | nombre | nome | voornaam | imię | primeiro nome | 名
first_name: weitere vornamen | deuxième prénom | segundo nombre | secondo nome | middelste naam |
 tweede voornaam | drugie imię | segundo nome | ミドル ネーム
last_name: nachname | nom | apellidos | cognome | achternaam | nazwisko | sobrenome | 姓
company: firma | société | organización | società | bedrijf | empresa | 会社名
department: abteilung | service | departamento | reparto | afdeling | dział | 部署
job_title: position | titre (2) | titre1 | puesto | posizione | functie | stanowisko | cargo |
 役職
birthday: geburtstag | anniversaire | cumpleaños | compleanno | verjaardag | urodziny | 誕生日
notes: notizen | notas | note | notities | notatki | anotações | メモ
tags: kategorien | catégories | categorías | categorie | categorieën | kategorie | categorias |
 分類 | キーワード
emails: e-mail-adresse | e-mail 2: adresse | e-mail 3: adresse | adresse de messagerie |
 adresse de messagerie 2 | adresse de messagerie 3 | dirección de correo electrónico |
 dirección de correo electrónico 2 | dirección del correo electrónico 3 |
 dirección de correo electrónico 3 | indirizzo posta elettronica | indirizzo posta elettronica 2 |
 indirizzo posta elettronica 3 | e-mailadres | e-mailadres 2 | e-mailadres 3 | adres e-mail |
 adres e-mail 2 | adres e-mail 3 | endereço de email | endereço de email 2 | endereço de email 3 |
 電子メール アドレス | 電子メール 2 アドレス | 電子メール 3 アドレス
-: e-mail-typ | e-mail 2: typ | e-mail 3: typ | e-mail: angezeigter name |
 e-mail 2: angezeigter name | e-mail 3: angezeigter name | type de messagerie |
 type de messagerie 2 | type de messagerie 3 | nom complet de l'adresse de messagerie |
 nom complet de l'adresse de messagerie 2 | nom complet de l'adresse de messagerie 3 |
 tipo de correo electrónico | tipo de correo electrónico 2 | tipo de correo electrónico 3 |
 nombre de pantalla de correo electrónico | nombre de pantalla de correo electrónico 2 |
 nombre de pantalla de correo electrónico 3 | tipo posta elettronica | tipo posta elettronica 2 |
 tipo posta elettronica 3 | nome visualizzato posta elettronica |
 nome visualizzato posta elettronica 2 | nome visualizzato posta elettronica 3 | rodzaj e-mail |
 rodzaj e-mail 2 | rodzaj e-mail 3 | wyświetlana nazwa e-mail | wyświetlana nazwa e-mail 2 |
 wyświetlana nazwa e-mail 3 | tipo de email | tipo de email 2 | tipo de email 3 |
 nome para exibição do email | nome para exibição do email 2 | nome para exibição do email 3 |
 電子メールの種類 | 電子メール 2 の種類 | 電子メール 3 の種類 | 電子メール表示名 |
 電子メール 2 表示名 | 電子メール 3 表示名
-: initialen | initiales | iniciales | iniziali | inicjały | iniciais | イニシャル | priorität |
 priorité | prioridad | priorità | priorytet | prioridade | 優先度 | privat | privé | privado |
 privato | prywatne | particular (privado) | プライベート | vertraulichkeit |
 critère de diffusion | confidencialidad | riservatezza | charakter | sensibilidade | 秘密度
websites: webseite | page web | página web | pagina web | webpagina | strona sieci web |
 página da web | web ページ
phones.mobile: mobiltelefon | mobiltelefon 2 | tél. mobile | teléfono móvil | móvil | cellulare |
 mobiele telefoon | telefon komórkowy | telefone celular | 携帯電話
phones.work: telefon geschäftlich | telefon geschäftlich 2 | téléphone (bureau) |
 téléphone 2 (bureau) | teléfono del trabajo | teléfono del trabajo 2 | ufficio | ufficio 2 |
 telefoon op werk | telefoon op werk 2 | telefon służbowy | telefon służbowy 2 |
 telefone comercial | telefone comercial 2 | 会社電話 | 会社電話 2
phones.home: telefon privat | telefon privat 2 | telefon (privat) | telefon (privat 2) |
 téléphone (domicile) | téléphone 2 (domicile) | particular | particular 2 | abitazione |
 abitazione 2 | telefoon thuis | telefoon thuis 2 | telefon domowy | telefon domowy 2 |
 telefone residencial | telefone residencial 2 | 自宅電話 | 自宅電話 2
phones.primary: haupttelefon | téléphone principal | teléfono principal | telefono principale |
 telefon podstawowy | telefone principal | 通常の電話
phones.main: telefon firma | téléphone société | número de centralita de la organización |
 telefono principale società | główny telefon do firmy | telefone principal da empresa |
 会社代表電話
phones.other: weiteres telefon | téléphone (autre) | otro teléfono | altro telefono |
 andere telefoon | inny telefon | outro telefone | その他の電話
phones.car: autotelefon | téléphone (voiture) | telefono auto | autotelefoon |
 telefon w samochodzie | telefone do carro | 自動車電話
phones.radio: radio téléphone | radioteléfono | radiotelefoon | radiofone |
 無線電話
phones.assistant: telefon assistent | téléphone de l'assistant(e) | telefono assistente |
 telefoon assistent | telefon asystenta | telefone do assistente | 秘書の電話
phones.callback: rückmeldung | rappel | devolución de llamada | richiamata automatica |
 terugbellen | wywołanie zwrotne | retorno de chamada | コールバック
phones.tty: telefon für hörbehinderte | téléphone tdd/tty | número de teletipo |
 telefone tty/tdd | tty/tdd
phones.isdn: isdn | rnis
phones.pager: pager | récepteur de radiomessagerie | ポケットベル
phones.telex: telex | télex | テレックス
phones.work fax: fax geschäftlich | télécopie (bureau) | fax del trabajo | fax (uff.) |
 fax op werk | faks służbowy | fax comercial | 会社 fax
phones.home fax: fax privat | télécopie (domicile) | fax particular | fax (ab.) | fax thuis |
 faks domowy | fax residencial | 自宅 fax
phones.other fax: weiteres fax | télécopie (autre) | otro fax | altro fax | andere fax |
 inny faks | outro fax | その他の fax
addresses.work.street: straße geschäftlich | straße geschäftlich 2 | straße geschäftlich 3 |
 postfach geschäftlich | rue (bureau) | rue (bureau) 2 | rue (bureau) 3 | b.p. professionnelle |
 calle del trabajo | calle del trabajo 2 | calle del trabajo 3 | via (uff.) | via (uff.) 2 |
 via (uff.) 3 | werkadres, straat | adres służbowy - ulica | adres służbowy - ulica 2 |
 adres służbowy - ulica 3 | rua do endereço comercial | rua do endereço comercial 2 |
 rua do endereço comercial 3 | 番地 (会社) | 住所 2 (会社) | 住所 3 (会社) | 会社住所私書箱
addresses.work.city: ort geschäftlich | ville (bureau) | ciudad de trabajo | città (uff.) |
 werkplaats | werkadres, plaats | adres służbowy - miejscowość | cidade do endereço comercial |
 市町村 (会社)
addresses.work.region: region geschäftlich | bundesland/kanton geschäftlich |
 dép/région (bureau) | provincia o estado de trabajo | provincia (uff.) | werkprovincie |
 adres służbowy - województwo | estado do endereço comercial | 都道府県 (会社)
addresses.work.postal_code: postleitzahl geschäftlich | code postal (bureau) |
 código postal del trabajo | cap (uff.) | werkadres, postcode | adres służbowy - kod pocztowy |
 cep do endereço comercial | 郵便番号 (会社)
addresses.work.country: land/region geschäftlich | land geschäftlich | pays/région (bureau) |
 pays (bureau) | país o región del trabajo | paese (uff.) | land/regio (werk) | werkland |
 adres służbowy - kraj/region | país/região da empresa | 国 (会社)/地域
addresses.home.street: straße privat | straße privat 2 | straße privat 3 | postfach privat |
 rue (domicile) | rue (domicile) 2 | rue (domicile) 3 | boîte postale du domicile |
 calle particular | calle del domicilio | via (ab.) | via (ab.) 2 | via (ab.) 3 |
 huisadres, straat | adres domowy - ulica | adres domowy - ulica (2) | adres domowy - ulica (3) |
 endereço residencial | endereço residencial 2 | endereço residencial 3 | 番地 (自宅) |
 住所 2 (自宅) | 住所 3 (自宅) | 自宅住所私書箱
addresses.home.city: ort privat | ville (domicile) | ciudad del domicilio | città (ab.) |
 huisadres, plaats | adres domowy - miejscowość | cidade do endereço residencial | 市町村 (自宅)
addresses.home.region: bundesland/kanton privat | region privat | dép/région (domicile) |
 provincia o estado del domicilio | provincia (ab.) | adres domowy - województwo | 都道府県 (自宅)
addresses.home.postal_code: postleitzahl privat | code postal (domicile) |
 código postal del domicilio | cap (ab.) | huisadres, postcode | adres domowy - kod pocztowy |
 cep do endereço residencial | 郵便番号 (自宅)
addresses.home.country: land/region privat | land privat | pays/région (domicile) |
 pays (domicile) | país o región del domicilio | paese (ab.) | land/regio (thuis) |
 adres domowy - kraj/region | país/região de residência | 国 (自宅)/地域
addresses.other.street: weitere straße | weitere straße 2 | weitere straße 3 | weiteres postfach |
 rue (autre) | rue (autre) 2 | rue (autre) 3 | autre boîte postale | otra calle | otra calle 2 |
 otra calle 3 | altra via | altra via 2 | altra via 3 | ander adres, straat | inny adres - ulica |
 outro endereço | outro endereço 2 | outro endereço 3 | 番地 (その他) | 住所 2 (その他) |
 住所 3 (その他)
addresses.other.city: weiterer ort | ville (autre) | otra ciudad | altra città |
 ander adres, plaats | inny adres - miejscowość | 市町村 (その他)
addresses.other.region: weiteres/r bundesland/kanton | weitere region | dép/région (autre) |
 otra provincia o estado | altra provincia | inny adres - województwo | outro estado |
 都道府県 (その他)
addresses.other.postal_code: weitere postleitzahl | code postal (autre) | otro código postal |
 altro cap | ander adres, postcode | inny adres - kod pocztowy | 郵便番号 (その他)
addresses.other.country: weiteres/e land/region | weiteres land | pays/région (autre) |
 otro país o región | altro paese | land/regio (anders) | inny adres - kraj/region |
 outro país/região | 国 (その他)/地域
"""
# No other program's table is called so; a table with three of them is Outlook's.
_TELLING = re.compile(
    r".*(?: geschäftlich| privat|\((?:bureau|domicile|uff\.|ab\.)\)| de messagerie|[ -]typ"
    r"|angezeigter name| del? (?:trabajo|domicilio)| posta elettronica|op werk|thuis|werkadres, .*"
    r"|huisadres, .*|adres (?:służbowy|domowy) - .*|endereço (?:comercial|residencial)"
    r"|\((?:会社|自宅|その他)\)(?:/地域)?|電子メール.*)(?: ?\(?[23]\)?)?"
)
_ENOUGH = 3


def _by_name() -> dict[str, str | None]:
    paths: dict[str, str | None] = {}
    for line in _NAMES.replace("\n ", " ").strip().splitlines():
        path, _, names = line.partition(": ")
        for name in names.split("|"):
            paths.setdefault(name.strip(), None if path == "-" else path)
    return paths


TRANSLATED = _by_name()


def is_translated(names: set[str]) -> bool:
    """Whether columns, in small letters, are Outlook's in one of these languages."""
    telling = [name for name in names if name in TRANSLATED and _TELLING.fullmatch(name)]
    paths = {TRANSLATED[name] for name in names if name in TRANSLATED}
    return len(telling) >= _ENOUGH and bool(paths & {"last_name", "first_name"})
