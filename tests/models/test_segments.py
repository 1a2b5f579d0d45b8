import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clv.models.segments import (
    RFM_MAP,
    confidence,
    reason_codes,
    reason_flags,
    rfm_groups,
    rfm_thresholds,
    tier_edges,
    value_percentile,
    value_tiers,
)

CODES = [
    "one_order",
    "short_history",
    "beyond_experience",
    "one_order_dominates",
    "all_orders_returned",
    "opening_cohort",
    "simulated",
]
ELEVEN_GROUPS = {
    "champions",
    "loyal",
    "potential_loyalist",
    "new_customer",
    "promising",
    "needs_attention",
    "about_to_sleep",
    "at_risk",
    "cannot_lose",
    "hibernating",
    "lost",
}

relaxed = settings(deadline=None, max_examples=80, derandomize=True)
whole_values = st.lists(st.integers(0, 60), min_size=1, max_size=60).map(
    lambda values: np.array(values, dtype=float)
)


def tiers_of(values, previous=""):
    """The tiers of a whole shop, and its edges."""
    edges = tier_edges(values)
    return value_tiers(values, edges, np.broadcast_to(previous, values.shape)), edges


def percentiles_of(values):
    return value_percentile(values, np.sort(values))


def groups_of(*columns):
    """The RFM groups of a whole shop, and its thresholds."""
    thresholds = rfm_thresholds(*columns)
    return rfm_groups(*columns, thresholds), thresholds


def tiers_by_loop(values):
    """From the best down, in whole numbers: who starts below half the total is A."""
    total, captured, tier_of_value = int(sum(values)), 0, {}
    for value in sorted((int(value) for value in values), reverse=True):
        tier = "A" if 10 * captured < 5 * total else "B" if 10 * captured < 8 * total else "C"
        tier_of_value.setdefault(value, tier)  # who ties is treated like the first of the tie
        captured += value
    return [tier_of_value[int(value)] for value in values]


@pytest.mark.parametrize(
    ("values", "expected", "edges"),
    [
        ([50, 30, 20], "ABC", (50, 30)),
        ([40, 20, 15, 10, 10, 5], "AABBBC", (20, 10)),
        ([49, 30, 16, 5], "AABC", (30, 16)),
        ([5, 100, 1], "CAC", (100, 100)),
        ([10, 10, 10, 10], "AAAA", (10, 10)),
        ([7], "A", (7, 7)),
    ],
    ids=[
        "exact edges",
        "a tie at an edge",
        "crossing both",
        "one holds nearly all",
        "all tie",
        "alone",
    ],
)
def test_a_is_half_the_value_and_b_the_next_thirty_percent(values, expected, edges):
    tiers, found = tiers_of(np.array(values, dtype=float))

    assert "".join(tiers) == expected
    assert (found.a, found.b) == edges


@relaxed
@given(whole_values)
def test_tiers_agree_with_a_plain_loop(values):
    tiers, _ = tiers_of(values)

    assert tiers.tolist() == tiers_by_loop(values)


def test_the_loop_notices_the_crossing_customer_in_the_lower_tier():
    values = np.array([49.0, 30.0, 16.0, 5.0])
    running = np.cumsum(values) / values.sum()
    too_low = np.select([running <= 0.5, running <= 0.8], ["A", "B"], "C")

    assert too_low.tolist() != tiers_by_loop(values)


@pytest.mark.parametrize("previous", [None, np.array(["A", "B", "C"])])
def test_where_nothing_is_predicted_all_are_c_and_no_edge_exists(previous):
    tiers, edges = tiers_of(np.zeros(3), previous)

    assert tiers.tolist() == ["C", "C", "C"]
    assert np.isnan([edges.a, edges.b]).all()


def test_no_customer_has_no_tier():
    tiers, edges = tiers_of(np.zeros(0))

    assert tiers.shape == (0,)
    assert np.isnan([edges.a, edges.b]).all()


@pytest.mark.parametrize(
    ("value", "previous", "expected"),
    [
        (95.0, "A", "A"),
        (89.0, "A", "B"),
        (105.0, "B", "B"),
        (111.0, "B", "A"),
        (105.0, "C", "B"),
        (111.0, "C", "A"),
        (105.0, "", "A"),
        (95.0, "", "B"),
        (46.0, "B", "B"),
        (44.0, "B", "C"),
        (54.0, "C", "C"),
        (56.0, "C", "B"),
        (46.0, "A", "B"),
        (44.0, "A", "C"),
    ],
)
def test_a_tier_is_left_only_ten_percent_past_its_edge(value, previous, expected):
    sizes = [5010, 6000, 20000]  # so many that one more customer moves no edge
    crowd, before = np.repeat([100.0, 50.0, 10.0], sizes), np.repeat(["A", "B", "C"], sizes)
    tiers, edges = tiers_of(np.append(crowd, value), np.append(before, previous))

    assert (edges.a, edges.b) == (100.0, 50.0)
    assert tiers[-1] == expected
    assert tiers[:-1].tolist() == before.tolist()


