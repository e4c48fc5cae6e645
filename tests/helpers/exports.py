"""A shop's orders as ten programs export them, and what pandas makes of the rows beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

from shops import simulated_log


@dataclass(frozen=True)
class Exported:
    """A file as written, and what is true of it."""

    source: str
    rows: pd.DataFrame = field(
        repr=False
    )  # customer, day, spend: the sales, independent of the file
    columns: dict[str, str]  # the right mapping
    flags: dict[str, str]  # what no file of this kind can say
    options: dict[str, object] = field(default_factory=dict)  # right keys of [transactions]

    @property
    def totals(self) -> tuple[int, int, float]:
        """Customers, purchases (days of a customer with a line that is no return) and spend."""
        bought = self.rows[self.rows["spend"] >= 0].drop_duplicates(["customer", "day"])
        spend = round(float(self.rows["spend"].sum()), 2)
        return bought["customer"].nunique(), len(bought), spend


def orders(seed: int = 3, customers: int = 40) -> pd.DataFrame:
    """Orders with a number, a moment and a state; one in ten is no sale."""
    log = simulated_log(customers, seed=seed).drop(columns="shop")
    rng = np.random.default_rng(seed)
    log["day"] = pd.to_datetime(log["day"])
    log = log.sort_values(["day", "customer"], ignore_index=True)
    minutes = rng.integers(9 * 60, 20 * 60, len(log))
    log["at"] = log["day"] + pd.to_timedelta(minutes, unit="min")
    log["order"] = [f"{1000 + i}" for i in range(len(log))]
    log["is_sale"] = rng.random(len(log)) > 0.1
    log["lines"] = rng.integers(1, 4, len(log))
    log["shop"] = rng.choice(["North", "South"], len(log))
    log["amount"] = (log["amount"] * 20).round(2)  # some beyond a thousand
    return log


def _sales(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns={"amount": "spend"})[["customer", "day", "spend"]]


def _email(customer: pd.Series) -> pd.Series:
    return "c" + customer + "@example.com"


def _first_line_only(frame: pd.DataFrame, columns: list[str], count: pd.Series) -> pd.DataFrame:
    """A row for each item of an order, of which the first alone has what is the order's."""
    lines = frame.loc[frame.index.repeat(count)]
    again = lines.index.duplicated()
    lines = lines.astype(dict.fromkeys(columns, object))
    lines.loc[again, columns] = None
    return lines


def shopify(folder: Path) -> Exported:
    """Orders with their items; moments with an offset, totals on an order's first line."""
    log = orders(1)
    given_back = np.where(np.arange(len(log)) % 9 == 0, log["amount"], 0.0)
    state = np.where(given_back > 0, "refunded", "paid")
    table = pd.DataFrame(
        {
            "Name": "#" + log["order"],
            "Email": _email(log["customer"]),
            "Financial Status": np.where(log["is_sale"], state, "voided"),
            "Paid at": log["at"].dt.strftime("%Y-%m-%d %H:%M:%S -0500"),
            "Fulfilled at": (log["at"] + pd.Timedelta(days=2)).dt.strftime(
                "%Y-%m-%d %H:%M:%S -0500"
            ),
            "Currency": "USD",
            "Subtotal": log["amount"] - 5,
            "Shipping": 5.0,
            "Taxes": 0.0,
            "Total": log["amount"],
            "Created at": log["at"].dt.strftime("%Y-%m-%d %H:%M:%S -0500"),
            "Lineitem quantity": 1,
            "Lineitem name": "Tea",
            "Lineitem price": 2.5,
            "Refunded Amount": given_back,
        }
    )
    once = ["Financial Status", "Paid at", "Currency", "Subtotal", "Shipping", "Taxes", "Total"]
    _first_line_only(table, [*once, "Refunded Amount"], log["lines"]).to_csv(
        folder / "orders_export.csv", index=False
    )
    sales = _sales(log.assign(amount=log["amount"] - given_back)[log["is_sale"]])
    return Exported(
        str(folder / "orders_export.csv"),
        sales.assign(customer=_email(sales["customer"])),
        {
            "customer_id": "Email",
            "date": "Created at",
            "spend": "Total - `Refunded Amount`",
            "order_id": "Name",
        },
        {"timezone": "Etc/GMT+5"},
        {"keep": {"Financial Status": ["paid", "refunded"]}},
    )


def woocommerce(folder: Path) -> Exported:
    """Orders with states in words and moments without a zone."""
    log = orders(2)
    table = pd.DataFrame(
        {
            "Order Number": log["order"],
            "Order Status": np.where(log["is_sale"], "Completed", "Cancelled"),
            "Order Date": log["at"].dt.strftime("%Y-%m-%d %H:%M"),
            "First Name (Billing)": "Ada",
            "Email (Billing)": _email(log["customer"]),
            "Country Code (Billing)": "DE",
            "Order Subtotal Amount": log["amount"] - 3,
            "Order Shipping Amount": 3.0,
            "Order Refund Amount": 0.0,
            "Order Total Amount": log["amount"],
            "Item Name": "Tea",
            "Quantity": 1,
        }
    )
    table.to_csv(folder / "woo.csv", index=False)
    sales = _sales(log[log["is_sale"]])
    return Exported(
        str(folder / "woo.csv"),
        sales.assign(customer=_email(sales["customer"])),
        {
            "customer_id": "Email (Billing)",
            "date": "Order Date",
            "spend": "`Order Total Amount` - `Order Refund Amount`",
            "order_id": "Order Number",
        },
        {"currency": "EUR"},
        {"keep": {"Order Status": ["Completed"]}},
    )


