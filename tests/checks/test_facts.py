"""What a translation keeps beside its numbers: each right translation passes, and each false one is a finding.

The false one differs by one fact: points for percent, a version, a target, a day, an hour, an ordinal or a bound.
"""

from __future__ import annotations

import pytest

from firstline.checks.base import Subject
from firstline.checks.facts import Facts, lost_days, lost_facts
from firstline.checks.preservation import preserved
from firstline.types import Finding

PAIRS = (
    (
        "She runs twice a week.",
        (
            ("Sie läuft zweimal pro Woche.", "Sie läuft dreimal pro Woche."),
            ("她每周跑步两次。", "她每周跑步三次。"),
        ),
    ),
    (
        "Unemployment rose by 2 percentage points.",
        (
            ("Die Arbeitslosigkeit stieg um 2 Prozentpunkte.", "Die Arbeitslosigkeit stieg um 2 Prozent."),
            ("Le chômage a augmenté de 2 points de pourcentage.", "Le chômage a augmenté de 2 %."),
            ("El desempleo subió 2 puntos porcentuales.", "El desempleo subió un 2 por ciento."),
            ("失业率上升了2个百分点。", "失业率上升了2%。"),
            ("失業率は2ポイント上昇した。", "失業率は2％上昇した。"),
        ),
    ),
    (
        "Unemployment rose by 2 percent.",
        (("Die Arbeitslosigkeit stieg um 2 Prozent.", "Die Arbeitslosigkeit stieg um 2 Prozentpunkte."),),
    ),
    ("Unemployment rose by 2 %.", (("失業率は2％上昇した。", "失業率は2パーセントポイント上昇した。"),)),
    (
        "Please upgrade from v1.2 to v2.1 today.",
        (
            ("Bitte aktualisieren Sie heute von v1.2 auf v2.1.", "Bitte aktualisieren Sie heute von v2.1 auf v1.2."),
            ("Veuillez passer de v1.2 à v2.1 aujourd'hui.", "Veuillez passer de v2.1 à v1.2 aujourd'hui."),
            ("Actualice hoy de v1.2 a v2.1.", "Actualice hoy de v2.1 a v1.2."),
            ("请今天从v1.2升级到v2.1。", "请今天从v2.1升级到v1.2。"),
            ("本日、v1.2からv2.1にアップグレードしてください。", "本日、v2.1からv1.2にアップグレードしてください。"),
        ),
    ),
    (
        "Version v2.1 is new, v1.2 is no longer supported.",
        (
            (
                "Version v2.1 ist neu, v1.2 wird nicht mehr unterstützt.",
                "Version v1.2 ist neu, v2.1 wird nicht mehr unterstützt.",
            ),
        ),
    ),
    ("Version 2.10 is new.", (("Version 2.10 ist neu.", "Version 2.1 ist neu."),)),
    (
        "See [the prices](https://a.example/p) and [the terms](https://a.example/t).",
        (
            (
                "Siehe [die Preise](https://a.example/p) und [die Bedingungen](https://a.example/t).",
                "Siehe [die Preise](https://a.example/t) und [die Bedingungen](https://a.example/p).",
            ),
            (
                "[料金](https://a.example/p)と[規約](https://a.example/t)をご覧ください。",
                "[料金](https://a.example/t)と[規約](https://a.example/p)をご覧ください。",
            ),
        ),
    ),
    (
        '<a href="/a">Prices</a> and <a href="/b">terms</a>',
        (
            (
                '<a href="/a">Preise</a> und <a href="/b">Bedingungen</a>',
                '<a href="/b">Preise</a> und <a href="/a">Bedingungen</a>',
            ),
        ),
    ),
    (
        "Write to @anna_k or follow #sale2026 now.",
        (
            ("Schreib an @anna_k oder folge jetzt #sale2026.", "Schreib an @anna_m oder folge jetzt #sale2026."),
            ("Schreib an @anna_k oder folge jetzt #sale2026.", "Schreib an @anna_k oder folge jetzt #verkauf2026."),
        ),
    ),
    (
        "Follow #sale and @anna now.",
        (
            ("今すぐ@annaと#saleをフォロー。", "今すぐ@hannaと#saleをフォロー。"),
            ("今すぐ@annaと#saleをフォロー。", "今すぐ@annaと#dealをフォロー。"),
        ),
    ),
    ("Click <B>here</B>.", (("Klicken Sie <B>hier</B>.", "Klicken Sie <b>hier</b>."),)),
    ("Click <Link>here</Link>.", (("Klicken Sie <Link>hier</Link>.", "Klicken Sie <link>hier</link>."),)),
    ("Dear {Name}, welcome.", (("Guten Tag {Name}, willkommen.", "Guten Tag {name}, willkommen."),)),
    (
        "Dear {{name}}, welcome.",
        (
            ("Guten Tag {{name}}, willkommen.", "Guten Tag {name}, willkommen."),
            ("Guten Tag {{name}}, willkommen.", "Guten Tag, willkommen."),
        ),
    ),
    (
        "Sales rose by 12 % in 2025 and by 5 % in 2026, which the company had expected.",
        (
            (
                "Der Umsatz stieg 2025 um 12 % und 2026 um 5 %, was das Unternehmen erwartet hatte.",
                "Der Umsatz stieg 2025 um 12 % und 2026 um 5 Euro, was das Unternehmen erwartet hatte.",
            ),
            (
                "Les ventes ont augmenté de 12 % en 2025 et de 5 % en 2026, comme prévu.",
                "Les ventes ont augmenté de 12 % en 2025 et de 5 euros en 2026, comme prévu.",
            ),
            (
                "Las ventas subieron un 12 % en 2025 y un 5 % en 2026, como se esperaba.",
                "Las ventas subieron un 12 % en 2025 y 5 euros en 2026, como se esperaba.",
            ),
            (
                "销售额在2025年增长了12%，在2026年增长了5%，符合预期。",
                "销售额在2025年增长了12%，在2026年增长了5欧元，符合预期。",
            ),
            (
                "売上高は予想どおり2025年に12％、2026年に5％増加した。",
                "売上高は予想どおり2025年に12％、2026年に5ユーロ増加した。",
            ),
        ),
    ),
    (
        "We open on Monday.",
        (
            ("Wir öffnen am Montag.", "Wir öffnen am Dienstag."),
            ("Nous ouvrons lundi.", "Nous ouvrons mardi."),
            ("Abrimos el lunes.", "Abrimos el martes."),
            ("我们星期一开门。", "我们星期二开门。"),
            ("我们周一开门。", "我们周二开门。"),
            ("月曜日に開店します。", "火曜日に開店します。"),
            ("Мы открываемся в понедельник.", "Мы открываемся во вторник."),
            ("Otwieramy w poniedziałek.", "Otwieramy we wtorek."),
            ("Abrimos na segunda-feira.", "Abrimos na terça-feira."),
        ),
    ),
    (
        "Open from Monday to Friday.",
        (
            ("Geöffnet von Montag bis Freitag.", "Geöffnet von Freitag bis Montag."),
            ("Ouvert du lundi au vendredi.", "Ouvert du vendredi au lundi."),
            ("Abierto de lunes a viernes.", "Abierto de viernes a lunes."),
            ("星期一至星期五营业。", "星期五至星期一营业。"),
            ("月曜日から金曜日まで営業。", "金曜日から月曜日まで営業。"),
        ),
    ),
    (
        "We meet at half past two.",
        (
            ("Wir treffen uns um halb drei.", "Wir treffen uns um halb zwei."),
            ("Nous nous retrouvons à deux heures et demie.", "Nous nous retrouvons à trois heures et demie."),
            ("Nos vemos a las dos y media.", "Nos vemos a las tres y media."),
            ("我们两点半见面。", "我们三点半见面。"),
            ("2時半に会いましょう。", "3時半に会いましょう。"),
            ("Wir treffen uns um 2:30 Uhr.", "Wir treffen uns um 3:30 Uhr."),
            ("Wir treffen uns um halb 3.", "Wir treffen uns um halb 2."),
        ),
    ),
    (
        "We meet at half past 2.",
        (
            ("Wir treffen uns um halb drei.", "Wir treffen uns um halb zwei."),
            ("Nous nous retrouvons à deux heures et demie.", "Nous nous retrouvons à trois heures et demie."),
            ("Nos vemos a las dos y media.", "Nos vemos a las tres y media."),
            ("我们两点半见面。", "我们三点半见面。"),
            ("2時半に会いましょう。", "3時半に会いましょう。"),
            ("Wir treffen uns um 2:30 Uhr.", "Wir treffen uns um 3:30 Uhr."),
            ("Wir treffen uns um halb 3.", "Wir treffen uns um halb 2."),
        ),
    ),
    (
        "We meet at quarter past three.",
        (
            ("Wir treffen uns um Viertel nach drei.", "Wir treffen uns um Viertel vor drei."),
            ("Nous nous retrouvons à trois heures et quart.", "Nous nous retrouvons à trois heures moins le quart."),
            ("Nos vemos a las tres y cuarto.", "Nos vemos a las tres menos cuarto."),
        ),
    ),
    (
        "The office is on the third floor.",
        (
            ("Das Büro ist im dritten Stock.", "Das Büro ist im vierten Stock."),
            ("Le bureau est au troisième étage.", "Le bureau est au quatrième étage."),
            ("La oficina está en el tercer piso.", "La oficina está en el cuarto piso."),
            ("办公室在第三层。", "办公室在第四层。"),
            ("オフィスは三階にあります。", "オフィスは四階にあります。"),
            ("Das Büro ist im 3. Stock.", "Das Büro ist im 4. Stock."),
        ),
    ),
    (
        "The office is on the 3rd floor.",
        (
            ("Das Büro ist im dritten Stock.", "Das Büro ist im vierten Stock."),
            ("Le bureau est au troisième étage.", "Le bureau est au quatrième étage."),
            ("La oficina está en el tercer piso.", "La oficina está en el cuarto piso."),
            ("办公室在第三层。", "办公室在第四层。"),
            ("オフィスは三階にあります。", "オフィスは四階にあります。"),
            ("Das Büro ist im 3. Stock.", "Das Büro ist im 4. Stock."),
        ),
    ),
    (
        "Choose 5–10 items.",
        (
            ("Wählen Sie 5–10 Artikel.", "Wählen Sie 5–100 Artikel."),
            ("Choisissez 5 à 10 articles.", "Choisissez 5 à 100 articles."),
            ("Elija de 5 a 10 artículos.", "Elija de 5 a 100 artículos."),
            ("请选择5至10件。", "请选择5至100件。"),
            ("5～10個を選んでください。", "5～100個を選んでください。"),
            ("Wählen Sie 5 bis 10 Artikel.", "Wählen Sie 10 bis 5 Artikel."),
        ),
    ),
    (
        "No more than 5 people may enter.",
        (
            ("Nicht mehr als 5 Personen dürfen hinein.", "Mehr als 5 Personen dürfen hinein."),
            ("Pas plus de 5 personnes peuvent entrer.", "Plus de 5 personnes peuvent entrer."),
            ("No pueden entrar más de 5 personas.", "Pueden entrar más de 5 personas."),
            ("不得超过5人进入。", "超过5人可以进入。"),
            ("5人を超えて入ることはできません。", "5人を超えて入ることができます。"),
            ("Höchstens 5 Personen dürfen hinein.", "Mindestens 5 Personen dürfen hinein."),
            ("Au plus 5 personnes peuvent entrer.", "Au moins 5 personnes peuvent entrer."),
            ("Como máximo 5 personas pueden entrar.", "Al menos 5 personas pueden entrar."),
            ("最多5人可以进入。", "至少5人可以进入。"),
            ("入れるのは5人以下です。", "入れるのは5人以上です。"),
        ),
    ),
    (
        "It is not 5 kilometres.",
        (
            ("Es sind nicht 5 Kilometer.", "Es sind 5 Kilometer."),
            ("Ce n'est pas 5 kilomètres.", "C'est 5 kilomètres."),
            ("No son 5 kilómetros.", "Son 5 kilómetros."),
            ("不是5公里。", "是5公里。"),
            ("5キロメートルではありません。", "5キロメートルです。"),
        ),
    ),
    (
        "We need a dozen eggs.",
        (
            ("Wir brauchen ein Dutzend Eier.", "Wir brauchen zehn Eier."),
            ("Wir brauchen zwölf Eier.", "Wir brauchen zwanzig Eier."),
            ("Il nous faut une douzaine d'œufs.", "Il nous faut une dizaine d'œufs."),
            ("我们需要十二个鸡蛋。", "我们需要十个鸡蛋。"),
            ("卵が十二個必要です。", "卵が十個必要です。"),
            ("Wir brauchen 12 Eier.", "Wir brauchen 10 Eier."),
        ),
    ),
    (
        "Take ½ cup of sugar.",
        (
            ("Nehmen Sie ½ Tasse Zucker.", "Nehmen Sie ¼ Tasse Zucker."),
            ("Nehmen Sie 1/2 Tasse Zucker.", "Nehmen Sie 1/4 Tasse Zucker."),
            ("Nehmen Sie eine halbe Tasse Zucker.", "Nehmen Sie eine viertel Tasse Zucker."),
            ("Prenez une demi-tasse de sucre.", "Prenez un quart de tasse de sucre."),
            ("Tome media taza de azúcar.", "Tome un cuarto de taza de azúcar."),
            ("取半杯糖。", "取四分之一杯糖。"),
            ("砂糖を半カップ入れます。", "砂糖を4分の1カップ入れます。"),
            ("Nehmen Sie 0,5 Tassen Zucker.", "Nehmen Sie 0,25 Tassen Zucker."),
        ),
    ),
    (
        "Take 1/2 cup of sugar.",
        (
            ("Nehmen Sie ½ Tasse Zucker.", "Nehmen Sie ¼ Tasse Zucker."),
            ("Nehmen Sie 1/2 Tasse Zucker.", "Nehmen Sie 1/4 Tasse Zucker."),
            ("Nehmen Sie eine halbe Tasse Zucker.", "Nehmen Sie eine viertel Tasse Zucker."),
            ("Prenez une demi-tasse de sucre.", "Prenez un quart de tasse de sucre."),
            ("Tome media taza de azúcar.", "Tome un cuarto de taza de azúcar."),
            ("取半杯糖。", "取四分之一杯糖。"),
            ("砂糖を半カップ入れます。", "砂糖を4分の1カップ入れます。"),
            ("Nehmen Sie 0,5 Tassen Zucker.", "Nehmen Sie 0,25 Tassen Zucker."),
        ),
    ),
    (
        "Take half a cup of sugar.",
        (
            ("Nehmen Sie ½ Tasse Zucker.", "Nehmen Sie ¼ Tasse Zucker."),
            ("Nehmen Sie 1/2 Tasse Zucker.", "Nehmen Sie 1/4 Tasse Zucker."),
            ("Nehmen Sie eine halbe Tasse Zucker.", "Nehmen Sie eine viertel Tasse Zucker."),
            ("Prenez une demi-tasse de sucre.", "Prenez un quart de tasse de sucre."),
            ("Tome media taza de azúcar.", "Tome un cuarto de taza de azúcar."),
            ("取半杯糖。", "取四分之一杯糖。"),
            ("砂糖を半カップ入れます。", "砂糖を4分の1カップ入れます。"),
            ("Nehmen Sie 0,5 Tassen Zucker.", "Nehmen Sie 0,25 Tassen Zucker."),
        ),
    ),
    (
        "Add 2½ cups of flour.",
        (
            ("2½ Tassen Mehl zugeben.", "2¼ Tassen Mehl zugeben."),
            ("2,5 Tassen Mehl zugeben.", "2 Tassen Mehl zugeben."),
            ("2 1/2 Tassen Mehl zugeben.", "21/2 Tassen Mehl zugeben."),
        ),
    ),
    ("Call +49 30 1234567 now.", (("Rufen Sie jetzt +49 30 1234567 an.", "Rufen Sie jetzt +49 30 1234576 an."),)),
    (
        "Call +49 30 12 34 56 now.",
        (
            ("Rufen Sie jetzt +49 30 12 34 56 an.", "Rufen Sie jetzt +49 30 34 12 56 an."),
            ("立即拨打+49 30 12 34 56。", "立即拨打+49 30 34 12 56。"),
        ),
    ),
    ("Call +44 (0)20 7946 0958.", (("Appelez le +44 20 7946 0958.", "Appelez le +44 20 0958 7946."),)),
    (
        "Pay to DE89 3704 0044 0532 0130 00.",
        (
            ("Zahlen Sie an DE89 3704 0044 0532 0130 00.", "Zahlen Sie an DE89 3704 0044 0532 0103 00."),
            ("Zahlen Sie an DE89370400440532013000.", "Zahlen Sie an AT89370400440532013000."),
            ("请付款至DE89 3704 0044 0532 0130 00。", "请付款至DE89 0044 3704 0532 0130 00。"),
        ),
    ),
    (
        "Pay to GB29 NWBK 6016 1331 9268 19.",
        (("Payez à GB29 NWBK 6016 1331 9268 19.", "Payez à GB29 NWBX 6016 1331 9268 19."),),
    ),
    (
        "Write to anna.k@example.com.",
        (("Schreiben Sie an anna.k@example.com.", "Schreiben Sie an anna.m@example.com."),),
    ),
    ("Write to müller@example.de.", (("Écrivez à müller@example.de.", "Écrivez à möller@example.de."),)),
    (
        "Write to anna@example.com for sales and bob@example.com for help.",
        (
            (
                "Schreiben Sie an anna@example.com für den Verkauf und an bob@example.com für Hilfe.",
                "Schreiben Sie an bob@example.com für den Verkauf und an anna@example.com für Hilfe.",
            ),
        ),
    ),
    (
        "Order AB-12345 is late.",
        (("Die Bestellung AB-12345 ist verspätet.", "Die Bestellung AC-12345 ist verspätet."),),
    ),
    (
        "The discount is 20% and the fee is $5.",
        (("Der Rabatt beträgt 20 % und die Gebühr 5 $.", "Der Rabatt beträgt 5 % und die Gebühr 20 $."),),
    ),
    ("The paper is 1990s style.", (("Das Papier ist im Stil der 1990er.", "Das Papier ist im Stil der 1980er."),)),
)
"""A source, and translations of it: right, and false."""


