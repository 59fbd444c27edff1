"""Days of the week and small numbers in words: exchanged when one is gone and another one has come.

One without the other is no proof, since translators say `the day before` and `both`. Only words that are nothing else
stand here (not `one`, not Portuguese `segunda`); `number_words` holds the generous lists, which excuse.
"""

from __future__ import annotations

from functools import cache

from firstline.checks.terms import Term, Terms, Words

_DAYS = {
    "mon": (
        "monday montag montags montagabend* montagmorgen* montagmittag* montagnachmittag* "
        "montagvormittag* lundi lunes lunedì segunda-feira maandag måndag* mandag* "
        "понедельник* понеделник* poniedział* pondělí pazartesi الاثنين الإثنين "
        "सोमवार 星期一 周一 週一 礼拜一 禮拜一 月曜 월요일"
    ),
    "tue": (
        "tuesday dienstag* mardi martes martedì terça-feira dinsdag tisdag* tirsdag* вторник* "
        "wtor* úterý الثلاثاء मंगलवार 星期二 周二 週二 礼拜二 禮拜二 火曜 화요일"
    ),
    "wed": (
        "wednesday mittwoch* mercredi miércoles mercoledì quarta-feira woensdag onsdag* среда "
        "среду środa środę środy středa çarşamba الأربعاء الاربعاء बुधवार 星期三 周三 週三 礼拜三 "
        "禮拜三 水曜 수요일"
    ),
    "thu": (
        "thursday donnerstag* jeudi jueves giovedì quinta-feira donderdag torsdag* четверг* "
        "czwartek czwartk* čtvrtek perşembe الخميس गुरुवार बृहस्पतिवार 星期四 周四 週四 礼拜四 禮拜四 "
        "木曜 목요일"
    ),
    "fri": (
        "friday freitag* vendredi viernes venerdì sexta-feira vrijdag fredag* пятниц* piątek "
        "piątk* pátek الجمعة शुक्रवार 星期五 周五 週五 礼拜五 禮拜五 金曜 금요일"
    ),
    "sat": (
        "saturday samstag* sonnabend* samedi sábado sabato zaterdag lördag* lørdag* суббот* "
        "sobota sobotę soboty السبت शनिवार 星期六 周六 週六 礼拜六 禮拜六 土曜 토요일"
    ),
    "sun": (
        "sunday sonntag* dimanche domingo domenica zondag söndag* søndag* воскресень* "
        "niedziel* neděle रविवार इतवार 星期日 星期天 周日 週日 礼拜天 日曜 일요일"
    ),
}
_NUMBERS = {
    "n2": (
        "two twice zweimal 两次 兩次 二回 zwei zweite zweiten zweiter deux deuxième dos segundo due "
        "secondo dois duas twee tweede två два две dwa drugi"
    ),
    "n3": (
        "three thrice third dreimal 三回 drei dritte dritten dritter trois troisième tres tercer tercero "
        "tercera tre terzo três terceiro terceira drie derde tredje три трёх третий "
        "третьем третья trzy trzeci trzecim 第三 三个 三個 三人 三名 三天 三次 三层 三階 "
        "三つ 三年"
    ),
    "n4": (
        "four fourth vier vierte vierten vierter quatre quatrième cuatro cuarto cuarta quattro quatro "
        "quarto vierde fyra fjärde четыре четвёртый четвертый четвёртом "
        "cztery czwarty czwartym 第四 四个 四個 四人 四名 四天 四次 四层 四階 四つ 四年"
    ),
    "n5": (
        "five fifth fünf fünfte fünften fünfter cinq cinquième cinco quinto cinque vijf vijfde "
        "пять пятый pięć piąty 第五 五个 五個 五人 五名 五天 五次 五层 五階 五つ 五年"
    ),
    "n6": (
        "six sixth half_a_dozen sechs sechste sechsten sechster sixième seis sexto zes zesde шесть "
        "шестой sześć szósty 第六 六个 六個 六人 六名 六天 六次 六层 六階 六つ 六年"
    ),
    "n7": (
        "seven seventh sieben siebte siebten siebter septième siete sette sétimo séptimo zeven sju "
        "семь седьмой siedem 第七 七个 七個 七人 七名 七天 七次 七层 七階 七つ 七年"
    ),
    "n8": (
        "eight eighth achte achten huit huitième ocho octavo oito oitavo åtta восемь "
        "восьмой osiem 第八 八个 八個 八人 八名 八天 八次 八层 八階 八つ 八年"
    ),
    "n9": (
        "nine ninth neun neunte neunten neunter neuvième nueve noveno nono negen девять "
        "девятый dziewięć 第九 九个 九個 九人 九名 九天 九次 九层 九階 九つ 九年"
    ),
    "n10": (
        "ten tenth zehn zehnte zehnten zehnter dix dixième dizaine diez décimo decena dezena dieci tien "
        "tio десять десяток dziesięć 第十 十个 十個 十人 十名 十天 十次 十层 十階"
    ),
    "n11": (
        "eleven eleventh elfte elften onze onzième undici elva одиннадцать jedenaście 十一个 "
        "十一個 十一人 十一名 第十一"
    ),
    "n12": (
        "twelve twelfth dozen zwölf zwölfte dutzend douze douzième douzaine doce docena dodici dozzina "
        "doze dúzia twaalf tolv двенадцать дюжина дюжину dwanaście tuzin 十二个 "
        "十二個 十二人 十二名 第十二 一打"
    ),
    "n20": (
        "twenty twentieth zwanzig zwanzigste vingt vingtième vingtaine veinte venti vinte twintig tjugo "
        "двадцать dwadzieścia 二十个 二十個 二十人 第二十"
    ),
}


@cache
def _days() -> Terms:
    return Terms(_DAYS)


@cache
def _numbers() -> Terms:
    return Terms(_NUMBERS)


def days_of_week(words: Words) -> list[Term]:
    """Return the days of the week that a text names, in order."""
    return _days().find(words)


def numbers_in_words(words: Words) -> dict[int, str]:
    """Return the numbers of which a word that is nothing else stands in a text, with the word."""
    return {int(term.name[1:]): term.text for term in _numbers().find(words)}