def square(folder: Path) -> Exported:
    """Payments and refunds with a sign of currency, thousands, and a location."""
    log = orders(3)
    back = log[~log["is_sale"]].assign(amount=-5.0)
    both = pd.concat([log, back], ignore_index=True)
    money = both["amount"].map(lambda x: f"{'-' if x < 0 else ''}${abs(x):,.2f}")
    table = pd.DataFrame(
        {
            "Date": both["day"].dt.strftime("%Y-%m-%d"),
            "Time": both["at"].dt.strftime("%H:%M:%S"),
            "Time Zone": "Eastern Time (US & Canada)",
            "Gross Sales": money,
            "Net Sales": money,
            "Tax": "$0.00",
            "Tip": "$1.00",
            "Total Collected": "$1.00",
            "Transaction ID": [f"t{i}" for i in range(len(both))],
            "Event Type": np.where(both["amount"] < 0, "Refund", "Payment"),
            "Location": both["shop"],
            "Customer ID": both["customer"],
            "Customer Name": "Ada",
        }
    )
    table.to_csv(folder / "transactions.csv", index=False)
    return Exported(
        str(folder / "transactions.csv"),
        _sales(both),
        {
            "customer_id": "Customer ID",
            "date": "Date",
            "spend": "Net Sales",
            "order_id": "Transaction ID",
            "store_id": "Location",
        },
        {"currency": "USD"},
        {"currency_sign": "$", "thousands": ",", "keep": {"Event Type": ["Payment", "Refund"]}},
    )


def stripe(folder: Path) -> Exported:
    """Payments in UTC, some failed, some given back in part."""
    log = orders(4)
    given_back = np.where(np.arange(len(log)) % 7 == 0, 2.0, 0.0)
    table = pd.DataFrame(
        {
            "id": "ch_" + log["order"],
            "Description": "Payment",
            "Created date (UTC)": log["at"].dt.strftime("%Y-%m-%d %H:%M:%S"),
            "Amount": log["amount"],
            "Amount Refunded": given_back,
            "Currency": "eur",
            "Converted Amount": log["amount"],
            "Fee": 0.3,
            "Status": np.where(log["is_sale"], "Paid", "Failed"),
            "Customer ID": "cus_" + log["customer"],
            "Customer Email": _email(log["customer"]),
        }
    )
    table.to_csv(folder / "unified_payments.csv", index=False)
    sales = _sales(log.assign(amount=log["amount"] - given_back)[log["is_sale"]])
    return Exported(
        str(folder / "unified_payments.csv"),
        sales.assign(customer="cus_" + sales["customer"]),
        {
            "customer_id": "Customer ID",
            "date": "Created date (UTC)",
            "spend": "Amount - `Amount Refunded`",
            "order_id": "id",
        },
        {},
        {"timezone": "UTC", "keep": {"Status": ["Paid"]}},
    )


def _comma(amount: float) -> str:
    """1.234,50, and a minus behind."""
    text = f"{abs(amount):,.2f}".translate(str.maketrans(",.", ".,"))
    return f"{text}-" if amount < 0 else text


def sap(folder: Path) -> Exported:
    """Semicolons, decimal commas, a minus behind, umlauts of Windows."""
    log = orders(5)
    log = pd.concat([log, log.iloc[::15].assign(amount=-4.5)], ignore_index=True)
    table = pd.DataFrame(
        {
            "Debitor": log["customer"],
            "Belegdatum": log["day"].dt.strftime("%d.%m.%Y"),
            "Belegnummer": log["order"],
            "Werk": log["shop"],
            "Betrag in HW": log["amount"].map(_comma),
            "Währung": "EUR",
        }
    )
    table.to_csv(folder / "fbl5n.csv", index=False, sep=";", encoding="cp1252")
    return Exported(
        str(folder / "fbl5n.csv"),
        _sales(log),
        {
            "customer_id": "Debitor",
            "date": "Belegdatum",
            "spend": "Betrag in HW",
            "order_id": "Belegnummer",
            "store_id": "Werk",
        },
        {},
        {"encoding": "cp1252", "decimal": ",", "minus": "behind", "date_format": "%d.%m.%Y"},
    )


