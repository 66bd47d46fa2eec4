"""Words that stand directly before phone numbers, and before codes that only look like them."""

from __future__ import annotations

import re

_CALL = r"""
    contact(?:s|o|ar|er|ez|ez-nous)?|contatt(?:o|i|are|ami|aci|ateci)|contato|kontakt(?:ieren)?
    |t[ée]l|t[ée]l[ée]phone[rz]?|telefon\w{0,7}|tel[eé]fono[s]?|telefoon(?:nummer)?|tf?no|tlfn?|puh(?:elin)?
    |phones?|cell\s?phone|mob|ph|mobil(?:e|nummer|telefon)?|m[óo]vil|handy(?:nummer|nr)?|rufnummer|celular|cell?ulaire|cellulare
    |telem[óo]vel|mobiel|kom[óo]rka|gsm:|cell:|portable\s?:
    |call|ring\s(?:us|me)|appel(?:ez|er)?|appelez-(?:moi|nous)|joindre|joignable|rufen?|anruf(?:en)?|ll[aá]m(?:ar|a|e|ame|enos)
    |chiama(?:re|mi|te|teci)?|ligar|ligue\spara|bellen|bel\s(?:ons|me|mij|naar)|(?:za)?dzwo[nń]\w*|ring\sp[åa]
    |what'?s\s?app|viber|telegram|fax|hotline|sms|text\s(?:me|us|to)|(?:please|or|and|call/)\s?text|wa:|wechat|hubungi
    |тел(?:ефон\w*)?|(?:по)?звоните|моб|電話|电话|手机|携帯|전화|전화번호|연락처|휴대폰|هاتف|جوال|واتساب|اتصل
    |τηλ(?:έφωνο)?|κινητό|טלפון|נייד|फोन|संपर्क|โทร|điện\sthoại|sđt|微信|telepon
"""
_WEAK = r"(?:infos?|renseignements?|r[ée]serv\w+|book|write|[ée]cri\w+|schreib\w*)\s(?:au|at|on|unter|al|to|sur|auf)"
_OWN = r"(?:my|our|mon|notre|meine?|unsere?|mi|mio|nuestro|meu|mijn)\s(?:number|num[ée]ro|nummer|n[úu]mero)"
_CALL_SOMEBODY = (
    r"(?:call|ring|contact|appele[rz]|contacte[rz]|joindre|llam[ae]r?\sa|chiam[ai](?:re)?|bel)"
    r"\s\w{2,20}\s?(?:on|at|au|unter|al|op|:)"
)
_FILLER = r"""
    (?:\s|[:.,;!=>\#()\[\]/&|»-]|n[°ºo]\b\.?|[°º]|\b(?:us|me|moi|nous|uns|mich|now|today|only|at|on|under|numbers?|num|nr|num[eé]ro|n[úu]mero
    |numer|nummer|or|write|text|au|sur|le|la|al|el|en|ao|em|unter|auf|der|die|an|ou|oder|o|y|et|and|und|is|est|ist|es|is|to|pod
    |номер|по|me|mij|op|naar)\b)
"""
_IS_CALLED = re.compile(
    rf"(?:(?<!\w)(?:{_CALL}|{_WEAK}|{_OWN}|{_CALL_SOMEBODY})(?!\w)|[☎✆📞📱📲])\ufe0f?(?:{_FILLER}){{0,12}}$",
    re.IGNORECASE | re.VERBOSE,
)
_IS_CODE = re.compile(
    r"""
    (?<!\w)(?:ean|upc|ugs|gtin|isbn|issn|asin|sku|mpn|oem|imei|vin|siret|siren|vat|tva|iva|ust-?id(?:nr)?|nip|cif|nif|hrb?|eori
    |r[ée]f(?:[ée]rence|erencia|erentie)?s?|riferimento|art(?:icle|ikel|icolo|[íi]culo)?|artikelnummer|artikelnr|art-?nr
    |model(?:l|lo|o|e|nr|nummer)?|mod[èe]le|item|part|parts?|pi[èe]ce|teilenummer|teile-?nr|product|produit|produkt
    |serial|s[ée]rie|seriennummer|serie|s/n|sn|p/n|pn|lot|charge|batch|code|c[óo]digo|codice|kod|id|order|commande|bestell\w*
    |pedido|ordine|invoice|facture|rechnung\w*|factura|fattura|tracking|colis|sendung\w*|parcel|barcode|style|catalog(?:ue)?
    |patent|cas|hs|nr|no|n[°º]|num(?:[ée]ro)?|number|nummer|n[úu]mero|numer|арт(?:икул)?|код|号|品番|型番|型号|訂單|订单)
    (?!\w)(?:\s\w{3,20})?(?:\s|[:.,;=\#()/°º-]|\b(?:number|nummer|no|nr|num[ée]ro|n[úu]mero|code|id|de|du|der|is)\b){0,6}$
    """,
    re.IGNORECASE | re.VERBOSE,
)


def is_called(before: str) -> bool:
    """Whether the text before a number ends with a word such as "call", "téléphone" or "WhatsApp"."""
    return _IS_CALLED.search(before) is not None


def is_code(before: str) -> bool:
    """Whether the text before a number ends with a word such as "SKU", "order" or "article"."""
    return _IS_CODE.search(before) is not None
