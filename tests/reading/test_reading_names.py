"""Names and addresses at the top of a page: joined lines, numbers cut off, lines that are something else."""

from __future__ import annotations

import time

import pytest

from firstline.reading.addresses import blocks_for
from firstline.reading.document import Document
from firstline.reading.fields import offer
from firstline.reading.names import is_doubtful, lines_for, name_alone
from firstline.schema.field import Field

NAME = Field(name="company", span="line", position="top")
ADDRESS = Field(name="address", span="block")

MALAYSIA = """
PERNIAGAAN LIM
SDN BHD
(126926-H)
NO 12, JALAN MELATI 3,
TAMAN JOHOR JAYA,
81100 JOHOR BAHRU
TEL: 07-3551234
TAX INVOICE
MILO 3IN1        1    12.50
TOTAL            12.50
"""
GERMANY = """
Kassenbon
Bäckerei Wagner GmbH
Hauptstraße 12
50667 Köln
Tel. 0221 123456
Brötchen   2,40 A
SUMME EUR  2,40
"""
FRANCE = """
FACTURE
Boulangerie Dupont SARL
12 rue de la Paix
75002 Paris
Date : 03/04/2019
"""
STATES = """
Welcome to
Blue Ridge Books LLC
400 Main Street
Springfield, IL 62701
Phone: (217) 555-0100
"""


def name_in(text: str) -> object:
    return lines_for(Document.of_text(text.strip()), NAME)[0].value


def address_in(text: str, field: Field = ADDRESS) -> object:
    return blocks_for(Document.of_text(text.strip()), field)[0].value


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (MALAYSIA, "PERNIAGAAN LIM SDN BHD"),
        (GERMANY, "Bäckerei Wagner GmbH"),
        (FRANCE, "Boulangerie Dupont SARL"),
        (STATES, "Blue Ridge Books LLC"),
    ],
    ids=["Malaysia", "Germany", "France", "US"],
)
def test_the_name_of_the_business_is_found_among_headings_and_addresses(text: str, name: str) -> None:
    assert name_in(text) == name


@pytest.mark.parametrize(
    "line", ["SYARIKAT MAJU BHD (126926-H)", "SYARIKAT MAJU BHD 273500-U", "004183 SYARIKAT MAJU BHD"]
)
def test_registration_and_till_numbers_are_cut_off_the_name(line: str) -> None:
    assert name_in(f"{line}\nNO 1, JALAN SATU\nTEL 03-123456\n") == "SYARIKAT MAJU BHD"


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (("BLUE HERON", "& TEA LEAF (M) SDN. BHD."), "BLUE HERON & TEA LEAF (M) SDN. BHD."),
        (
            ("OAK TREE HARDWARE", "ENTERPRISE (LAKE", "SIDE) SDN BHD"),
            "OAK TREE HARDWARE ENTERPRISE (LAKE SIDE) SDN BHD",
        ),
        (("GREEN FIELD STORE", "(NORTH) SDN BHD"), "GREEN FIELD STORE (NORTH) SDN BHD"),
        (("CITY MILK", "R&C VENTURE SDN BHD"), "R&C VENTURE SDN BHD"),
        (("OAK TREE SDN BHD (CO. NO:20154-T)",), "OAK TREE SDN BHD"),
        (("DESC QTY", "OAK TREE"), "OAK TREE"),
    ],
)
def test_a_name_that_goes_on_in_the_next_line_is_joined(lines: tuple[str, ...], name: str) -> None:
    assert name_in("\n".join((*lines, "822737-X", "NO 1, JALAN SATU", "TEL 03-123456"))) == name


@pytest.mark.parametrize(
    ("lines", "doubtful"),
    [
        (("OAK TREE SDN BHD",), False),
        (("BEN'S GROCER", "OAK TREE SDN BHD"), False),
        (("OAK TREE SDN BND",), True),
        (("OAK TREE SDN",), True),
        (("MORNING", "MAN BAKERY"), True),
        (("118", "MAN BAKERY"), False),
        (("OAK TREE", "LITTLE ACORN"), True),
        ((), False),
    ],
)
def test_a_name_that_may_be_half_or_another_is_no_sure_reading(lines: tuple[str, ...], doubtful: bool) -> None:
    document = Document.of_text("\n".join((*lines, "12-34")))
    assert is_doubtful(document, lines_for(document, NAME)) is doubtful
    assert (offer(document, NAME).reading is None) is (doubtful or not lines)


