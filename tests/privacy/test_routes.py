"""Routes: which statistic serves which equation, and the refusals, each naming the equation and a remedy."""

from __future__ import annotations

import pytest

import bayessynth as bs
from bayessynth.errors import PrivacyError, SpecError
from bayessynth.privacy.routes import Block, routes

DOMAIN = bs.Domain(
    {
        "a": bs.Bounds(0, 1), "b": bs.Bounds(0, 1), "c": bs.Bounds(0, 1), "g": bs.Bounds(0, 9, grid=3),
        "n": bs.Bounds(0, 9, kind="count", grid=3), "m": bs.Bounds(0, 9, kind="count"), "sex": bs.Levels("f", "m"),
        "old": bs.Levels("n", "y"), "arm": bs.Levels(1, 2, 3), "site": bs.Levels("s", "t", "u"),
        "ward": bs.Levels("v", "w"), "town": bs.Levels(*range(2000)), "road": bs.Levels(*range(2000)),
    },
    source="codebook",
)  # fmt: skip


def test_equations_that_share_columns_share_moments() -> None:
    found = routes(bs.Spec("a ~ 1", "b ~ a + sex + (1 | site)", "c ~ 1", "sex ~ 1", "old ~ sex"), DOMAIN)
    sets = {frozenset(block.equations): (set(block.read), block.group) for block in found.blocks}
    assert sets == {frozenset("c"): ({"c"}, None),
                    frozenset({"a", "b", "sex", "old"}): ({"a", "b", "sex", "old"}, "site")}  # fmt: skip
    assert found.cliques == {}


def test_slopes_of_groups_that_are_independent_are_served() -> None:
    found = routes(bs.Spec("a ~ 1", "b ~ a + (1 + a || site)", "old ~ 1 + (1 | site)"), DOMAIN)
    assert [block.group for block in found.blocks] == ["site", "site"]


def test_levels_and_grids_are_served_by_tables_within_no_other() -> None:
    spec = bs.Spec("sex ~ 1", "arm ~ sex", "old ~ arm + sex", bs.Equation("n ~ arm", family="poisson"), "a ~ 1")
    found = routes(spec, DOMAIN)
    assert found.blocks == (Block(("a",), ("a",), None),)
    assert {frozenset(c): set(e) for c, e in found.cliques.items()} == {
        frozenset({"old", "arm", "sex"}): {"old", "arm", "sex"}, frozenset({"n", "arm"}): {"n"},
    }  # fmt: skip


def test_what_moments_do_not_serve_goes_to_tables_where_it_can() -> None:
    # A predictor of three levels, and one that is no normal column, keep an equation from moments.
    found = routes(bs.Spec("arm ~ 1", "g ~ arm", "sex ~ g"), DOMAIN)
    assert found.blocks == ()
    assert {frozenset(c) for c in found.cliques} == {frozenset({"g", "arm"}), frozenset({"sex", "g"})}


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        (("a ~ arm", "arm ~ 1"), "'a' has no formal route: moments serve 'a' only with predictors that they serve, not "
                                 "'arm', and tables of counts need a grid for 'a'. Use a normal equation"),
        (("a ~ 1", "b ~ a:c", "c ~ 1"), "'b' has no formal route: moments serve plain columns, not the term 'a:c'"),
        (("a ~ 1", "b ~ log(a)"), "not the term 'log.a.'"),
        (("a ~ 1", "b ~ a + offset(a)"), r"'b' has no formal route: moments serve no offset\(a\)"),
        (("a ~ 1", "b ~ (1 + a | site)"), r"independent \(\|\|\), not \(1 \+ a \| site\), and tables of counts "
                                           "serve no effects of groups"),
        (("a ~ (1 | site) + (1 | ward)",), "one grouping factor of one column"),
        (("a ~ (1 | site:ward)",), "one grouping factor of one column"),
        (("a ~ (1 | site)", "b ~ a + (1 | ward)"), "'b' has no formal route: it shares columns with that for 'a', "
                                                    "whose groups are 'site'.* not by 'ward' too. Give both the same"),
        (("a ~ (1 | c)",), "does not list the groups of 'c'"),
        ((bs.Equation("a ~ 1", family="student_t"),), "numbers of family 'normal', not 'student_t'"),
        ((bs.Equation("a ~ 1", link="log", family="normal"),), "no link but 'identity'"),
        ((bs.Equation("sex ~ 1", link="probit"),  "a ~ sex"), "'a' has no formal route: moments serve 'a' only with"),
        ((bs.Equation("b ~ a", "sigma ~ a", family="normal"), "a ~ 1"), "no formula for 'sigma'"),
        (("sex ~ a", "a ~ 1"), "'sex' has no formal route: moments serve two-level columns only with such predictors, "
                               "not 'a', and tables of counts need a grid for 'a'"),
        (("m ~ 1",), "'m' has no formal route: moments serve numbers of family 'normal', not '.*', and tables of"),
        ((bs.Equation("n ~ 1", family="tree"),), "family 'tree' keeps records. Name a parametric family. Nothing was"),
        (("arm ~ 1 + (1 | site)",), "'arm' has no formal route: moments serve levels only if there are two"),
        ((bs.Equation("arm ~ 1", level="site"), "a ~ (1 | site)"), "tables of counts are of rows. Leave level="),
        (("town ~ 1", "road ~ town"), "4,000,000 cells, more than 1,000,000. Drop predictors"),
        (("z ~ 1",), r"'z' \(the left side of its equation\) is not in the domain: state its bounds"),
        (("a ~ (1 | z)",), r"'z' \(a group-specific term\) is not in the domain"),
    ],
    ids=str,
)  # fmt: skip
def test_an_equation_without_a_route_is_refused_by_name(equations: tuple[str, ...], message: str) -> None:
    with pytest.raises(PrivacyError, match=message):
        routes(bs.Spec(*equations), DOMAIN)


def test_columns_of_the_original_are_not_handed_on() -> None:
    with pytest.raises(PrivacyError, match=r"rest='keep'.* which no noise protects"):
        routes(bs.Spec("a ~ 1", rest="keep"), DOMAIN)
    with pytest.raises(PrivacyError, match=r"'a' has no formal route.*family 'tree' keeps records"):
        routes(bs.Spec("sex ~ 1", rest="tree"), bs.Domain({"a": DOMAIN["a"], "sex": DOMAIN["sex"]}, source="codebook"))
    with pytest.raises(SpecError, match="does not serve a column of kind 'binary'"):
        routes(bs.Spec(bs.Equation("sex ~ 1", family="poisson")), DOMAIN)
