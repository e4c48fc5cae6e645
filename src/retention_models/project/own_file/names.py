"""What shops call their columns, in several languages, and exports that are known by their columns."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

# By role: names that say it, names that most likely mean it, and names that may.
NAMES: dict[str, tuple[str, str, str]] = {
    "customer_id": (
        "customer id, customer no, customer number, customer code, client id, user id, member id, "
        "buyer id, shopper id, household id, loyalty id, kunde, kundennummer, kundennr, kunden nr, "
        "kunden id, debitor, müşteri no, müşteri id, müşteri kodu, müşteri numarası, cari kod, "
        "id client, numéro client, code client, id cliente, codigo cliente, klantnummer, "
        "ügyfélszám, ügyfélkód, ügyfél id, ügyfél azonosító, vevő id, vevő azonosító, vevőkód, "
        "vevőszám, vásárló id, vásárló azonosító, شماره مشتری, کد مشتری, شناسه مشتری, رقم العميل",
        "email, e mail, customer email, müşteri, e posta, eposta, correo, courriel, customer, client, "
        "cliente, klant, vevő, ügyfél, vásárló, مشتری, card number, loyalty card, account id",
        "customer name, user, member, buyer, phone, name",
    ),
    "date": (
        "date, order date, invoice date, transaction date, purchase date, sale date, sales date, "
        "receipt date, created, created at, created on, created date, created utc, ordered at, "
        "purchased at, timestamp, datum, belegdatum, bestelldatum, rechnungsdatum, kaufdatum, "
        "buchungsdatum, buch dat, tarih, sipariş tarihi, fatura tarihi, satış tarihi, fiş tarihi, "
        "date de commande, date facture, date achat, fecha, fecha pedido, fecha de compra, data, "
        "dátum, kelt, vásárlás dátuma, rendelés dátuma, számla kelte, számla dátuma, eladás dátuma, "
        "تاریخ, تاریخ خرید, تاریخ سفارش, تاریخ فاکتور, التاريخ",
        "day, time, datetime, event time, paid at, payment date, posting date, gün, zeit, jour",
        "at, on, ts",
    ),
    "spend": (
        "total, amount, spend, total amount, order total, grand total, order amount, net sales, "
        "sales value, line total, order value, revenue, net amount, total price, sales, total paid, "
        "betrag, gesamtbetrag, umsatz, nettobetrag, bruttobetrag, rechnungsbetrag, summe, gesamtsumme, "
        "bruttoumsatz, nettoumsatz, betrag in hw, betr in hw, betrag in hauswährung, tutar, toplam, "
        "toplam tutar, genel toplam, satış tutarı, montant, montant total, total ttc, importe, "
        "importe total, bedrag, összeg, végösszeg, bruttó összeg, nettó összeg, fizetett összeg, "
        "مبلغ, مبلغ کل, مبلغ پرداختی, جمع کل, المبلغ",
        "subtotal, gross sales, gross amount, net revenue, n revenue, paid, value, turnover",
        "price, preis, fiyat, prix, precio, ár, قیمت, sum",
    ),
    "quantity": (
        "quantity, qty, units, menge, anzahl, stück, adet, miktar, quantité, cantidad, "
        "mennyiség, darab, darabszám, تعداد, "
        "lineitem quantity",
        "items sold, items, count",
        "",
    ),
    "unit_price": (
        "unit price, price per unit, einzelpreis, stückpreis, birim fiyat, birim fiyatı, "
        "prix unitaire, precio unitario, egységár, قیمت واحد, item price, item cost, lineitem price",
        "",
        "price, preis, fiyat, prix, precio, ár, قیمت",
    ),
    "store_id": (
        "store, store id, store no, store number, store code, shop, shop id, branch, branch id, "
        "location, location id, outlet, filiale, filialnummer, werk, markt, mağaza, mağaza no, "
        "mağaza kodu, şube, şube kodu, şube no, magasin, boutique, tienda, sucursal, winkel, "
        "üzlet, bolt, áruház, telephely, فروشگاه, شعبه",
        "store name, shop name, location name, branch name",
        "",
    ),
    "order_id": (
        "order id, order no, order number, order, invoice, invoice no, invoice id, invoice number, "
        "receipt, receipt id, receipt no, receipt number, transaction id, transaction no, basket id, "
        "beleg, belegnummer, belegnr, bestellnummer, bestellnr, rechnung, rechnungsnummer, rechnungsnr, "
        "auftrag, auftragsnummer, auftragsnr, bon, bonnummer, sipariş no, fatura no, fiş no, belge no, "
        "numéro commande, n commande, commande, facture, n facture, numéro facture, pedido, id pedido, "
        "rendelésszám, rendelés azonosító, bizonylatszám, számlaszám, nyugtaszám, شماره سفارش, "
        "شماره فاکتور",
        "payment id, basket, ticket",
        "",
    ),
    "category": (
        "category, product category, department, product type, warengruppe, kategorie, kategori, "
        "ürün kategorisi, catégorie, categoria, rayon, kategória, termékkategória, دسته بندی, دسته",
        "item category, group",
        "",
    ),
    "currency": (
        "currency, currency code, währung, waehrung, waers, hwähr, hauswährung, para birimi, döviz, "
        "devise, moneda, valuta, pénznem, deviza, ارز, واحد پول",
        "",
        "",
    ),
    "status": (
        "status, order status, financial status, payment status, event type, state, durum, "
        "sipariş durumu, estado, statut, állapot, státusz, وضعیت",
        "",
        "type, transaction type, order type, kind, art, vorgang, tür, típus, tipo",
    ),
}
# What a name beside the role's own makes of it: no day of purchase, no money paid, nobody's id.
OTHERWISE = {
    "date": "ship shipped shipping deliver delivery delivered birth birthday update updated modified "
    "due cancel cancelled canceled expire expiry expires fulfilled refunded processed closed last first "
    "join signup registered liefer lieferdatum teslim teslimat doğum geburtsdatum vade zone available "
    "transfer",
    "spend": "tax taxes shipping discount discounts fee fees cost refund refunded tip tips balance "
    "percent rate kdv mwst vergi indirim rabatt steuer quantity qty zip points id no number count "
    "charges gift",
    "customer_id": "type note description service group country segment phone tags reference count",
    "order_id": "status date note total amount currency type count discount subtotal shipping tax "
    "refund key by",
    "store_id": "credit type name city zip currency",
}


# What columns of databases are shortened to.
_SHORT = {
    "acct": "account",
    "amt": "amount",
    "cat": "category",
    "cd": "code",
    "curr": "currency",
    "cust": "customer",
    "dt": "date",
    "inv": "invoice",
    "nbr": "number",
    "num": "number",
    "ord": "order",
    "trans": "transaction",
    "trx": "transaction",
    "txn": "transaction",
    "tx": "transaction",
}


# Letters that Arabic keyboards write for Persian ones.
_PERSIAN = str.maketrans("يكى", "یکی")


def plain(name: str) -> str:
    """A name in small letters without accents, its words set apart and whole.

    >>> plain("InvoiceDate"), plain("TRX_DT")
    ('invoice date', 'transaction date')
    """
    apart = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Ý])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    bare = unicodedata.normalize("NFKD", apart).casefold().replace("ı", "i")
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    bare = bare.translate(_PERSIAN)
    return " ".join(_SHORT.get(word, word) for word in re.findall(r"[^\W_]+", bare))


def in_hundredths(name: str) -> bool:
    """Whether a column of amounts is said to count cents.

    >>> in_hundredths("total_cents"), in_hundredths("percent")
    (True, False)
    """
    return not _HUNDREDTHS.isdisjoint(plain(name).split())


def currencies_in(name: str) -> set[str]:
    """Currencies whose code stands in a column's name as a word of its own, in capitals.

    >>> currencies_in("Net Amount (EUR)")
    {'EUR'}
    """
    return {*re.findall(r"[A-Za-z]+", name.replace("_", " "))} & _CODES


_HUNDREDTHS = frozenset({"cent", "cents", "centimes", "centavos", "centimos", "pence", "kurus"})
_CODES = frozenset(
    re.findall(
        "[A-Z]{3}",
        "AUD BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HKD HUF IDR ILS INR IRR JPY KRW MXN MYR NOK NZD "
        "PHP PLN RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR",
    )
)


def _phrases(text: str) -> frozenset[str]:
    return frozenset(plain(phrase) for phrase in text.split(",") if phrase.strip())


_TIERS = {role: tuple(map(_phrases, tiers)) for role, tiers in NAMES.items()}
_NOT = {role: frozenset(plain(word) for word in text.split()) for role, text in OTHERWISE.items()}
# From here on a name says what a column is; and from here on it most likely does.
SURE, LIKELY = 5, 3


def score(role: str, name: str) -> int:
    """How well a name fits a role, from 0; the whole name counts more than a part of it.

    >>> score("date", "InvoiceDate"), score("date", "Ship Date"), score("customer_id", "MÜŞTERİ NO")
    (6, 0, 6)
    """
    words = plain(name)
    tiers = _TIERS[role]
    for place, tier in enumerate(tiers):
        if words in tier:
            return 6 - 2 * place
    if _NOT.get(role, frozenset()) & set(words.split()):
        return 0
    for place, tier in enumerate(tiers):
        if any(f" {phrase} " in f" {words} " for phrase in tier):
            return 5 - 2 * place
    return 0


def accented_names() -> frozenset[str]:
    """Names with letters beyond ASCII, in small letters: they tell how a file is encoded."""
    phrases = (
        phrase.strip() for tiers in NAMES.values() for tier in tiers for phrase in tier.split(",")
    )
    return frozenset(phrase for phrase in phrases if not phrase.isascii())


@dataclass(frozen=True)
class Export:
    """An export that is known by the columns it has."""

    called: str
    needs: frozenset[str]
    columns: dict[str, tuple[str, ...]]  # by role: the first that the file has
    status: str
    sales: frozenset[str] = field(repr=False)  # values of the status, in small letters
    why: dict[str, str] = field(default_factory=dict)

    def is_sale(self, status: str) -> bool:
        """Whether a row of this status is a sale, or gives one back; wc-completed is completed."""
        return status.lower().removeprefix("wc-") in self.sales


_REFUNDS = "what was paid, with tax and shipping, less what was given back"

EXPORTS = (
    Export(
        "an export of orders by Shopify",
        frozenset({"Name", "Email", "Financial Status", "Created at", "Total", "Lineitem name"}),
        {
            "customer_id": ("Email",),
            "date": ("Created at",),
            "spend": ("Total - `Refunded Amount`", "Total"),
            "order_id": ("Name",),
        },
        "Financial Status",
        frozenset({"paid", "partially_paid", "partially_refunded", "refunded"}),
        {"spend": _REFUNDS, "date": "when the order was placed"},
    ),
    Export(
        "an export of orders by WooCommerce",
        frozenset({"Order Number", "Order Status", "Order Date", "Email (Billing)"}),
        {
            "customer_id": ("Email (Billing)",),
            "date": ("Order Date",),
            "spend": ("`Order Total Amount` - `Order Refund Amount`", "Order Total Amount"),
            "order_id": ("Order Number",),
        },
        "Order Status",
        frozenset({"completed", "processing", "refunded"}),
        {"spend": _REFUNDS, "customer_id": "guests have one too"},
    ),
    Export(
        "an export of transactions by Square",
        frozenset({"Date", "Time", "Time Zone", "Net Sales", "Transaction ID", "Event Type"}),
        {
            "customer_id": ("Customer ID",),
            "date": ("Date",),
            "spend": ("Net Sales",),
            "order_id": ("Transaction ID",),
            "store_id": ("Location",),
            "category": ("Category",),
        },
        "Event Type",
        frozenset({"payment", "refund"}),
        {"spend": "without tax and tip", "date": "the day of the time zone beside it"},
    ),
    Export(
        "an export of payments by Stripe",
        frozenset({"id", "Amount", "Amount Refunded", "Currency", "Status", "Customer ID"}),
        {
            "customer_id": ("Customer ID",),
            "date": ("Created date (UTC)", "Created (UTC)", "Created"),
            "spend": ("Amount - `Amount Refunded`",),
            "order_id": ("id",),
        },
        "Status",
        frozenset({"paid", "refunded", "partially refunded", "succeeded"}),
        {"spend": "what was paid, less what was given back"},
    ),
)


def known_export(columns: list[str]) -> Export | None:
    """The export whose columns these are, if it is a known one."""
    return next((export for export in EXPORTS if export.needs <= set(columns)), None)