def excel(folder: Path) -> Exported:
    """A sheet with titles above its header, lines with a quantity and a price, some of no customer."""
    log = orders(6)
    log["Quantity"] = 1 + np.arange(len(log)) % 4
    log["UnitPrice"] = (log["amount"] / log["Quantity"]).round(2)
    number = pd.Series([int(text) + 17000 for text in log["customer"]], dtype=object)
    number[::10] = None
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Online sales"])
    sheet.append(["Printed", "2024-01-02"])
    sheet.append([])
    names = (
        "InvoiceNo",
        "StockCode",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
        "Country",
    )
    sheet.append(names)
    for place, row in enumerate(log.itertuples()):
        at = row.at.to_pydatetime()
        cells = (int(row.order), "85123A", row.Quantity, at, row.UnitPrice, number[place], "France")
        sheet.append(cells)
    book.save(folder / "retail.xlsx")
    spend = (log["Quantity"] * log["UnitPrice"]).round(6)
    sales = log.assign(customer=number.map(str), spend=spend)[number.notna()]
    return Exported(
        str(folder / "retail.xlsx"),
        sales[["customer", "day", "spend"]],
        {
            "customer_id": "CustomerID",
            "date": "InvoiceDate",
            "spend": "Quantity * UnitPrice",
            "order_id": "InvoiceNo",
        },
        {"currency": "GBP"},
    )


def months(folder: Path) -> Exported:
    """A file for each month."""
    log = orders(7)
    table = pd.DataFrame(
        {
            "order_id": log["order"],
            "customer_id": log["customer"],
            "order_date": log["day"].dt.strftime("%Y-%m-%d"),
            "ship_date": (log["day"] + pd.Timedelta(days=3)).dt.strftime("%Y-%m-%d"),
            "store": log["shop"],
            "category": "tea",
            "total": log["amount"],
            "currency": "EUR",
        }
    )
    for month, rows in table.groupby(log["day"].dt.strftime("%Y-%m")):
        rows.to_csv(folder / f"sales-{month}.csv", index=False)
    return Exported(
        str(folder / "sales-*.csv"),
        _sales(log),
        {
            "customer_id": "customer_id",
            "date": "order_date",
            "spend": "total",
            "order_id": "order_id",
            "store_id": "store",
            "category": "category",
        },
        {},
    )


def days_first(folder: Path) -> Exported:
    """DD/MM/YYYY with a clock, and an id of nobody."""
    log = orders(8)
    log.loc[::11, "customer"] = "GUEST"
    table = pd.DataFrame(
        {
            "Receipt No": log["order"],
            "Client ID": log["customer"],
            "Date": log["at"].dt.strftime("%d/%m/%Y %H:%M"),
            "Amount (€)": log["amount"],
        }
    )
    table.to_csv(folder / "till.csv", index=False)
    return Exported(
        str(folder / "till.csv"),
        _sales(log[log["customer"] != "GUEST"]),
        {
            "customer_id": "Client ID",
            "date": "Date",
            "spend": "Amount (€)",
            "order_id": "Receipt No",
        },
        {},
        {"date_format": "%d/%m/%Y %H:%M", "anonymous": ["GUEST"]},
    )


def milliseconds(folder: Path) -> Exported:
    """JSON lines with moments in milliseconds since 1970, ids that became decimals."""
    log = orders(9)
    zone = "Europe/Istanbul"
    moments = log["at"].dt.tz_localize(zone).dt.tz_convert("UTC")
    table = pd.DataFrame(
        {
            "user_id": (log["customer"].astype(int) + 17000).astype(float).astype(str),
            "timestamp": moments.dt.as_unit("ms").astype("int64"),
            "revenue": log["amount"],
        }
    )
    table.to_json(folder / "events.jsonl", orient="records", lines=True)
    sales = _sales(log)
    return Exported(
        str(folder / "events.jsonl"),
        sales.assign(customer=(sales["customer"].astype(int) + 17000).astype(str)),
        {"customer_id": "user_id", "date": "timestamp", "spend": "revenue"},
        {"currency": "USD", "timezone": zone},
        {"date_format": "unix milliseconds", "mend_ids": True},
    )


def turkish(folder: Path) -> Exported:
    """Windows-1254, semicolons, decimal commas."""
    log = orders(10)
    table = pd.DataFrame(
        {
            "Müşteri No": log["customer"],
            "Fiş No": log["order"],
            "SATIŞ TARİHİ": log["day"].dt.strftime("%d.%m.%Y"),
            "Şube": np.where(log["shop"] == "North", "Kadıköy", "Beşiktaş"),
            "Tutar": log["amount"].map(_comma) + " TL",
        }
    )
    table.to_csv(folder / "satis.csv", index=False, sep=";", encoding="cp1254")
    return Exported(
        str(folder / "satis.csv"),
        _sales(log),
        {
            "customer_id": "Müşteri No",
            "date": "SATIŞ TARİHİ",
            "spend": "Tutar",
            "order_id": "Fiş No",
            "store_id": "Şube",
        },
        {},
        {
            "encoding": "cp1254",
            "decimal": ",",
            "currency_sign": "TL",
            "date_format": "%d.%m.%Y",
        },
    )


EXPORTS = (
    *(shopify, woocommerce, square, stripe, sap),
    *(excel, months, days_first, milliseconds, turkish),
)
