"""Faithful: sentences of the source's words pass, sentences of others do not."""

from __future__ import annotations

import pytest

from firstline.checks.base import Subject
from firstline.checks.faithful import faithful
from firstline.errors import TaskError

SOURCE = "Police arrested three men in Glasgow on Monday. The van was found near Stow College, and nobody was injured."


def test_a_sentence_of_the_sources_words_passes_in_other_forms() -> None:
    subject = Subject(answer={"text": "Three men were arrested by the police in Glasgow."}, source=SOURCE)
    assert faithful("text")(subject) == ()


def test_a_sentence_of_other_words_is_shown() -> None:
    subject = Subject(answer={"text": "Police arrested three men. Two guards died in Edinburgh."}, source=SOURCE)
    (finding,) = faithful("text")(subject)
    assert (finding.check, finding.field) == ("faithful", "text")
    assert finding.reason.endswith("of its words are in the source: Two guards died in Edinburgh.")


def test_pairs_ask_for_phrases_of_the_source() -> None:
    subject = Subject(answer={"text": "Glasgow college men injured police."}, source=SOURCE)
    assert faithful("text")(subject) == ()
    (finding,) = faithful("text", pairs=0.9)(subject)
    assert "phrases" in finding.reason


def test_what_says_too_little_is_left_alone() -> None:
    assert faithful("text")(Subject(answer={"text": "Yes. Good news!"}, source=SOURCE)) == ()
    assert faithful("text")(Subject(answer={"text": None}, source=SOURCE)) == ()
    assert faithful("text")(Subject(answer={"text": "Entirely other words here"}, source=SOURCE, fields=("x",))) == ()


@pytest.mark.parametrize("shares", [{"words": 1.5}, {"pairs": -0.1}])
def test_shares_outside_their_range_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(TaskError):
        faithful("text", **shares)


RETURNS = {
    "zh": "公司在三月宣布新的退货政策，顾客可以在三十天内退回未使用的商品。运费由公司承担。",
    "ja": "当社は三月に新しい返品規定を発表しました。三十日以内に商品を返品でき、送料は当社が負担します。",
    "th": "บริษัทประกาศนโยบายคืนสินค้าใหม่ในเดือนมีนาคม ลูกค้าสามารถคืนสินค้าที่ไม่ได้ใช้ภายในสามสิบวัน",
    "hi": "कंपनी ने वापसी की नई नीति की घोषणा की। ग्राहक तीस दिनों के भीतर नया सामान लौटा सकते हैं।",
    "ko": "회사는 새로운 반품 정책을 발표했다. 고객은 삼십일 이내에 상품을 반품할 수 있다.",
    "ar": "أعلنت الشركة في مارس سياسة جديدة للإرجاع. يمكن للعملاء إرجاع السلع خلال ثلاثين يوما.",
}
TRUE = {
    "zh": "公司宣布新退货政策：顾客可在三十天内退回商品。",
    "ja": "当社は新しい返品規定を発表し、三十日以内なら商品を返品できる。",
    "th": "บริษัทประกาศนโยบายใหม่ ลูกค้าคืนสินค้าได้ภายในสามสิบวัน",
    "hi": "कंपनी की नई नीति: ग्राहक तीस दिनों में सामान लौटा सकते हैं।",
    "ko": "회사가 새로운 반품 정책을 발표했고 고객이 상품을 반품할 수 있다.",
    "ar": "أعلنت الشركة سياسة جديدة لإرجاع السلع خلال ثلاثين يوما.",
}
INVENTED = {
    "zh": "政府宣布取消学校假期，学生从五月起每天必须上课。",
    "ja": "政府は五月に学校の休みを廃止し、学生は毎日授業に出る。",
    "th": "รัฐบาลยกเลิกวันหยุดโรงเรียนในเดือนพฤษภาคม นักเรียนต้องเข้าเรียนทุกวัน",
    "hi": "सरकार ने मई में स्कूलों की छुट्टियां रद्द कर दीं और छात्र रोज कक्षा में आएंगे।",
    "ko": "정부가 오월에 학교 방학을 폐지하여 학생들은 매일 수업에 나간다.",
    "ar": "ألغت الحكومة العطلة المدرسية وعلى الطلاب حضور الدروس كل صباح.",
}


@pytest.mark.parametrize("language", RETURNS)
def test_scripts_without_blanks_are_compared_too(language: str) -> None:
    check = faithful("text", words=0.6)
    source = RETURNS[language]
    assert check(Subject(answer={"text": TRUE[language]}, source=source)) == ()
    (finding,) = check(Subject(answer={"text": INVENTED[language]}, source=source))
    assert "of its words are in the source" in finding.reason


def test_signs_in_another_order_are_other_phrases() -> None:
    source = RETURNS["zh"]
    quoted = Subject(answer={"text": "顾客可以在三十天内退回未使用的商品。"}, source=source)
    mixed = Subject(answer={"text": "商品公司退回政策三月运费未使用三十全额顾客。"}, source=source)
    assert faithful("text", words=0, pairs=0.9)(quoted) == ()
    assert faithful("text", words=0, pairs=0.9)(mixed) != ()