def test_two_lines_that_are_each_a_name_are_not_joined() -> None:
    values = [candidate.value for candidate in lines_for(Document.of_text("Nordwind GmbH\nKunde: Ada Kern\n"), NAME)]
    assert values[0] == "Nordwind GmbH"
    assert "Nordwind GmbH Kunde: Ada Kern" not in values


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (MALAYSIA, "NO 12, JALAN MELATI 3, TAMAN JOHOR JAYA, 81100 JOHOR BAHRU"),
        (GERMANY, "Hauptstraße 12 50667 Köln"),
        (FRANCE, "12 rue de la Paix 75002 Paris"),
        (STATES, "400 Main Street Springfield, IL 62701"),
    ],
    ids=["Malaysia", "Germany", "France", "US"],
)
def test_an_address_is_the_lines_in_a_row_that_look_like_one(text: str, address: str) -> None:
    assert address_in(text) == address


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (("NO 1, JALAN SATU,", "KAWASAN PERINDUSTRIAN", "81100 JOHOR BAHRU"), "whole"),
        (("109, SS21/1A,", "DAMANSARA UTAMA"), "whole"),
        (("NO 1, JALAN SATU", "81100 JOHOR BAHRU", "MALAYSIA"), "whole"),
        (("ROC NO. : (1072825-A)", "NO 1, JALAN SATU"), "NO 1, JALAN SATU"),
        (("NO 1, JALAN SATU", "DOCUMENT NO : TD01167104"), "NO 1, JALAN SATU"),
        (("NO 1, JALAN SATU", "CASHIER: RIDZUAN (11900)"), "NO 1, JALAN SATU"),
        (("OAK TREE S/B (81497-P)", "LOT 1504, BATU 8"), "LOT 1504, BATU 8"),
    ],
)
def test_an_address_goes_on_over_lines_without_its_marks_and_takes_no_numbers(
    lines: tuple[str, ...], address: str
) -> None:
    assert address_in("\n".join((*lines, "TEL 03-123456"))) == (" ".join(lines) if address == "whole" else address)


def test_of_two_addresses_the_one_under_the_label_wins() -> None:
    text = "Acme Ltd\n1 High Street\nSwindon, 10115\n\nShip to\n9 Mill Lane\nBerlin, 10117\n"
    assert address_in(text) == "1 High Street Swindon, 10115"
    shipping = Field(name="ship_to", span="block", labels=("ship to",))
    assert address_in(text, shipping) == "9 Mill Lane Berlin, 10117"


def test_a_long_line_after_a_comma_takes_no_time() -> None:
    begun = time.process_time()
    blocks_for(Document.of_text("Dear Sir, " + "we write to you again about the matter of " * 20 + "!"), ADDRESS)
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("KEDAI LIM (E0118-A)", "KEDAI LIM"),
        ("PERNIAGAAN LIM SDN BHD (126926-H)", "PERNIAGAAN LIM SDN BHD"),
        ("HOLT & SONS LTD (Co. Reg. No. 0448123)", "HOLT & SONS LTD"),
        ("BAKERIES (KL) SDN BHD (139386 X)", "BAKERIES (KL) SDN BHD"),
        ("PERNIAGAAN LIM SDN BHD 273500-U", "PERNIAGAAN LIM SDN BHD"),
        ("POSTED KEDAI LIM", "KEDAI LIM"),
        ("KEDAI LIM SDN BHD POSTED", "KEDAI LIM SDN BHD"),
        ("BILLION SIX ENTERPRISE P)", "BILLION SIX ENTERPRISE"),
        ("TRIPLE SIX ENTERPRISE 666", "TRIPLE SIX ENTERPRISE 666"),
        ("LIM (KL BRANCH 2)", "LIM (KL BRANCH 2)"),
        ("LIM TRADING (M)", "LIM TRADING (M)"),
        ("COPY CENTRE", "COPY CENTRE"),
        ("7-ELEVEN 1234", "7-ELEVEN 1234"),
        ("POSTED", "POSTED"),
    ],
)
def test_a_name_is_cut_from_what_no_name_holds(printed: str, name: str) -> None:
    assert name_alone(printed) == name
