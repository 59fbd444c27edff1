"""Signs and codes of currencies."""

from __future__ import annotations

CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "$": "USD", "usd": "USD", "us$": "USD", "£": "GBP", "gbp": "GBP",
    "rm": "MYR", "myr": "MYR", "chf": "CHF", "sfr": "CHF", "¥": "JPY", "jpy": "JPY", "rs": "INR", "₹": "INR",
    "inr": "INR", "sgd": "SGD", "s$": "SGD", "aud": "AUD", "a$": "AUD", "cad": "CAD", "c$": "CAD", "zł": "PLN",
    "zl": "PLN", "pln": "PLN", "kr": "SEK", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "kč": "CZK", "czk": "CZK",
    "rp": "IDR", "idr": "IDR", "php": "PHP", "₱": "PHP", "฿": "THB", "thb": "THB", "₩": "KRW", "krw": "KRW",
    "hk$": "HKD", "hkd": "HKD", "r$": "BRL", "brl": "BRL", "zar": "ZAR", "₺": "TRY", "try": "TRY", "tl": "TRY",
    "cny": "CNY", "rmb": "CNY", "元": "CNY", "₽": "RUB", "rub": "RUB", "nzd": "NZD", "mxn": "MXN", "huf": "HUF",
    "円": "JPY", "圓": "JPY", "원": "KRW", "₫": "VND", "vnd": "VND", "₴": "UAH", "uah": "UAH", "грн": "UAH",
    "руб": "RUB", "₪": "ILS", "ils": "ILS", "₸": "KZT", "kzt": "KZT", "₦": "NGN", "ngn": "NGN", "৳": "BDT",
    "bdt": "BDT", "₾": "GEL", "₼": "AZN", "azn": "AZN", "₡": "CRC", "₲": "PYG", "₵": "GHS", "₭": "LAK", "₮": "MNT",
    "บาท": "THB", "aed": "AED", "sar": "SAR", "egp": "EGP", "twd": "TWD", "nt$": "TWD", "pkr": "PKR", "lkr": "LKR",
    "lei": "RON", "bgn": "BGN", "лв": "BGN", "isk": "ISK",
}  # fmt: skip
"""Signs and codes of currencies, in lower case, with their ISO 4217 code."""

DRAWN = "".join(sign for sign in CURRENCIES if len(sign) == 1 and not sign.isalnum())
"""The signs that are drawn, not written: they may stand between a number and its decimals."""
