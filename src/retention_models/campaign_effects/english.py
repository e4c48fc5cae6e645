"""The sentences of a campaign's summary, whole and with named places, so that each can be translated."""

from __future__ import annotations

from retention_models.languages import catalogue

ENGLISH = catalogue(
    {
        "tried": "“{name}” ({kind}) ran from {start} to {end}.",
        "on.randomised": (
            "{customers} were offered “{arm}”, drawn by lot, and {others} were held out to compare."
        ),
        "on.targeted": (
            "{customers} were chosen by a rule and got “{arm}”; they are compared with {others} who did "
            "not, those most like them counting most."
        ),
        "on.self_selected": (
            "{customers} chose “{arm}” by themselves; they are compared with {others} who did not, "
            "those most like them counting most."
        ),
        "on.stores": (
            "The stores of {customers} ran “{arm}”; they are compared with the stores of {others} that "
            "did not."
        ),
        "what.purchases": "purchases",
        "what.bought": "customers who bought at all",
        "what.spend": "spend",
        "what.profit": "profit",
        "means.purchases": (
            "Customers of “{arm}” made {mean} purchases each, where {mean_against} would have been "
            "expected without it"
        ),
        "means.bought": (
            "Of the customers of “{arm}”, {mean} bought at all, where {mean_against} would have been "
            "expected without it"
        ),
        "means.spend": (
            "Customers of “{arm}” spent {mean} each, where {mean_against} would have been expected "
            "without it"
        ),
        "means.profit": (
            "Customers of “{arm}” brought {mean} of profit each, where {mean_against} would have been "
            "expected without it"
        ),
        "week.purchases": (
            "Customers of “{arm}” made {mean} purchases each a week, where {mean_against} would have "
            "been expected without it"
        ),
        "week.bought": (
            "In a week {mean} of the customers of “{arm}” bought, where {mean_against} would have been "
            "expected without it"
        ),
        "week.spend": (
            "Customers of “{arm}” spent {mean} each a week, where {mean_against} would have been "
            "expected without it"
        ),
        "week.profit": (
            "Customers of “{arm}” brought {mean} of profit each a week, where {mean_against} would have "
            "been expected without it"
        ),
        "up": "{size} more",
        "down": "{size} less",
        "same": "no change",
        "both_up": "between {low} and {high} more",
        "both_down": "between {low} and {high} less",
        "either": "between {low} less and {high} more",
        "found": "{means}: {change} ({between}).",
        "not_found": (
            "{means}: {change} ({between}), which is no more than chance brings, so no difference "
            "was found."
        ),
        "detectable": "A difference of {lift} would have been found in four of five such campaigns.",
        "among_several": (
            "By itself it would count as one; among so many comparisons, one such is to be expected."
        ),
        "all_of_them": "For all customers of “{arm}” together that is {total} ({between}).",
        "each_other": "Of the two, “{arm}” brought {change} {what} than “{against}” ({between}).",
        "each_other_none": (
            "Whether “{arm}” or “{against}” brings more {what} remains open: {change} for “{arm}” "
            "({between})."
        ),
        "after_less": (
            "In the {days} after the end, those of “{arm}” bought less than they would have: {change} "
            "({between}), so a part of it was only bought earlier."
        ),
        "after_more": "In the {days} after the end the effect of “{arm}” went on: {change} ({between}).",
        "after_none": (
            "In the {days} after the end, no difference was found for “{arm}”: {change} ({between})."
        ),
        "paid": (
            "“{arm}” paid: it cost {cost} in all and brought {profit} of profit after that cost "
            "({between})."
        ),
        "did not pay": (
            "“{arm}” did not pay: it cost {cost} in all, and after that cost its profit is {profit} "
            "({between})."
        ),
        "open": (
            "Whether “{arm}” paid is open: it cost {cost} in all, and after that cost its profit is "
            "{profit} ({between})."
        ),
        "no_cost": (
            "No cost of “{arm}” is declared, so whether it paid is not told; before any cost its profit "
            "is {profit} ({between})."
        ),
        "profit_between": "between {low} and {high}",
        "return": "For each {unit} spent that is {value} ({between}).",
        "retained": "Each customer retained by it cost {value} (between {low} and {high}).",
        "no_profit": "Whether it paid cannot be said from customers who chose for themselves.",
        "segment": (
            "It seems to have done most for the customers “{segment}” ({effect} more {what} a customer, "
            "between {low} and {high}), and customers do differ in that."
        ),
        "segment_none": "That some kinds of customers responded more than others could not be shown.",
        "grade.A": (
            "This can be relied on (grade A): a lot decided who was offered it, so what differs is the "
            "campaign's doing."
        ),
        "grade.B": (
            "This can be relied on with some care (grade B): whole stores, or a lot that raises a "
            "doubt, stand behind it."
        ),
        "grade.C": (
            "Take this with care (grade C): it holds only if all that decided who got it is known and "
            "allowed for."
        ),
        "grade.D": (
            "Do not build on this (grade D): those who got it may differ from the others in ways that "
            "nobody recorded."
        ),
        "naive": (
            "Plainly compared, those of “{arm}” differ from the others by {naive} {what} a customer, "
            "which misleads: they differed before the campaign."
        ),
        "naive_before": (
            "Plainly compared, those of “{arm}” differ from the others by {naive} {what} a customer, "
            "which misleads: on the day before the campaign a difference of {before} was to be expected."
        ),
        "explained": "{words}",
        "next.more.paid": "Do it again, and hold out a part of the customers by lot again.",
        "next.more.open": (
            "It works; do it again with more customers, or at less cost, to learn whether it pays."
        ),
        "next.more.did not pay": "It works but costs more than it brings: make it cheaper, or leave it.",
        "next.more.": "It works; hold its cost against what it brings before it is done again.",
        "next.none.paid": "It seems to pay; do it again with more customers held out to be sure.",
        "next.none.open": (
            "Do not count on it; to find a difference half as large takes four times as many customers."
        ),
        "next.none.did not pay": "Do not do it again as it was.",
        "next.none.": (
            "Do not count on it; to find a difference half as large takes four times as many customers."
        ),
        "next.fewer.": "Do not do it again as it was, and find out why it put customers off.",
        "next.lot": "Before money is put on it, try it on customers drawn by lot.",
        "refused": "“{name}” ({kind}) ran from {start} to {end}. {reason}",
    }
)
