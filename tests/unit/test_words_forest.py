"""Trees by hand."""

from agent.turns.words.forest import LEAF, Forest, Tree

SHORT = Tree((0, LEAF, LEAF), (2.0, 1.5, -1.0), (2, 0, 0))
"""Up to two words: 1.5."""
VERB = Tree((1, 0, LEAF, LEAF, LEAF), (0.5, 4.0, 0.25, 0.5, -2.0), (4, 3, 0, 0, 0))
FOREST = Forest(names=("words", "verb"), trees=(SHORT, VERB))


def test_a_limit_itself_goes_left() -> None:
    assert [SHORT.value([words]) for words in (1.0, 2.0, 2.1)] == [1.5, 1.5, -1.0]


def test_the_trees_are_added_up() -> None:
    assert FOREST.log_odds({"words": 2.0}) == 1.5 + 0.25
    assert FOREST.log_odds({"words": 5.0}) == -1.0 + 0.5
    assert FOREST.log_odds({"words": 5.0, "verb": 1.0, "noun": 7.0}) == -1.0 - 2.0


def test_it_is_the_same_after_a_file() -> None:
    assert Forest.from_dict(FOREST.to_dict()) == FOREST


def test_a_tree_of_one_leaf_says_that() -> None:
    assert Tree((LEAF,), (0.75,), (0,)).value([]) == 0.75
