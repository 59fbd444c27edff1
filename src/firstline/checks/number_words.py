"""Small numbers as words, and the words that scale a number, in the languages that translations are measured on.

Used to excuse a number that changed its form, never to find one: `3` may become `drei`, `two` may become `2`. A word
that ends in `*` stands for all its inflected forms. Also Roman numerals (`19th century`, `siglo XIX`)
and the names of months (`in June`, `6月`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from firstline import patterns
from firstline.interruption import asking
from firstline.pieces import pieces
from firstline.types import Value

_ROMAN_NUMBER = patterns.compile(r"\b[IVXL]{1,7}(?=\b|e\b|er\b|ème\b|º|ª)")

_WORDS = {
    0: "zero nil null nought no kein* aucun* cero ningún nulo zéro ноль нуль нул* صفر शून्य 零 〇",
    1: (
        "one first once a an another past last single solo ein* erst* einmal un une premier* première* uno una "
        "primer* um uma primeir* jeden jedn* pierwsz* raz один одн* перв* واحد* احد* إحد* أحد* أول* الأول* الاول* "
        "एक पहल* प्रथम 一 壱 首 ひと een eerst* en ett först* bir ilk 하나 한 첫"
    ),
    2: (
        "two second twice doubl* both couple pair double zwei* beid* doppel* paar deux deuxième* second* double* "
        "dos segund* ambos doble par dois duas dobro dwa dwie dwó* dwu* drug* oba obie два две двух двум* дво* "
        "втор* оба обе пар* اثن* ثان* الثان* مرت* كلا* زوج* दो दूसर* दोनों दोगुन* द्वितीय 二 两 兩 双 両 ふた twee "
        "tweed* två andra iki ikinci due 두 둘 ضعف*"
    ),
    3: (
        "three third* thrice triple drei* dritt* trois* tiers troisième* tres tercer* tercio três terç* tripl* "
        "trzy trzec* trzej trzech три трёх трех трет* тро* ثلاث* ثالث* الثالث* ثلث* तीन तीसर* तिहाई तृतीय 三 参 "
        "drie derd* tre tredj* üç üçüncü 세 셋"
    ),
    4: (
        "four* quarter* vier* quatr* quart* cuatr* cuart* quatro cztery czter* czwart* четыр* четвер* четвёр* "
        "أربع* رابع* الرابع* ربع* चार चौथ* 四 vierd* fyra fjärd* dört quattro 네 넷"
    ),
    5: (
        "five fifth* fünf* cinq* cinco quint* pięć pięci* piąt* пят* خمس* خامس* الخامس* पांच* पाँच* 五 vijf* fem* "
        "beş cinque 다섯"
    ),
    6: (
        "six sixth* sechs* sechst* sixième* seis sext* sześ* szóst* шест* ست ستة سادس* السادس* छह छः छठ* 六 zes* "
        "sex* sjätte altı sei 여섯"
    ),
    7: (
        "seven* sieb* sept* siet* séptim* sete sétim* siedem* siódm* сем* седьм* سبع* سابع* السابع* सात* 七 zeven* "
        "sju* yedi sette 일곱"
    ),
    8: (
        "eight* acht* huit* ocho octav* oito oitav* osiem* ósm* восем* восьм* ثمان* ثامن* الثامن* आठ* 八 ått* "
        "sekiz otto 여덟"
    ),
    9: (
        "nine* ninth* neun* neuf* neuv* nueve noven* nove non* dziewię* dziewią* девят* تسع* تاسع* التاسع* नौ "
        "नवा* 九 negen* nio* dokuz 아홉"
    ),
    10: (
        "ten tenth* decad* teen* jahrzehnt* décenn* década* dekad* десятилет* zehn* dix* diez décim* dez dziesię* "
        "dziesią* десят* عشر* عاشر* العاشر* दस* 十 tien* tio* dieci 열"
    ),
    11: (
        "eleven* elf* onz* once undécim* jedenaś* jedenas* одиннадцат* أحد* حادي* الحادي* ग्यारह* 十一 elva elfte undici"
    ),
    12: (
        "twelve twelfth* dozen* zwölf* dutzend* douz* doce docena* doze dúzia* dwanaś* dwunas* двенадцат* дюжин* "
        "اثن* बारह* 十二 twaalf* tolv*"
    ),
    13: "thirteen* dreizehn* treiz* trece treze trzynast* тринадцат* 十三",
    14: "fourteen* vierzehn* quatorz* catorc* catorz* czternast* четырнадцат* 十四",
    15: "fifteen* fünfzehn* quinz* quince quinze piętnast* пятнадцат* 十五",
    16: "sixteen* sechzehn* seiz* dieciséis dezesseis dezasseis szesnast* шестнадцат* 十六",
    17: "seventeen* siebzehn* dix-sept* diecisiete dezessete siedemnast* семнадцат* 十七",
    18: "eighteen* achtzehn* dix-huit* dieciocho dezoito osiemnast* восемнадцат* 十八",
    19: "nineteen* neunzehn* dix-neuf* diecinueve dezenove dziewiętnast* девятнадцат* 十九",
    20: "twent* zwanzig* vingt* veint* vigésim* vinte dwadzie* dwudzie* двадцат* عشرين عشرون العشر* बीस* 二十 廿",
    30: "thirt* dreißig* trent* treint* trint* trzydzie* тридцат* ثلاثين ثلاثون तीस* 三十",
    40: "fort* vierzig* quarant* cuarent* quarent* czterdzie* сорок* أربعين चालीस* 四十",
    50: (
        "fift* half fünfzig* hälfte halb* moitié cinquant* mitad cincuent* metade cinquent* pięćdzie* połow* "
        "пятьдесят* половин* خمسين نصف* पचास* आधे* आधा 五十 一半 半"
    ),
    60: "sixt* sechzig* soixant* sesent* sessent* sześćdzie* шестьдесят* ستين साठ* 六十",
    70: "sevent* siebzig* septant* setent* siedemdzie* семьдесят* سبعين सत्तर* 七十",
    80: "eight* achtzig* quatre-vingt* ochent* oitent* osiemdzie* восемьдесят* ثمانين अस्सी* 八十",
    90: "ninet* neunzig* nonant* novent* dziewięćdzie* девяност* تسعين नब्बे* 九十",
    100: "hundred* hundert* cent* cien* cem sto setk* сто сот* مائة مئة مئات* सौ* सैकड़* 百 百分之百",
    1000: "thousand* tausend* mille millier* mil miles milhar* tysią* тысяч* ألف آلاف हजार* हज़ार* 千",
}

_MONTHS = {
    1: "jan januar* janv* enero gennaio gen styczn* styczeń январ* يناير जनवरी 正月",
    2: "feb februar* fév* fev* febrero febbraio lut* феврал* فبراير फरवरी फ़रवरी",
    3: "mar march märz mars marzo març* marz* marc* март* مارس मार्च",
    4: "apr april avril abril aprile kwiec* kwiet* апрел* أبريل ابريل إبريل अप्रैल",
    5: "may mai mayo maio maggio maj* май мая мае مايو मई",
    6: "jun june juni juin junio junho giugno czerw* июн* يونيو जून",
    7: "jul july juli juillet julio julho luglio lip* июл* يوليو जुलाई",
    8: "aug august* août aout agosto sierp* август* أغسطس اغسطس अगस्त",
    9: "sep sept* setembro settembre wrze* wrześ* сентябр* سبتمبر सितंबर सितम्बर",
    10: "oct* okt* outubro ottobre paźdz* октябр* أكتوبر اكتوبر अक्टूबर अक्तूबर",
    11: "nov* listopad* ноябр* نوفمبر नवंबर नवम्बर",
    12: "dec* dez* déc* dic* grud* декабр* ديسمبر दिसंबर दिसम्बर",
}

_SCALES = {
    10**2: "hundred hundert cent cien cem sto",
    10**3: (
        "k thousand tsd tausend mille mil tysięcy tysiące tysiąca tys тысяч тысячи тысячу тыс ألف آلاف हजार हज़ार 千"
    ),
    10**4: "万 萬 만",
    10**5: "लाख lakh",
    10**6: (
        "m mn mio million millions millionen millón millones milhão milhões milion miliony milionów milionami mln "
        "миллион миллиона миллионов млн مليون ملايين मिलियन miljoen miljoner milioni milyon 百万 百萬"
    ),
    10**7: "करोड़ crore",
    10**8: "億 亿 억",
    10**9: (
        "b bn billion billions mrd milliarde milliarden milliard milliards bilhão bilhões miliard miliardy "
        "miliardów mld mil_millones mil_milhões миллиард миллиарда миллиардов млрд مليار مليارات बिलियन अरब "
        "miljard miljarder miliardi milyar 十億 十亿"
    ),
    10**12: (
        "trillion trillions billionen billion billón billones trilhão trilhões bilion biliony bilionów триллион "
        "триллиона триллионов трлн تريليون ट्रिलियन 兆 万亿 조"
    ),
}
_LARGE = 10**6
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50}
_LONGEST_NAME = 24
"""Characters of the longest name of a month or a large number, its inflections not counted."""


class Scale(Value, frozen=True, kw_only=True):
    """A word that multiplies the number before it; `billion` is 10⁹ here and 10¹² there. Without one it is empty."""

    word: str = ""
    factors: tuple[int, ...] = ()
    end: int = 0


def scale_at(text: str) -> Scale:
    """Read the word of some language that multiplies a number and stands first in a text, behind a blank or `de`."""
    match = _scale_pattern().match(text)
    if match is None:
        return Scale()
    word = match.group("word").lower()
    return Scale(word=word, factors=_scales()[word], end=match.end())


@cache
def _scales() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for factor, words in _SCALES.items():
        for word in words.split():
            found[word.replace("_", " ")] = (*found.get(word.replace("_", " "), ()), factor)
    return found


@cache
def _scale_pattern() -> patterns.Pattern:
    ordered = sorted(_scales(), key=len, reverse=True)
    signs = "|".join(patterns.escape(word) for word in ordered if _is_cjk(word))
    words = "|".join(patterns.escape(word) for word in ordered if not _is_cjk(word))
    return patterns.compile(rf"[\s\-]{{0,2}}(?:de\s)?(?P<word>{signs}|(?:{words})(?![^\W_]))", patterns.IGNORECASE)


@cache
def _patterns() -> tuple[tuple[int, patterns.Pattern], ...]:
    months = [(value, f"{words} {_WORDS[value]}") for value, words in _MONTHS.items()]
    return tuple((value, _pattern(words.split())) for value, words in (_WORDS | dict(months)).items())


@cache
def _months_and_scales() -> patterns.Pattern:
    months = " ".join(_MONTHS.values()).split()
    large = [word for factor, words in _SCALES.items() if factor >= _LARGE for word in words.split() if len(word) > 1]
    return _pattern([*months, *(word.replace("_", " ") + ("" if _is_cjk(word) else "*") for word in large)])


def may_name_month_or_scale(text: str) -> bool:
    """Say whether a text can name a month, or millions and more; cheap, before its language is looked at."""
    lowered, pattern = text.lower(), _months_and_scales()
    # With each piece the beginning of the next: a name may lie across the cut.
    windows = (lowered[at : at + len(piece) + _LONGEST_NAME] for at, piece in pieces(lowered))
    return any(map(pattern.search, windows))


def _pattern(words: list[str]) -> patterns.Pattern:
    signs = [word for word in words if _is_cjk(word)]
    others = [
        patterns.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else r"\b")
        for word in words
        if not _is_cjk(word)
    ]
    spaced = rf"\b(?:[وفبلك]?ال|[وفبلك])?(?:{'|'.join(others)})"
    return patterns.compile("|".join([spaced, *map(patterns.escape, signs)]))


def values_in_words(text: str) -> frozenset[int]:
    """Return the numbers that the words of a text may stand for; generous, since it only excuses."""
    lowered = [piece for _, piece in pieces(text.lower())]
    found = {value for value, pattern in _patterns() if any(map(pattern.search, asking(lowered, every=1)))}
    tens = [value for value in found if 20 <= value <= 90]
    found.update(ten + unit for ten in tens for unit in range(1, 10) if unit in found)
    found.update(_romans(text))
    return frozenset(found)


def _romans(text: str) -> Iterator[int]:
    for match in _ROMAN_NUMBER.finditer(text):
        digits = [_ROMAN[sign] for sign in match.group()]
        yield sum(-now if now < after else now for now, after in zip(digits, [*digits[1:], 0], strict=True))


def _is_cjk(word: str) -> bool:
    return any("\u3000" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" for char in word)
