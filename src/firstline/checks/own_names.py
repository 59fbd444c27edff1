"""What languages are called in themselves, by tag, as CLDR has it.

Kept here because reading them means reading a hundred locales: 2 s and 80 MB. A test holds the table to Babel's CLDR.
"""

from __future__ import annotations

from functools import cache

_TABLE = """
af Afrikaans
am አማርኛ
an aragonés
ar العربية
as অসমীয়া
az azərbaycan
az-Arab آذربایجان تۆرکجه‌سی (عربجه), تۆرکجه, cənubi azərbaycan
az-Latn azərbaycan (latın)
az-Cyrl азәрбајҹан (Кирил)
ba башҡорт
be беларуская
bg български
bn বাংলা
br brezhoneg
bs bosanski
bs-Latn bosanski (latinica)
bs-Cyrl босански (ћирилица)
ca català
cs čeština
cy Cymraeg
da dansk
de Deutsch
dz རྫོང་ཁ
el Ελληνικά
en English
eo Esperanto
es español
et eesti
eu euskara
fa فارسی
fi suomi
fil Filipino
fo føroyskt
fr français
fy Frysk
ga Gaeilge
gd Gàidhlig
gl galego
gu ગુજરાતી
ha Hausa
he עברית
hi हिन्दी
hi-Latn Hindi (Latin), हिंग्लिश
hr hrvatski
ht Kreyòl Ayisyen
hu magyar
hy հայերեն
id Indonesia
ig Asụsụ Igbo
is íslenska
it italiano
ja 日本語
jv Jawa
ka ქართული
kab Taqbaylit
kk қазақ тілі
kk-Arab قازاق ءتىلى (اراب جازۋى), قازاق ءتىلى (توتە)
kk-Cyrl қазақ тілі (кирилл жазуы)
km ខ្មែរ
kn ಕನ್ನಡ
ko 한국어
ku kurdî (kurmancî)
ku-Latn kurdî (kurmancî) (latînî)
ky кыргызча
la Latina
lb Lëtzebuergesch
lg Luganda
lij ligure
ln lingála
lo ລາວ
lt lietuvių
ltg latgalīšu
lv latviešu
mg Malagasy
mk македонски
ml മലയാളം
mn монгол
mr मराठी
ms Melayu
ms-Arab بهاس ملايو (عرب)
mt Malti
my မြန်မာ
nb norsk bokmål
ne नेपाली
nl Nederlands
nn norsk nynorsk
no norsk
nso Sesotho sa Leboa
oc occitan
om Oromoo
or ଓଡ଼ିଆ
pa ਪੰਜਾਬੀ
pa-Guru ਪੰਜਾਬੀ (ਗੁਰਮੁਖੀ)
pa-Arab پنجابی (عربی)
pcm Naijíriá Píjin
pl polski
ps پښتو
pt português
qu Runasimi
ro română
ru русский
rw Ikinyarwanda
sa संस्कृत भाषा
sdh کوردی خوارگ
se davvisámegiella
si සිංහල
sk slovenčina
sl slovenščina
sn chiShona
so Soomaali
sq shqip
sr српски
sr-Cyrl српски (ћирилица)
sr-Latn srpski (latinica)
st Sesotho
sv svenska
sw Kiswahili
ta தமிழ்
te తెలుగు
tg тоҷикӣ
th ไทย
tk türkmen dili
tr Türkçe
tt татар
ug ئۇيغۇرچە
uk українська
ur اردو
uz o‘zbek
uz-Cyrl ўзбекча (Кирил)
uz-Arab اوزبیک (عربی)
uz-Latn o‘zbek (lotin)
vec veneto
vi Tiếng Việt
vo Volapük
wa walon
xh IsiXhosa
yo Èdè Yorùbá
yue 粵語
yue-Hant 粵語 (繁體)
yue-Hans 粤语 (简体)
zh 中文
zh-Hans 中文 (简体), 简体中文, 簡體中文
zh-Hant 中文 (繁體), 繁體中文, 繁体中文
zu isiZulu
"""
_ALSO_CALLED = """
az Azərbaycanca
bn Bangla
en Englisch, anglais, inglés, inglese, inglês
es Castellano, Castilian
et Eesti keel
fa Farsi
he עִבְרִית
id Bahasa Indonesia
is Íslenska
it Italienisch
kk Қазақша
km ភាសាខ្មែរ
lt Lietuvių kalba
ms Bahasa Melayu
my Burmese
nl Flemish, Vlaams
no Bokmål
pa Panjabi
ro Moldovan, Moldavian
sl Slovene
sv Svenska
tl Filipino, Pilipino
uz Oʻzbekcha, Oʻzbek
zh 汉语, 漢語, 中国话, Mandarin, Mandarin Chinese, Putonghua
zh-Hans 简体, 简体字, 简中
zh-Hant 繁體, 繁体, 繁體字, 繁中, 正體中文
"""
"""Names in use that CLDR does not have."""


@cache
def own_names() -> dict[str, str]:
    """Return the tag (`de`, `sr-Latn`) of each name, case folded."""
    return {
        name.strip().casefold(): tag
        for line in (_TABLE + _ALSO_CALLED).strip().splitlines()
        if line
        for tag, _, names in [line.partition(" ")]
        for name in names.split(", ")
    }


def names_in_cldr() -> dict[str, tuple[str, ...]]:
    """Return the names that the table has from CLDR, by tag."""
    parts = [line.partition(" ") for line in _TABLE.strip().splitlines()]
    return {tag: tuple(names.split(", ")) for tag, _, names in parts}
