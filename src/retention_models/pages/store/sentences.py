"""A store's page → whole sentences with named places, so that each can be said in other languages.

Places are filled with finished texts (amounts, shares, days); which of them a sentence uses, and in what
order, is the language's own affair.
"""

from __future__ import annotations

from retention_models.languages import catalogue

ENGLISH = catalogue(
    {
        "call.told": (
            "{customers} have most to save, all silent for longer than is usual for them: in the middle "
            "{silent}, where {gap} is usual. At risk: {value} ({low} to {high}, {level} interval), the "
            "margin that they would bring as customers in the next {horizon}, times the chance that "
            "they are gone. They are listed in {file}."
        ),
        "call.few": "Fewer than {smallest} customers are worth a call; they are listed in {file}.",
        "change.revenue.up": (
            "In the 13 weeks to {end} revenue was higher than in the 13 weeks before: {now} after "
            "{before}, up by {change} ({low} to {high})."
        ),
        "change.revenue.down": (
            "In the 13 weeks to {end} revenue was lower than in the 13 weeks before: {now} after "
            "{before}, down by {change} ({low} to {high})."
        ),
        "change.orders.up": (
            "In the 13 weeks to {end} there were more orders than in the 13 weeks before: {now} after "
            "{before}, {change} more ({low} to {high})."
        ),
        "change.orders.down": (
            "In the 13 weeks to {end} there were fewer orders than in the 13 weeks before: {now} after "
            "{before}, {change} fewer ({low} to {high})."
        ),
        "change.customers.up": (
            "In the 13 weeks to {end} more customers bought than in the 13 weeks before: {now} after "
            "{before}, {change} more ({low} to {high})."
        ),
        "change.customers.down": (
            "In the 13 weeks to {end} fewer customers bought than in the 13 weeks before: {now} after "
            "{before}, {change} fewer ({low} to {high})."
        ),
        "change.repeat_customer_rate.up": (
            "In the 13 weeks to {end} more of the customers were repeat customers than in the 13 "
            "weeks before: {now} after {before}, up by {change} ({low} to {high})."
        ),
        "change.repeat_customer_rate.down": (
            "In the 13 weeks to {end} fewer of the customers were repeat customers than in the "
            "13 weeks before: {now} after {before}, down by {change} ({low} to {high})."
        ),
        "change.retention_rate.up": (
            "In the 13 weeks to {end} we kept more of our active customers than in the 13 weeks "
            "before: {now} after {before}, up by {change} ({low} to {high})."
        ),
        "change.retention_rate.down": (
            "In the 13 weeks to {end} we kept fewer of our active customers than in the 13 weeks "
            "before: {now} after {before}, down by {change} ({low} to {high})."
        ),
        "change.purchase_frequency.up": (
            "In the 13 weeks to {end} customers ordered more often than in the 13 weeks before: {now} "
            "orders each after {before}, up by {change} ({low} to {high})."
        ),
        "change.purchase_frequency.down": (
            "In the 13 weeks to {end} customers ordered less often than in the 13 weeks before: {now} "
            "orders each after {before}, down by {change} ({low} to {high})."
        ),
        "change.spend_per_order.up": (
            "In the 13 weeks to {end} an order was worth more than in the 13 weeks before: {now} "
            "after {before}, up by {change} ({low} to {high})."
        ),
        "change.spend_per_order.down": (
            "In the 13 weeks to {end} an order was worth less than in the 13 weeks before: {now} "
            "after {before}, down by {change} ({low} to {high})."
        ),
        "change.chance": "That is beyond chance, with {compared} figures being looked at.",
        "change.only": "That is beyond chance.",
        "change.nothing_compared": (
            "What changed against the quarter before cannot be said. {reason}"
        ),
        "change.year.beyond": (
            "Against the same 13 weeks of the year before, the change is {change} ({low} to {high}): "
            "more than the season."
        ),
        "change.year.within": (
            "Against the same 13 weeks of the year before, the change is {change} ({low} to {high}), "
            "which is within chance: it may be the season."
        ),
        "worth.over": (
            "The rule of thumb (a year's revenue per customer times the years they have been seen) "
            "gives {historic} ({historic_low} to {historic_high}) a customer; at the same margin "
            "{rule} ({rule_low} to {rule_high}). The model expects {modelled} ({low} to {high}) a "
            "customer over the next {horizon}: the rule is {times} times as much."
        ),
        "worth.under": (
            "The rule of thumb (a year's revenue per customer times the years they have been seen) "
            "gives {historic} ({historic_low} to {historic_high}) a customer; at the same margin "
            "{rule} ({rule_low} to {rule_high}). The model expects {modelled} ({low} to {high}) a "
            "customer over the next {horizon}: the rule is {share} of that."
        ),
        "alive.classes": (
            "Of {customers}, {sure} have a probability of {sure_class} to be with us still, and "
            "{unlikely} of {unlikely_class}; these are counts of the model's estimates, and the "
            "interval of their sum stands above."
        ),
        "alive.one_class": (
            "All {customers} have a probability of {sure_class} to be with us still, by the model's "
            "estimates, the interval of whose sum stands above."
        ),
        "lists.refused": "There is no list {titles}. {reason}",
        "lists.several_refused": "There are no lists {titles}. {reason}",
        "card.none": "not said",
        "card.range": "{low} to {high}",
        "card.up": "▲ {change} ({low} to {high}): beyond chance",
        "card.down": "▼ {change} ({low} to {high}): beyond chance",
        "card.unclear": "{change} ({low} to {high}): within chance",
        "card.one_of_several": (
            "{change} ({low} to {high}): beyond chance alone, but not as one of {compared} looked at"
        ),
        "card.alive": "Still with us, P(alive)",
        "card.purchases": "Purchases expected",
        "card.value": "Value expected",
        "define.alive": (
            "The model's probability that a customer has not left for good, on average over the "
            "customers of whom it can tell."
        ),
        "define.purchases": (
            "Purchase days that today's customers will have over the time looked ahead."
        ),
        "lists.not_said": "not said",
    }
)
