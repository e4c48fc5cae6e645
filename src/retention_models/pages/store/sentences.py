"""A store's page → whole sentences with named places, so that each can be said in other languages.

Places are filled with finished texts (amounts, shares, days); which of them a sentence uses, and in what
order, is the language's own affair.
"""

from __future__ import annotations

from retention_models.languages import catalogue

ENGLISH = catalogue(
    {
        "still.trusted": (
            "{still} of our {customers} are still with us ({low} to {high}, {level} interval)."
        ),
        "still.with_care": (
            "About {still} of our {customers} are still with us ({low} to {high}, {level} interval; "
            "the model is to be used with care)."
        ),
        "still.not_checked": (
            "By a model that could not be checked yet, {still} of our {customers} are still with us "
            "({low} to {high}, {level} interval)."
        ),
        "still.none": "How many of our {customers} are still with us cannot be said. {reason}",
        "still.closed": (
            "Nobody has bought here since {day}, {weeks} in which about {expected} were to be "
            "expected: the store has closed, or its newest data are missing, so how many customers "
            "are still with us cannot be said."
        ),
        "kept": (
            "Of {active} who were active on {before}, {lost} ({low} to {high}) no longer were on "
            "{end}: their last purchase was more than {window} back."
        ),
        "kept.nobody": "How many were lost in the last quarter cannot be said. {reason}",
        "kept.few": (
            "How many were lost in the last quarter is not shown: fewer than {smallest} were active "
            "when it began."
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
            "In the 13 weeks to {end} more of the customers bought on two days or more than in the 13 "
            "weeks before: {now} after {before}, up by {change} ({low} to {high})."
        ),
        "change.repeat_customer_rate.down": (
            "In the 13 weeks to {end} fewer of the customers bought on two days or more than in the "
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
        "change.one_quarter": (
            "Whether that is the season cannot be told before there is a year to compare."
        ),
        "change.none": (
            "Between the 13 weeks to {end} and the 13 weeks before, none of the {compared} figures "
            "that could be compared moved by more than chance."
        ),
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
        "change.closed": (
            "What changed is that silence: whatever else is below of the last quarter follows from it."
        ),
        "change.few": "Fewer than {smallest} customers bought in one of the two.",
        "do.value": (
            "This week, begin with {customers} on the list “{title}”. {action} At stake: {value} "
            "({low} to {high}). They are listed in {file}."
        ),
        "do.no_value": (
            "This week, begin with {customers} on the list “{title}”. {action} What is at stake "
            "cannot be said without a forecast of what they spend. They are listed in {file}."
        ),
        "do.nothing": "This week no list has {smallest} customers or more to write to.",
        "do.closed": (
            "This week, find out whether the store has closed or its newest data are missing; nothing "
            "else here can be acted on before that."
        ),
        "do.no_lists": "What to do this week cannot be said. {reason}",
        "headline.window": (
            "Measured from {start} to {end}, and held against the 13 weeks before; what is expected "
            "looks ahead {horizon}. Intervals of what was measured are 95%, those of expectations "
            "{level}. With several changes looked at together, one is called beyond chance only where "
            "there is less than 1 chance in 20 that any of them would be called so by accident."
        ),
        "churn.annual": (
            "Churn in the quarter was {churn} ({low} to {high}); were it the same all year it would "
            "come to {annual} ({annual_low} to {annual_high}) a year."
        ),
        "churn.band": (
            "Shops are told to act above {band_low} to {band_high} a year. For customers who buy "
            "often that comparison says little: whoever stays away for longer than {window} counts as "
            "lost, and many of them come back."
        ),
        "churn.closed": (
            "All of that is the silence since {day}; the forecast is withheld, so the model has "
            "nothing to add."
        ),
        "churn.alive": (
            "The model, which knows each customer's own habit, gives the customers a chance of "
            "{alive} ({low} to {high}) on average to be with us still."
        ),
        "churn.no_alive": "What the model says of them is not given here. {reason}",
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
        "worth.no_rule": "The rule of thumb cannot be given. {reason}",
        "tenths": (
            "The most valuable tenth of customers, {customers}, are expected to bring {share} of the "
            "value ({low} to {high}), {mean} each; the least valuable half {rest}. The bars are the "
            "model's expectations, whose doubt the interval of the top tenth tells."
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
        "lists.privacy": (
            "What is at stake: of customers to be kept, the margin they are expected to bring; of "
            "those who are gone or waver, the most that winning them back can bring. A customer may "
            "be on several lists, so the amounts do not add up. Lists of fewer than {smallest} "
            "customers are counted in their files only."
        ),
        "lists.nobody": "Nobody is on any list today.",
        "lists.refused": "There is no list “{titles}”. {reason}",
        "lists.several_refused": "There are no lists “{titles}”. {reason}",
        "lists.customers": "Customers",
        "lists.at_stake": "At stake, {currency} ({level} interval)",
        "lists.what_to_do": "What to do",
        "lists.file": "File",
        "lists.list": "List",
        "lists.between_titles": "”, “",
        "worth.per_customer": "Per customer",
        "worth.interval": "Interval",
        "worth.what": "Lifetime value",
        "worth.modelled": "Modelled: margin, discounted, next {horizon}",
        "worth.looking_back": "Rule of thumb: revenue, looking back",
        "worth.at_margin": "Rule of thumb at a margin of {margin}",
        "worth.ends": "{low} to {high} ({level})",
        "define.what": "What it is",
        "define.figure": "Figure",
        "satisfaction.few": (
            "Fewer than {smallest} customers answered a survey in the last {days} days, so what they "
            "said is not shown."
        ),
        "satisfaction.nps": (
            "In the last quarter the Net Promoter Score was {value} ({low} to {high}), from {answers}."
        ),
        "satisfaction.thumbs": (
            "{value} of the thumbs of the last quarter were up ({low} to {high}; {up} of {answers})."
        ),
        "satisfaction.weeks": (
            "Week by week, the last: {value} of the thumbs were up ({low} to {high}). Weeks in which "
            "fewer than {smallest} customers answered are left out."
        ),
        "card.none": "not said",
        "card.few": "Fewer than {smallest} customers, so not shown.",
        "card.nobody": "Nobody bought.",
        "card.range": "{low} to {high}",
        "card.up": "▲ {change} ({low} to {high}): beyond chance",
        "card.down": "▼ {change} ({low} to {high}): beyond chance",
        "card.unclear": "{change} ({low} to {high}): within chance",
        "card.one_of_several": (
            "{change} ({low} to {high}): beyond chance alone, but not as one of {compared} looked at"
        ),
        "card.same": "For the same reason.",
        "card.expected": "Expected, not measured, so without a change.",
        "card.alive": "Still with us, P(alive)",
        "card.purchases": "Purchases expected",
        "card.value": "Value expected",
        "card.stake": "At stake",
        "define.alive": (
            "The model's probability that a customer has not left for good, on average over all "
            "customers known to the store."
        ),
        "define.purchases": (
            "Purchase days that today's customers will have over the time looked ahead."
        ),
        "define.value": (
            "Margin on those purchases, later money discounted to today's; per customer, the modelled "
            "lifetime value."
        ),
        "define.stake": (
            "What a list's customers are expected to bring, or of those who are gone, the most that "
            "winning them back can bring."
        ),
        "lists.few": "fewer than {smallest}",
        "lists.stake": "{value} ({low} to {high})",
        "lists.not_said": "not said",
        "lists.few_stake": "not shown",
    }
)
