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
}  # fmt: skip
"""Signs and codes of currencies, in lower case, with their ISO 4217 code."""
