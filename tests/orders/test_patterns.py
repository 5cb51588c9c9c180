"""Item patterns, and whether two of them can take the same item."""

import itertools

import pytest

from orders.values.patterns import both_take, matches, taken_by

SIGNS = "ab*?"
PATTERNS = ["".join(signs) for length in range(4) for signs in itertools.product(SIGNS, repeat=length)]
WORDS = ["".join(signs) for length in range(7) for signs in itertools.product("abc", repeat=length)]


def test_two_patterns_overlap_exactly_where_some_word_matches_both():
    taken = {pattern: frozenset(word for word in WORDS if matches(pattern, word)) for pattern in PATTERNS}
    for one, other in itertools.combinations_with_replacement(PATTERNS, 2):
        assert both_take(one, other) == both_take(other, one) == bool(taken[one] & taken[other]), (one, other)


def test_hostile_patterns_cost_little():
    assert not both_take("*a" * 60 + "b", "*a" * 60 + "c")


@pytest.mark.parametrize(("item", "taken"), [("BEAN-1", True), ("TEA", True), ("bean-1", False), ("[x]", False)])
def test_one_of_several_patterns_is_enough(item, taken):
    assert taken_by(["BEAN-?", "T*"])(item) is taken
