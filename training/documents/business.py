"""Made-up businesses: names, addresses, registrations and numbers in a country's habits.

Names are put together from own lists and from coined words, so that a student cannot know them by heart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from documents.places import Place, filled

_ONSETS = [*"bcdfghjklmnprstvw", "br", "cl", "dr", "fl", "gr", "pr", "st", "tr", "sh", "ch"]
_VOWELS = [*"aeiouaeo", "ai", "ee", "oo", "ia"]
_CODAS = ["", "", "", "n", "r", "l", "s", "x", "m", "ng", "ck"]
_SHORT = "ABCDEFGHIJKLMNOPRSTVWXZ"
_DOMAINS = {"MY": "com.my", "SG": "com.sg", "GB": "co.uk", "AU": "com.au", "US": "com", "BR": "com.br", "IN": "in"}
_POST = re.compile(r"^([\d#]+(?:[ -][\d#]+)?(?: @@)?) (.+)$")


@dataclass(frozen=True, kw_only=True)
class Business:
    """A seller: `brand` is what stands large over the door where that is not the name that it trades under."""

    trade: str
    name: str
    brand: str | None
    registration: str
    address: tuple[str, ...]
    phone: str
    fax: str
    tax_id_label: str
    tax_id: str
    web: str
    email: str


def some_business(where: Place, random: Random, trade: str) -> Business:
    """Make up a business of a trade."""
    name = _name(where, random, trade)
    brand = _brand(where, random, trade, name) if random.random() < 0.3 else None
    host = f"{_host(brand or name)}.{_DOMAINS.get(where.country, where.country.lower())}"
    return Business(
        trade=trade,
        name=name,
        brand=brand,
        registration=filled(random.choice(where.facts["registrations"]), random),
        address=some_address(where, random),
        phone=filled(random.choice(where.facts["phones"]), random),
        fax=filled(random.choice(where.facts["phones"]), random),
        tax_id_label=random.choice(where.facts["tax_id_labels"]),
        tax_id=filled(random.choice(where.facts["tax_id"]), random),
        web=random.choice([f"www.{host}", host, f"https://www.{host}"]),
        email=f"{random.choice(['info', 'sales', 'hello', 'office', 'service', 'shop'])}@{host}",
    )


def some_person(where: Place, random: Random) -> str:
    """Make up a person's name."""
    given, surname = random.choice(where.facts["given"]), random.choice(where.facts["surnames"])
    return f"{surname} {given}" if where.country in ("MY", "SG") and random.random() < 0.5 else f"{given} {surname}"


def some_address(where: Place, random: Random) -> tuple[str, ...]:
    """Make up a postal address, line by line."""
    facts = where.facts
    town, _, region = filled(random.choice(facts["towns"]), random).partition("|")
    match = _POST.match(town)
    post, city = (match.group(1), match.group(2)) if match else (town, town)
    pattern = filled(random.choice(facts["address"]), random)
    parts = {name: _numbered(random.choice(facts[f"{name}s"]), where, random) for name in ("house", "street", "area")}
    text = pattern.format(post=post, city=city, region=region, **parts)
    lines = [_tidy(line) for line in text.split(" / ")]
    return tuple(line for line in lines if line)


def coined(random: Random) -> str:
    """Make up a word that is none."""
    syllables = [random.choice(_ONSETS) + random.choice(_VOWELS) for _ in range(random.choice([1, 2, 2, 2, 3]))]
    return ("".join(syllables) + random.choice(_CODAS)).capitalize()


def _name(where: Place, random: Random, trade: str) -> str:
    facts = where.facts
    kind = random.choice(where.trades[trade]["names"])
    stem = _stem(where, random)
    person = random.choice(facts["surnames"])
    form = random.choice(facts["forms"]).replace("{surname}", random.choice(facts["surnames"]))
    has_form = random.random() < (0.75 if where.country in ("MY", "SG") else 0.55)
    plain = random.choice(
        [
            f"{stem} {kind}",
            f"{stem} {kind}",
            f"{kind} {stem}",
            f"{person} {kind}",
            f"{kind} {person}",
            f"{stem} {_stem(where, random)}",
            f"{stem} {_stem(where, random)} {kind}",
            f"{coined(random)} {kind}",
            f"{coined(random)} {coined(random)}",
            f"{random.choice(_SHORT)}.{random.choice(_SHORT)}. {kind}",
            f"{''.join(random.choices(_SHORT, k=random.choice([2, 3, 3])))} {kind}",
            f"{person} & {random.choice(facts['surnames'])} {kind}",
            f"{random.choice(facts['given'])}'s {kind}" if where.language == "en" else f"{kind} {stem}",
            f"{stem} {random.choice(['24', '99', '1', 'One', 'Plus', '2000', 'Express'])}",
        ]
    )
    if has_form:
        plain = f"{plain} {form}"
    if where.country == "MY" and random.random() < 0.15 and "(" not in plain:
        plain = plain.replace(" SDN", f" ({random.choice(facts['street_words']).upper()}) SDN", 1)
    return plain.upper() if random.random() < (0.65 if where.country in ("MY", "SG") else 0.3) else plain


def _stem(where: Place, random: Random) -> str:
    """A word to begin a name with."""
    facts = where.facts
    source = random.random()
    if source < 0.45:
        return str(random.choice(facts["name_stems"]))
    if source < 0.7:
        return coined(random)
    if source < 0.85:
        return str(random.choice(facts["surnames"]))
    return str(random.choice(facts["street_words"])).strip().title()


def _brand(where: Place, random: Random, trade: str, name: str) -> str:
    """What stands over the door: often the name's own first words."""
    if random.random() < 0.4:
        return " ".join(name.split()[: random.choice([1, 2, 2])]).strip(" &(")
    stem = coined(random) if random.random() < 0.6 else _stem(where, random)
    brand = f"{stem} {random.choice(where.trades[trade]['names'])}" if random.random() < 0.4 else stem
    return brand.upper() if random.random() < 0.5 else brand


def _host(name: str) -> str:
    words = re.findall(r"[a-z]+", name.lower())
    return "".join(words[:2])[:18] or "shop"


def _numbered(pattern: str, where: Place, random: Random) -> str:
    """Fill the numbers (`{n}`), words (`{w}`) and persons (`{s}`) of a part of an address."""
    while "{n}" in pattern:
        number = random.randint(1, random.choice([9, 40, 40, 200, 999]))
        pattern = pattern.replace("{n}", str(number), 1)
    while "{w}" in pattern:
        pattern = pattern.replace("{w}", random.choice(where.facts["street_words"]), 1)
    return pattern.replace("{s}", random.choice(where.facts["surnames"]))


def _tidy(line: str) -> str:
    """Take away what an empty part left behind."""
    line = re.sub(r"\s+([,.])", r"\1", " ".join(line.split()))
    line = re.sub(r",(?:\s*,)+", ",", line)
    line = re.sub(r",\s*\.", ".", line).replace("()", "")
    return line.strip(" -").removeprefix(",").strip()
