"""One edit to a good study of a portfolio, and what `check` says before anything is solved."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from tests.solve.small import HEAD, STAR, study_of

SITES = (
    "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,utility,basin\n"
    "sb,b,50,2,1,North,creek\nsc,c,50,2,2,South,creek\n"
)
BARE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100 }\n'
GRID = BARE.replace('"none"', '"grid"')
CHIPS = '[[limits.delivery]]\nitem = "chips"\nper_year = { 2026 = 10 }\n'
LIMITS: dict[str, tuple[str, str, str]] = {
    "share above one": ("share_per = { utility = 2 }", "config.out_of_range", "limits.share_per.utility"),
    "share of nothing": ("share_per = { utilty = 0.5 }", "study.portfolio.no_column", "utility"),
    "share of counties that no site names": ("share_per_county = 0.5", "study.portfolio.no_column", "column county"),
    "share that leaves no room": ("share_per = { utility = 0.4 }", "study.portfolio.share_too_small", "0.5"),
    "share given twice": ("share_per_county = 0.5\nshare_per = { county = 0.5 }", "config.limit_twice", "county"),
    "share of substations without a grid": (
        "share_per = { substation = 0.5 }",
        "study.limits.substation_without_grid",
        "grid.source",
    ),
    "loss of what": ('survive_loss_of = "county"\nshare_left = 0.5', "config.unknown_choice", "'site' or 'substation'"),
    "loss that leaves what": ('survive_loss_of = "site"', "config.loss_half_given", "limits.share_left"),
    "left after what": ("share_left = 0.5", "config.loss_half_given", "survive_loss_of"),
    "more than all is left": ('survive_loss_of = "site"\nshare_left = 1.5', "config.out_of_range", "share_left"),
    "substation without a grid": (
        'survive_loss_of = "substation"\nshare_left = 0.5',
        "study.limits.substation_without_grid",
        "survive_loss_of",
    ),
    "loss below a block": ("largest_loss_mw = { site = 40 }", "study.portfolio.loss_below_block", "50 MW"),
    "loss of no size": ("largest_loss_mw = { site = 0 }", "config.out_of_range", "largest_loss_mw"),
    "unknown basin": ("water_m3_day_per_basin = { crek = 5 }", "study.portfolio.unknown_basin", "creek"),
    "negative water": ("water_m3_day_per_basin = { creek = -5 }", "config.out_of_range", "creek"),
    "pace given twice": (
        "new_it_mw_per_year = 5\nnew_it_mw_per_period = 5",
        "config.limit_twice",
        "new_it_mw_per_year",
    ),
    "no pace": ("new_it_mw_per_year = 0", "config.out_of_range", "new_it_mw_per_year"),
    "embodied by nothing known": ("embodied_t = { 2030 = 5 }", "study.portfolio.embodied_unknown", "building_t_per_mw"),
    "embodied in no period": ("embodied_t = { 2031 = 5 }", "config.limit_year", "2030"),
    "delivery of nothing": ("[[limits.delivery]]\nper_year = { 2030 = 1 }\nper_mw = 1", "config.missing_key", "item"),
    "delivery never": ('[[limits.delivery]]\nitem = "chips"\nper_mw = 1\nper_year = {}', "config.empty", "per_year"),
    "delivery in no year": (CHIPS.replace("2026", "soon") + "per_mw = 1", "config.year", "2030"),
    "delivery that nothing takes": (CHIPS, "config.delivery_without_need", "per_mw, per_site or per_tie"),
    "delivery twice": (2 * (CHIPS + "per_mw = 0.1\n"), "config.duplicate_name", "chips"),
    "delivery to no kind": (CHIPS + 'per_mw = 0.1\nkinds = ["campsu"]', "config.unknown_choice", "campus"),
    "chips below the demand": (CHIPS + "per_mw = 1", "study.portfolio.too_few_delivered", "50 of 100"),
}
OTHERS: dict[str, tuple[str, str, str]] = {
    "negative price of carbon": ("[economics]\ncarbon_price_usd_per_t = -1", "config.out_of_range", "carbon_price"),
    "carbon of nothing known": ("carbon_price_usd_per_t = 10", "study.portfolio.carbon_unknown", "sites.region"),
    "share of a shell": ("[facility]\nshell_share = 2", "config.out_of_range", "facility.shell_share"),
    "no life of IT": ("[facility]\nrefresh_years = 0", "config.out_of_range", "refresh_years"),
    "negative mass": ("[facility]\nit_mass_t_per_mw = -1", "config.out_of_range", "it_mass_t_per_mw"),
}


def refused(tmp_path: Path, text: str, head: str | None = None) -> list[str]:
    tables = {**STAR, "sites": SITES}
    with pytest.raises(InputError) as error:
        study_of(tmp_path, text, tables) if head is None else study_of(tmp_path, text, tables, head)
    assert all(f.message for f in error.value.findings)
    return [f"{f.rule} {f}" for f in error.value.findings if f.severity == "error"]


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_refused_in_the_words_of_the_subject(name: str, tmp_path: Path) -> None:
    text, rule, said = LIMITS[name]
    found = refused(tmp_path, BARE + "[limits]\n" + text + "\n")
    assert any(line.startswith(rule) and said in line for line in found), found


@pytest.mark.parametrize("name", OTHERS)
def test_another_key_is_refused_in_the_words_of_the_subject(name: str, tmp_path: Path) -> None:
    text, rule, said = OTHERS[name]
    of_head = "carbon_price" in text
    head = HEAD + text.removeprefix("[economics]\n") + "\n" if of_head else HEAD
    found = refused(tmp_path, BARE if of_head else BARE + text + "\n", head)
    assert any(line.startswith(rule) and said in line for line in found), found


def test_the_unedited_study_is_read(tmp_path: Path) -> None:
    limits = 'share_per = { utility = 0.5 }\nsurvive_loss_of = "substation"\nshare_left = 0.5\n'
    case = study_of(tmp_path, GRID + "[limits]\n" + limits, {**STAR, "sites": SITES}).case
    assert (len(case.sites), case.portfolio.is_limited) == (2, True)
