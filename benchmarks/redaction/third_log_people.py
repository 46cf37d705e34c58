"""The people of the third log: made up, of many origins, each with numbers whose check digits are right.

Telephone numbers come from the ranges that regulators keep for drama where there are such; mail goes to reserved domains.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from benchmarks.redaction import third_log_numbers as numbers
from benchmarks.redaction.third_log_marks import marked

# Origin: given names of women, of men, family names. An underscore is a space.
_NAMES = {
    "English": (
        "Beatrix Imogen Philippa Maureen Dawn Tamsin",
        "Alistair Nigel Barnaby Clive Rupert Dwayne",
        "Hathersage Pemberton-Shah Thackeray Ollerenshaw Goodbody Winterbottom Rose Bishop",
    ),
    "Welsh": ("Angharad Ffion Eirlys", "Gethin Iestyn Emyr", "Bowen-Rhys ap_Gwilym Cadwaladr Maddocks"),
    "Scottish": ("Mairi Catriona Isla", "Hamish Fergus Ruaridh", "MacAskill Farquharson Dalgleish McIlwraith"),
    "Irish": ("Gráinne Bríd Orlaith", "Cathal Pádraig Declan", "O'Hanlon Ní_Dhomhnaill McGettigan O'Shaughnessy"),
    "Nigerian": ("Folasade Chidinma Temitope Ebele", "Babatunde Obinna Chukwuemeka Tunde", "Adebayo Nwachukwu Ogunleye Eze"),
    "Indian": ("Lakshmi Gurpreet Meenakshi", "Harjit Venkatesh Rajesh Suresh", "Bhattacharya Dhaliwal Iyer Subramanian"),
    "Pakistani": ("Zainab Saima Nusrat", "Imran Tariq Zulfiqar", "Qureshi Chaudhry Siddiqui Mahmood"),
    "Chinese": ("Jiayi Meiling Ruoxi", "Zhihao Guowei Jianhong", "Xu Ouyang Zheng Lau"),
    "Vietnamese": ("Thị_Mai Bích_Ngọc Tuyết", "Quốc_Bảo Minh_Đức Hữu_Phước", "Võ Đặng Huỳnh Phan"),
    "Turkish": ("Gülşen Nilüfer Zeynep", "Barış Okan Tuncay", "Çelik Karagöz Şimşek Erdoğdu"),
    "Caribbean": ("Marcia Claudette Shanice", "Delroy Leroy Winston", "Braithwaite Cumberbatch Lewin-Grant Blackwood"),
    "American": ("Kaitlyn Savannah Brooke", "Tyler Brandon Earl", "Kowalczyk Delacroix Stubblefield Vandenberg"),
    "German": (
        "Heike Friederike Ursula Käthe Swantje",
        "Jörg Matthias Uwe Götz Eckhard",
        "Grünwald von_Ahlefeld Krämer Weiß Hölderlin Nußbaum Sauerbier Fuchs",
    ),
    "French": (
        "Élodie Mathilde Océane Gisèle Maëlys",
        "Étienne Jean-Baptiste Gaëtan Luc Thibault",
        "Beauchêne Le_Goff Rousselot d'Aubigny Marchand Perrault Boulanger",
    ),
    "Spanish": (
        "Inmaculada Begoña Rocío Montserrat",
        "Íker Joaquín Ramón Gonzalo",
        "Ruiz_Cebrián de_la_Fuente Zurbarán_Peña Ibáñez Cordero Quiroga_Sanz",
    ),
    "Polish": (
        "Bożena Małgorzata Grażyna Halina",
        "Zbigniew Wojciech Przemysław Bogdan",
        "Szczepaniak Grzybek Żuraw Nowosad Pietrzyk Kołodziej",
    ),
    "Italian": (
        "Ludovica Fiorella Donatella Serena",
        "Ettore Nicolò Gianluca Fausto",
        "Bellandi D'Annunzi Squarcialupi Mancuso Ferraù Lo_Presti",
    ),
    "Dutch": (
        "Marijke Femke Hanneke Willemijn",
        "Joost Sjoerd Pieter-Jan Thijs",
        "van_der_Meulen Hoekstra de_Graaf Kuijpers ten_Brinke Bakker",
    ),
}
ABROAD = {"de": "German", "fr": "French", "es": "Spanish", "pl": "Polish", "it": "Italian", "nl": "Dutch"}
_BRITISH = [origin for origin in _NAMES if origin not in ABROAD.values()]

_TITLES = {
    "en": (("Ms", "Mrs", "Miss", "Dr"), ("Mr", "Mr", "Dr")),
    "de": (("Frau",), ("Herr",)),
    "fr": (("Mme", "Madame"), ("M.", "Monsieur")),
    "es": (("Sra.", "Doña"), ("Sr.", "Don")),
    "pl": (("Pani",), ("Pan",)),
    "it": (("Sig.ra", "Signora"), ("Sig.", "Signor")),
    "nl": (("mevrouw", "mevr."), ("meneer", "dhr.")),
}
_STREETS = {
    "en": (
        "# Larkspur Way|# Tanner's Row|Flat #, # Corporation Road|#A Ffordd y Mynydd|# The Spinney|# Kilmorey Gardens|"
        "Apartment #, Nethergate House, # Gallowgate|# Upper Brook Street|Windmill Cottage, Priory Rise|# St Oswald's Road|"
        "Flat #B, # Harbour Parade|# Beechcroft Ave|# Station Approach|Unit #, # Colliery Square|# Ashgrove Terr."
    ),
    "de": "Ahornweg #|Bismarckstraße #a|Am Alten Markt #|Kastanienallee #|Schillerstr. #",
    "fr": "# rue du Faubourg Saint-Antoine|# bis avenue des Tilleuls|# impasse Jean Moulin|#, boulevard Gambetta",
    "es": "Calle del Olivo, #|Avda. de la Constitución #|C/ Mayor #, 3.º B|Plaza de San Roque, #",
    "pl": "ul. Kasztanowa #|ul. Długa #/4|al. Niepodległości #|os. Piastów #/12",
    "it": "Via dei Mille #|Corso Vittorio Emanuele #|Viale Monza, #|Piazza Dante #",
    "nl": "Kerkstraat #|Lange Nieuwstraat #-II|Prins Hendrikkade #|Wilhelminalaan #",
}
# Town and the pattern of its postcodes: `#` is a digit, `?` a letter.
_TOWNS = {
    "en": (
        "Shrewsbury:SY3 #??|Gateshead:NE8 #??|Paisley:PA2 #??|Wrexham:LL11 #??|Ipswich:IP4 #??|Swindon:SN2 #??|"
        "Rochdale:OL16 #??|Truro:TR1 #??|Luton:LU3 #??|Dundee:DD4 #??|Hastings:TN34 #??|Barnsley:S70 #??|"
        "Woolwich:SE18 #??|Walthamstow:E17 #??|Londonderry:BT48 #??|Marylebone:W1? #??"
    ),
    "de": "Köln:506##|Leipzig:041##|Nürnberg:904##|Bad Oldesloe:238##",
    "fr": "Nantes:440##|Lille:590##|Aix-en-Provence:131##|Saint-Étienne:420##",
    "es": "Zaragoza:500##|Málaga:290##|San Sebastián:200##|Cáceres:100##",
    "pl": "Poznań:60-###|Gdańsk:80-###|Bielsko-Biała:43-###|Łódź:90-###",
    "it": "Bologna:401##|Genova:161##|Reggio Emilia:421##|Lecce:731##",
    "nl": "Utrecht:35## ??|Groningen:97## ??|Den Bosch:52## ??|Haarlem:20## ??",
}
_PHONES = {
    "en": ("44", "0", "7700 900###|7700 900 ###|20 7946 0###|161 496 0###|1632 960###|131 496 0###|29 2018 0###"),
    "de": ("49", "0", "30 23125 ###|221 4710 ###|171 39200##|89 99998 ###"),
    "fr": ("33", "0", "6 39 98 ## ##|1 99 00 ## ##|4 65 71 ## ##"),
    "es": ("34", "", "612 34 ## ##|612 345 ###"),
    "pl": ("48", "", "512 34# ###|512-34#-###"),
    "it": ("39", "", "312 345 ####|312 34 5# ###"),
    "nl": ("31", "0", "6 1234 ####|6-1234####"),
}
_MAIL = {
    "en": "northmail.example|post.example.org|inbox-uk.example|mail.thistle.example",
    "de": "postfach.example|web.beispiel.example",
    "fr": "courriel.example|laposte.example.net",
    "es": "correo.example|buzon.example.net",
    "pl": "poczta.example|skrzynka.example.net",
    "it": "casella.example|posta.example.net",
    "nl": "brievenbus.example|mail.example.net",
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
_DATES = {
    "en": "{d:%d/%m/%Y}|{d:%Y-%m-%d}|{d.day} {month} {d.year}|{d:%d-%m-%Y}|{d.day} {month:.3} {d.year}|{d:%d.%m.%y}",
    "de": "{d:%d.%m.%Y}|{d.day}. {month} {d.year}|{d:%d.%m.%y}",
    "fr": "{d:%d/%m/%Y}|{d.day} {month} {d.year}",
    "es": "{d:%d/%m/%Y}|{d.day} de {month} de {d.year}",
    "pl": "{d:%d.%m.%Y}|{d.day} {month} {d.year}",
    "it": "{d:%d/%m/%Y}|{d.day} {month} {d.year}",
    "nl": "{d:%d-%m-%Y}|{d.day} {month} {d.year}",
}
_PASSPORTS = {"de": "C#X##T##K", "fr": "##FV#####", "es": "PA?######", "it": "YB#######"}
_LOGINS = ("{first[0]}{last}", "{first}.{last}", "{last}{first[0]}", "{first}_{last[0]}{number}", "{first[0]}{last}{number}")


class Number(NamedTuple):
    """A number that a person has: its type, how it is made, and the forms it is written in (as `numbers.written` has it)."""

    kind: str
    made: Callable[[Person], str]
    forms: str


def _of(pattern: str) -> Callable[[Person], str]:
    return lambda person: numbers.filled(person.rng, pattern)


def _valid(name: str) -> Callable[[Person], str]:
    return lambda person: numbers.valid(name, person.rng)


_NUMBERS: dict[str, Number] = {
    "nhs": Number("NHS", _valid("nhs"), "### ### ####|##########|###-###-####"),
    "nino": Number("NINO", lambda p: numbers.nino(p.rng), "## ## ## ## #|#########|_________|## ###### #"),
    "utr": Number("UTR", _valid("utr"), "##########|##### #####|### ### ####"),
    "sort_code": Number("SORT_CODE", _of("######"), "##-##-##|######|## ## ##"),
    "account": Number("ACCOUNT", _of("########"), "########|#### ####"),
    "iban": Number(
        "IBAN", lambda p: p.iban_number(), "|#### #### #### #### #### #### #### ####|____ ____ ____ ____ ____ ____ ____ ____"
    ),
    "card": Number("CARD", _valid("card"), "#### #### #### ####|################|####-####-####-####"),
    "amex": Number("CARD", _valid("amex"), "#### ###### #####|###############"),
    "cvv": Number("CARD_CVV", _of("###"), "###"),
    "passport": Number("PASSPORT", lambda p: numbers.filled(p.rng, _PASSPORTS.get(p.language, "#########")), ""),
    "licence": Number("DRIVING_LICENCE", lambda p: p.licence_number(), "|##### ###### ##### #|##### ###### #####"),
    "plate": Number("VRM", lambda p: numbers.plate(p.rng), "#### ###|#### ###|#######|____ ___|_______"),
    "council": Number("COUNCIL_TAX", _of("########"), "########|#### ####|##/######"),
    "claim": Number("CASE_REF", _of("HB/26/######"), ""),
    "pcn": Number("CASE_REF", _of("ZT########"), "##########|## ########|## #### ####"),
    "ssn": Number("US_SSN", _valid("ssn"), "###-##-####|### ## ####"),
    "vat": Number("VAT", lambda p: numbers.vat(p.rng, p.language), "|## ### ### ### ###"),
    "ip": Number("IP", lambda p: numbers.ipv4(p.rng), ""),
    "ip6": Number("IP", lambda p: numbers.ipv6(p.rng), ""),
    "mac": Number("MAC", lambda p: f"{p.rng.randrange(16**12):012x}", "##:##:##:##:##:##|##-##-##-##-##-##|####.####.####"),
}


class Person:
    """Someone of a session. An attribute is a marked value that stays the same, and each use may write it in another form.

    Beside the properties, the keys of `_NUMBERS` are attributes.
    """

    rng: random.Random
    language: str

    def __init__(self, rng: random.Random, language: str) -> None:
        self.rng = rng
        self.language = language
        women, men, families = _NAMES[ABROAD.get(language) or rng.choice(_BRITISH)]
        self._is_woman = rng.random() < 0.5
        self._given = rng.choice((women if self._is_woman else men).split()).replace("_", " ")
        self._family = rng.choice(families.split()).replace("_", " ")
        self._born = date(1938, 1, 1) + timedelta(days=rng.randrange(25_000))
        self.title = rng.choice(_TITLES[language][not self._is_woman])
        self._street = "".join(str(rng.randint(1, 140)) if sign == "#" else sign for sign in self._one_of(_STREETS))
        self._town, _, pattern = self._one_of(_TOWNS).partition(":")
        self._postcode = numbers.filled(rng, pattern)
        parts = {"first": _plain(self._given), "last": _plain(self._family), "number": rng.randrange(10, 99)}
        self._login = rng.choice(_LOGINS).format(**parts)
        self._mail = f"{self._login}@{self._one_of(_MAIL)}"
        self._phone = numbers.filled(rng, rng.choice(_PHONES[language][2].split("|")))
        self._made: dict[str, str] = {}

    def __getattr__(self, name: str) -> str:
        if name not in _NUMBERS:
            raise AttributeError(name)
        number = _NUMBERS[name]
        form = self.rng.choice(number.forms.split("|"))
        return marked(number.kind, numbers.written(self._number(name), form))

    def iban_number(self) -> str:
        """Return the bare IBAN; a British one is of the person's own account."""
        return numbers.iban(self.rng, self.language, self._number("sort_code") + self._number("account"))

    def licence_number(self) -> str:
        """Return the bare driver number."""
        born = (self._born.year, self._born.month, self._born.day)
        return numbers.driving_licence(self.rng, _plain(self._family), born, is_woman=self._is_woman)

    @property
    def full(self) -> str:
        """Given and family name."""
        return marked("PERSON", f"{self._given} {self._family}")

    @property
    def given(self) -> str:
        """Only the given name."""
        return marked("PERSON", self._given)

    @property
    def family(self) -> str:
        """Only the family name."""
        return marked("PERSON", self._family)

    @property
    def ms(self) -> str:
        """A title, which need not go, and the family name."""
        return f"{self.title} {self.family}"

    @property
    def initialled(self) -> str:
        """The given name as its letter."""
        return marked("PERSON", f"{self._given[0]}. {self._family}")

    @property
    def turned(self) -> str:
        """Family name first."""
        return marked("PERSON", f"{self._family}, {self._given}")

    @property
    def shouted(self) -> str:
        """Family name first and in capitals, as registers have it."""
        return marked("PERSON", f"{self._family.upper()} {self._given}")

    @property
    def spelled(self) -> str:
        """Any spelling that stands for the whole name."""
        return self.rng.choice((self.full, self.full, self.full, self.initialled, self.turned))

    @property
    def signed(self) -> str:
        """As people end their mails."""
        return self.rng.choice((self.given, self.full, self.full, self.initialled))

    @property
    def login(self) -> str:
        """The name of the person's accounts, and of the mailbox."""
        return marked("USERNAME", self._login)

    @property
    def mail(self) -> str:
        """The mail address, sometimes with capitals."""
        return marked("EMAIL", self._mail if self.rng.random() < 0.9 else self._mail.title())

    @property
    def phone(self) -> str:
        """The telephone number, national or international."""
        country, trunk, _ = _PHONES[self.language]
        tight = self._phone.replace(" ", "").replace("-", "")
        forms = (f"{trunk}{self._phone}", f"{trunk}{tight}", f"+{country} {self._phone}", f"+{country}{tight}")
        more = (f"00{country} {self._phone}", f"+{country} (0){self._phone}" if trunk else f"+{country}-{self._phone}")
        return marked("PHONE", self.rng.choice((*forms, *forms, *more)))

    @property
    def born(self) -> str:
        """The birth date as people of the country write it."""
        month = _MONTHS[self.language].split()[self._born.month - 1]
        return marked("DOB", self._one_of(_DATES).format(d=self._born, month=month))

    @property
    def born_iso(self) -> str:
        """The birth date as machines write it."""
        return marked("DOB", self._born.isoformat())

    @property
    def street(self) -> str:
        """House and street."""
        return marked("ADDRESS", self._street)

    @property
    def town(self) -> str:
        """The town of the address."""
        return marked("ADDRESS", self._town)

    @property
    def postcode(self) -> str:
        """The postcode; a British one also without its space or in small letters."""
        if self.language != "en":
            return marked("POSTCODE", self._postcode)
        tight = self._postcode.replace(" ", "")
        return marked(
            "POSTCODE", self.rng.choice((self._postcode, self._postcode, self._postcode.lower(), tight, tight.lower()))
        )

    @property
    def place(self) -> str:
        """Town and postcode in the order of the country."""
        return f"{self.town} {self.postcode}" if self.language == "en" else f"{self.postcode} {self.town}"

    @property
    def address(self) -> str:
        """The address on one line."""
        return f"{self.street}, {self.place}"

    def _one_of(self, table: dict[str, str]) -> str:
        return self.rng.choice(table[self.language].split("|"))

    def _number(self, name: str) -> str:
        if name not in self._made:
            self._made[name] = _NUMBERS[name].made(self)
        return self._made[name]


def _plain(name: str) -> str:
    """Return the letters of a name as a mailbox has them."""
    plain = name.lower().replace("ß", "ss").replace("đ", "d").replace("ł", "l").replace("ı", "i")
    return "".join(sign for sign in unicodedata.normalize("NFKD", plain) if sign.isascii() and sign.isalpha())
