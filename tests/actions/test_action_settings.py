"""The rules of the lists in a project file: defaults that fit together, mistakes named by key."""

import re
import tomllib
from importlib.resources import files

import pytest

from project_files import GOOD, written
from retention_models.errors import SettingsError
from retention_models.settings.actions import LIST_NAMES, ActionSettings
from retention_models.settings.reading import read_settings


def mistake(folder, addition):
    """The one line of the error that an addition to a good project file gives."""
    with pytest.raises(SettingsError) as caught:
        read_settings(written(folder, GOOD + addition))
    (line,) = str(caught.value).split("\n")[1:]
    return line.removeprefix("  - ")


def test_every_threshold_has_a_default(tmp_path):
    """A project file need not speak of actions."""
    rules = read_settings(written(tmp_path, GOOD)).actions
    assert LIST_NAMES == rules.precedence
    assert (28, 0.5, 0.95) == (rules.lookback_days, rules.usual_gap, rules.late_gap)
    assert all(rules.rule(name).use and rules.rule(name).action is None for name in LIST_NAMES)


def test_a_project_file_sets_thresholds_words_order_and_groups(tmp_path):
    """What it leaves out keeps its default."""
    rules = read_settings(
        written(
            tmp_path,
            GOOD + '[actions]\norder = ["loyal", "lapsed"]\none_of = [["loyal", "due"]]\n'
            '[actions.wavering]\nleast_fall = 0.25\naction = "Ring them."\n'
            "[actions.high_value]\nleast_value = 100\n[actions.let_go]\nuse = false\n",
        )
    ).actions
    assert ("loyal", "lapsed", "complaint") == rules.precedence[:3]
    assert set(LIST_NAMES) == set(rules.precedence)
    assert rules.excludes("due", "loyal")
    assert not rules.excludes("lapsed", "due")
    assert (0.25, "Ring them.", 3) == (
        rules.wavering.least_fall,
        rules.wavering.action,
        rules.wavering.least_purchases,
    )
    assert (100, False) == (rules.high_value.least_value, rules.let_go.use)


@pytest.mark.parametrize(
    ("addition", "said"),
    [
        (
            "[actions.waverring]\nleast_fall = 0.1",
            "actions.waverring: no such key; did you mean wav",
        ),
        ("[actions.wavering]\nfall = 0.1", "actions.wavering.fall: no such key; known here: "),
        (
            "[actions.wavering]\nleast_fall = 10",
            "actions.wavering.least_fall: expected fall of P(al",
        ),
        (
            "[actions.due]\nleast_alive = -0.1",
            "actions.due.least_alive: expected P(alive), a share",
        ),
        (
            "[actions.due]\nahead_days = 1.5",
            "actions.due.ahead_days: expected whole number of days",
        ),
        (
            "[actions.new]\nwithin_days = 0",
            "actions.new.within_days: expected whole number of days",
        ),
        ("[actions.loyal]\nleast_purchases = 1", "actions.loyal.least_purchases: expected whole"),
        ("[actions.one_category]\nleast_purchases = 0", "one_category.least_purchases: expected w"),
        ('[actions.loyal]\naction = " "', "actions.loyal.action: expected sentence"),
        ("[actions.lapsed]\nleast_value = 0", "actions.lapsed.least_value: expected amount"),
        ("[actions]\nlookback_days = 0", "actions.lookback_days: expected whole number of days"),
        ("[actions]\nusual_gap = 0.97", "actions.late_gap: expected share of gaps above usual_gap"),
        ('[actions]\norder = ["loyl"]', "actions.order[1]: expected list of names of lists (compl"),
        ('[actions]\norder = ["due", "due"]', "'due' stands more than once"),
        ("[actions]\nhold_out = 0.6", "actions.hold_out: expected share: 0, or from 0.01 to 0.5"),
        ("[actions]\nhold_out = 0.001", "of so few nothing would be known"),
        ('[actions]\nexempt = ["apologise"]', "actions.exempt[1]: expected list of names of lists"),
        ("[actions]\ntest_days = 20", "it is less than measured_days = 28"),
        ("[actions]\nmeasured_days = 200", "it is less than measured_days = 200"),
        ('[actions]\none_of = [["due", "knew"]]', "actions.one_of[1][2]: expected lists of names"),
    ],
)
def test_mistakes_are_named_by_key_with_what_was_expected(tmp_path, addition, said):
    """Unknown lists, unknown keys, thresholds out of range, names that are none."""
    assert said in mistake(tmp_path, addition)


def test_an_example_of_each_threshold_is_one_that_is_accepted():
    """What an error proposes can be written down."""
    for name in LIST_NAMES:
        rule = type(ActionSettings().rule(name))
        for key, field in rule.model_fields.items():
            assert getattr(rule.model_validate({key: field.examples[0]}), key) is not None
    for key, field in ActionSettings.model_fields.items():
        if key not in LIST_NAMES:
            assert getattr(ActionSettings.model_validate({key: field.examples[0]}), key) is not None


def test_the_commented_project_file_has_the_defaults():
    """Uncommented, it changes nothing but its hold-out, and examples of an order, groups and amounts."""
    text = files("retention_models.project").joinpath("grocery.toml").read_text("utf-8")
    part = text[text.index("[actions]") : text.index("[reports]")]
    lines = [line.removeprefix("# ") for line in part.splitlines()]
    examples = re.compile("order|one_of|least_value|most_value")
    written = tomllib.loads("\n".join(line for line in lines if not examples.match(line)))
    given = set(ActionSettings.model_fields) - {"order", "one_of"}
    assert given == set(written["actions"])
    assert 0.1 == written["actions"].pop("hold_out")  # the demonstration's lists test themselves
    assert ActionSettings() == ActionSettings.model_validate(written["actions"])
    for name in LIST_NAMES:
        thresholds = type(ActionSettings().rule(name)).model_fields.keys() - {"use", "action"}
        examples_only = {key for key in thresholds if key.endswith("_value")}
        assert thresholds - examples_only == set(written["actions"][name])
