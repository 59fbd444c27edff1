"""Words beside amounts that say what these are, in the languages of tills and invoices."""

from __future__ import annotations

from decimal import Decimal

from firstline import patterns

ROUNDING = patterns.compile(r"round|rund|arrond|redond|arroton", patterns.IGNORECASE)
CHANGE = patterns.compile(
    r"change|chg|balance|r[uü]ckgeld|wechselgeld|zur[uü]ck|rendu|monnaie|cambio|resto|vuelto|troco|wisselgeld|reszta",
    patterns.IGNORECASE,
)
TAX = patterns.compile(
    r"\b(?:gst|sst|vat|tax|mwst|ust|tva|iva|btw|ptu|moms|service|svc|serv|steuer|tip|surcharge)", patterns.IGNORECASE
)
CHARGE = patterns.compile(
    r"service|\bsvc|\bserv\b|\btips?\b|gratuity|trinkgeld|delivery|freight|shipping|postage|versand|liefer|porto|livraison|"
    r"deposit|pfand|surcharge|handling|\bfees?\b|zuschlag|frais|envío|spedizione|coperto|verzend",
    patterns.IGNORECASE,
)
LESS = patterns.compile(
    r"\bdisc|rabatt|remise|coupon|voucher|nachlass|sconto|descuento|skonto|gutschein|korting|savings?\b|prepaid|anzahlung|"
    r"acompte|advance",
    patterns.IGNORECASE,
)
CASH = patterns.compile(
    r"\bcash|tender|\bpaid|payment|\bbar\b|gegeben|esp[eè]ces|efectivo|contanti|\bcard|visa|master|received|amex|debit|"
    r"kartenzahlung|ec-karte|carte|tarjeta|contant|gotówka",
    patterns.IGNORECASE,
)
ONLY_TAX = patterns.compile(r"\b(?:gst|sst|vat|mwst|ust|tva|iva|btw)\b", patterns.IGNORECASE)
TOTAL = patterns.compile(r"total|summe|gesamt|razem|suma|celkem", patterns.IGNORECASE)
LARGEST_ROUNDING = Decimal("0.05")