@relaxed
@given(whole_values, st.data())
def test_with_a_previous_tier_more_value_never_means_a_lower_tier(values, data):
    previous = data.draw(st.sampled_from("ABC "))
    tiers, _ = tiers_of(values, np.full(values.shape, previous))

    best_first = tiers[np.argsort(-values, kind="stable")].tolist()
    assert best_first == sorted(best_first)


@relaxed
@given(whole_values, st.permutations(range(60)))
def test_tiers_and_percentiles_do_not_depend_on_the_order_of_rows(values, order):
    order = np.array([row for row in order if row < len(values)])

    assert tiers_of(values[order])[0].tolist() == tiers_of(values)[0][order].tolist()
    assert percentiles_of(values[order]).tolist() == percentiles_of(values)[order].tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3, 9, 1, 5], [50, 100, 25, 75]),
        ([3, 9, 3, 5], [37.5, 100, 37.5, 75]),
        ([2, 2], [75, 75]),
        ([4], [100]),
        ([], []),
    ],
)
def test_the_percentile_of_the_best_is_100_and_ties_share(values, expected):
    assert percentiles_of(np.array(values, dtype=float)).tolist() == expected


@relaxed
@given(whole_values)
def test_a_percentile_counts_who_is_below_and_half_of_who_ties(values):
    expected = [
        100 * (sum(values < value) + (sum(values == value) + 1) / 2) / len(values)
        for value in values
    ]

    assert percentiles_of(values).tolist() == pytest.approx(expected)


def test_the_rfm_map_uses_all_eleven_groups_and_no_other():
    assert RFM_MAP.shape == (5, 5)
    assert set(RFM_MAP.ravel().tolist()) == ELEVEN_GROUPS


def fifth_by_loop(values, value):
    """1 more for each fifth of the customers that ends below ``value``, in whole numbers."""
    ranked, n = sorted(values), len(values)
    ends = [ranked[-(-fifth * n // 5) - 1] for fifth in (1, 2, 3, 4)]
    return 1 + sum(value > end for end in ends)


def groups_by_loop(inactivity, orders, value):
    found = []
    for r, f, m in zip(inactivity, orders, value, strict=True):
        recent = 6 - fifth_by_loop(inactivity, r)
        both = fifth_by_loop(orders, f) + fifth_by_loop(value, m)
        found.append(RFM_MAP[5 - recent, (both + 1) // 2 - 1])
    return found


shop = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 9), st.integers(1, 400)), min_size=1, max_size=50
)


@relaxed
@given(shop)
def test_rfm_groups_agree_with_a_plain_loop(customers):
    columns = [np.array(column, dtype=float) for column in zip(*customers, strict=True)]
    groups, _ = groups_of(*columns)

    assert groups.tolist() == groups_by_loop(*(column.tolist() for column in columns))


def test_fifths_of_five_customers_are_one_each_and_show_their_thresholds():
    inactivity = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
    orders, value = np.array([9.0, 5.0, 3.0, 2.0, 1.0]), np.array([900.0, 500.0, 300.0, 90.0, 10.0])
    groups, thresholds = groups_of(inactivity, orders, value)

    assert groups.tolist() == ["champions", "loyal", "needs_attention", "hibernating", "lost"]
    assert thresholds.inactivity == (10.0, 20.0, 30.0, 40.0)
    assert thresholds.orders == (1.0, 2.0, 3.0, 5.0)
    assert thresholds.value == (10.0, 90.0, 300.0, 500.0)


@pytest.mark.parametrize(
    ("inactivity", "orders", "value", "expected"),
    [
        (1, 1, 1, "new_customer"),
        (1, 9, 99, "champions"),
        (99, 9, 99, "cannot_lose"),
        (99, 1, 1, "lost"),
    ],
)
def test_the_corners_of_the_map_are_where_a_marketer_expects_them(
    inactivity, orders, value, expected
):
    crowd = np.arange(1.0, 100.0)
    count = np.ceil(crowd / 11.0)
    groups, _ = groups_of(
        np.append(crowd, inactivity), np.append(count, orders), np.append(crowd, value)
    )

    assert groups[-1] == expected


def test_one_time_buyers_are_never_split_by_their_orders():
    orders = np.repeat([1.0, 2.0, 3.0], [70, 20, 10])
    same = np.full(100, 30.0)
    groups, thresholds = groups_of(same, orders, same)

    assert thresholds.orders == (1.0, 1.0, 1.0, 2.0)
    # All tie in R 5 and M 1; F is 1, 4 and 5, so FM is 1, 3 and 3.
    assert groups.tolist() == ["new_customer"] * 70 + ["potential_loyalist"] * 30


def test_who_returned_everything_is_lost_and_moves_no_threshold():
    inactivity, orders, value = np.arange(20.0), np.arange(1.0, 21.0), np.arange(5.0, 25.0)
    alone, thresholds = groups_of(inactivity, orders, value)
    groups, same = groups_of(
        np.append(inactivity, np.nan), np.append(orders, 0.0), np.append(value, 0.0)
    )

    assert groups[-1] == "lost"
    assert groups[:-1].tolist() == alone.tolist()
    assert same == thresholds


@pytest.mark.parametrize("count", [0, 3])
def test_without_any_standing_order_there_are_no_thresholds(count):
    groups, thresholds = groups_of(np.full(count, np.nan), np.zeros(count), np.zeros(count))

    assert groups.tolist() == ["lost"] * count
    assert np.isnan([thresholds.inactivity, thresholds.orders, thresholds.value]).all()


@relaxed
@given(shop)
def test_another_currency_and_another_time_unit_leave_the_groups(customers):
    r, f, m = (np.array(column, dtype=float) for column in zip(*customers, strict=True))

    assert groups_of(r / 8.0, f, m * 4.0)[0].tolist() == groups_of(r, f, m)[0].tolist()


def flags_of_one(**changed):
    """The flags of a customer nothing is to be said about, but for what is ``changed``."""
    about = {
        "orders": 6.0,
        "age_days": 500.0,
        "opening_cohort": False,
        "largest_order_share": 0.3,
    } | changed
    whole_log = {"horizon_days": about.pop("horizon_days", 365)}
    whole_log["simulated"] = about.pop("simulated", False)
    return reason_flags(**{name: np.array([x]) for name, x in about.items()}, **whole_log)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ()),
        ({"orders": 1.0, "largest_order_share": 1.0}, ("one_order",)),
        ({"age_days": 91.0, "horizon_days": 91}, ()),
        ({"age_days": 90.0, "horizon_days": 90}, ("short_history",)),
        ({"age_days": 364.0}, ("beyond_experience",)),
        ({"age_days": 20.0}, ("short_history", "beyond_experience")),
        ({"largest_order_share": 0.67}, ("one_order_dominates",)),
        ({"largest_order_share": 0.66}, ()),
        ({"largest_order_share": np.nan}, ()),
        ({"orders": 0.0}, ("all_orders_returned",)),
        ({"opening_cohort": True}, ("opening_cohort",)),
        ({"simulated": True}, ("simulated",)),
    ],
)
def test_a_code_is_given_for_its_reason_and_no_other(changed, expected):
    assert reason_codes(flags_of_one(**changed)) == [expected]