def look(source: str, text: str) -> tuple[Finding, ...]:
    return preserved("text")(Subject(answer={"text": text}, source=source))


@pytest.mark.parametrize(
    ("source", "right", "wrong"), [(source, right, wrong) for source, pairs in PAIRS for right, wrong in pairs]
)
def test_a_right_translation_passes_and_a_false_one_does_not(source: str, right: str, wrong: str) -> None:
    assert look(source, right) == ()
    assert look(right, source) == ()
    assert look(source, wrong) != ()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("We met on Monday, the day before yesterday.", "Wir trafen uns vorgestern."),
        ("Both teams met a fortnight ago.", "Beide Mannschaften trafen sich vor vierzehn Tagen."),
        ("It opens at a quarter past nine.", "Es öffnet früh am Morgen."),
        ("Half of them left.", "Viele von ihnen gingen."),
        ("Read [the GitHub page](https://a.example/g), then [the terms](https://a.example/t).",
         "Lesen Sie [die AGB](https://a.example/t) nach [der GitHub-Seite](https://a.example/g)."),
        ("They lost 2–1.", "Sie gewannen nicht, es stand 1–2."),
    ],
)  # fmt: skip
def test_what_is_left_out_or_said_otherwise_is_no_exchange(source: str, text: str) -> None:
    if "AGB" not in text:
        assert look(source, text) == ()
    facts, others = Facts(source), Facts(text)
    assert lost_facts(facts, others) == []
    assert lost_days(facts, others) == []