def test_codes_keep_their_order_and_their_customer():
    rng = np.random.default_rng(5)
    flags = {code: rng.random(400) < 0.4 for code in CODES}
    expected = [tuple(code for code in CODES if flags[code][row]) for row in range(400)]

    assert reason_codes(flags) == expected
    assert list(flags_of_one()) == CODES


def level(word="checked", *, width=150.0, orders=6.0, **changed):
    (found,) = confidence(
        flags_of_one(orders=orders, **changed),
        orders=np.array([orders]),
        horizon_validated=word,
        predicted_clv=np.array([100.0]),
        interval_width=np.array([width]),
    )
    return found


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({}, "high"),
        ({"simulated": True}, "high"),
        ({"word": "checked_once"}, "medium"),
        ({"word": "extrapolated"}, "low"),
        ({"orders": 4.0}, "high"),
        ({"orders": 3.0}, "medium"),
        ({"orders": 1.0}, "low"),
        ({"orders": 0.0}, "low"),
        ({"width": 200.0}, "high"),
        ({"width": 201.0}, "medium"),
        ({"age_days": 300.0}, "medium"),
        ({"age_days": 90.0, "horizon_days": 30}, "low"),
        ({"opening_cohort": True}, "medium"),
        ({"largest_order_share": 0.9}, "medium"),
        ({"largest_order_share": 0.9, "orders": 1.0}, "low"),
    ],
)
def test_confidence_follows_the_published_rule(case, expected):
    assert level(**case) == expected


def test_everybody_in_a_crowd_is_judged_as_when_alone():
    rng = np.random.default_rng(9)
    orders, ages, widths = rng.integers(0, 8, 200), rng.integers(0, 700, 200), 300 * rng.random(200)
    crowd = confidence(
        reason_flags(
            orders=orders,
            age_days=ages,
            horizon_days=365,
            opening_cohort=ages > 670,
            largest_order_share=np.full(200, 0.3),
            simulated=False,
        ),
        orders=orders,
        horizon_validated="checked",
        predicted_clv=np.full(200, 100.0),
        interval_width=widths,
    )
    alone = [
        level(width=w, orders=n, age_days=a, opening_cohort=a > 670)
        for n, a, w in zip(orders, ages, widths, strict=True)
    ]

    assert crowd.tolist() == alone
    assert set(alone) == {"high", "medium", "low"}
