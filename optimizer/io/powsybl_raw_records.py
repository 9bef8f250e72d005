"""The records of PSS/E RAW files: sections in their order, columns of each version, defaults and numbers.

Source of the layout: the power flow raw data file of PSS/E, versions 33 to 35, as its program operation manuals
describe it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from optimizer.errors import Finding

_BEFORE = ("bus", "load", "fixed shunt", "generator", "branch")
_AFTER = (
    *("transformer", "area", "two-terminal dc", "vsc dc", "impedance correction", "multi-terminal dc"),
    *("multi-section line", "zone", "inter-area transfer", "owner", "facts", "switched shunt", "gne"),
    "induction machine",
)
_NEWER = ("system-wide", *_BEFORE, "system switching device", *_AFTER, "substation")

#: Sections of each version, in their order.
SECTIONS: dict[int, tuple[str, ...]] = {33: (*_BEFORE, *_AFTER), 34: _NEWER, 35: _NEWER}

#: Default of each column that is read; ``None``: must be given. Whole numbers are bus numbers, codes and states.
FIELDS: dict[str, dict[str, object]] = {
    "bus": dict(I=None, NAME="", BASKV=0.0, IDE=1, AREA=1, ZONE=1, VM=1.0, VA=0.0, NVHI=1.1, NVLO=0.9),
    "load": dict(
        **dict(I=None, ID="1", STATUS=1, PL=0.0, QL=0.0, IP=0.0, IQ=0.0, YP=0.0, YQ=0.0),
        **dict(DGENP=0.0, DGENQ=0.0, DGENM=0),
    ),
    "fixed shunt": dict(I=None, ID="1", STATUS=1, GL=0.0, BL=0.0),
    "generator": dict(
        **dict(I=None, ID="1", PG=0.0, QG=0.0, QT=9999.0, QB=-9999.0, VS=1.0, IREG=0, MBASE=100.0, STAT=1),
        **dict(PT=9999.0, PB=-9999.0),
    ),
    "branch": dict(
        **dict(I=None, J=None, CKT="1", R=0.0, X=None, B=0.0, RATE1=0.0, RATE2=0.0, RATE3=0.0),
        **dict(GI=0.0, BI=0.0, GJ=0.0, BJ=0.0, ST=1, LEN=0.0),
    ),
    "system switching device": dict(
        I=None, J=None, CKT="1", X=0.0001, RATE1=0.0, RATE2=0.0, RATE3=0.0, STATUS=1, NAME=""
    ),
    "transformer": dict(
        **dict(I=None, J=None, K=0, CKT="1", CW=1, CZ=1, CM=1, MAG1=0.0, MAG2=0.0, NMETR=2, NAME="", STAT=1),
        **dict(R12=0.0, X12=None, SBASE12=100.0, R23=0.0, X23=0.0, SBASE23=100.0, R31=0.0, X31=0.0, SBASE31=100.0),
        **dict(VMSTAR=1.0, ANSTAR=0.0),
        **{
            f"{name}{w}": default
            for w in (1, 2, 3)
            for name, default in dict(WINDV=1.0, NOMV=0.0, ANG=0.0, COD=0, TAB=0).items()
        },
        **{f"RATE{k}_{w}": 0.0 for w in (1, 2, 3) for k in (1, 2, 3)},
    ),
    "two-terminal dc": dict(
        **dict(NAME="", MDC=0, RDC=0.0, SETVL=0.0, VSCHD=0.0, VCMOD=0.0, RCOMP=0.0, DELTI=0.0, METER="I"),
        **dict(DCVMIN=0.0, CCCITMX=20, CCCACC=1.0),
        **{
            f"{name}{end}": default
            for end in "RI"
            for name, default in dict(
                **dict(IP=None, NB=1, ANMX=90.0, ANMN=0.0, RC=0.0, XC=0.0, EBAS=1.0, TR=1.0, TAP=1.0, TMX=1.5),
                **dict(TMN=0.51, STP=0.00625, IC=0, IF=0, IT=0, ID="1", XCAP=0.0),
            ).items()
        },
    ),
    "vsc dc": dict(
        **dict(NAME="", MDC=1, RDC=0.0),
        **{
            f"{name}{k}": default
            for k in "12"
            for name, default in dict(
                **dict(IBUS=None, TYPE=0, MODE=1, DCSET=0.0, ACSET=1.0, ALOSS=0.0, BLOSS=0.0, MINLOSS=0.0),
                **dict(SMAX=0.0, IMAX=0.0, PWF=1.0, MAXQ=9999.0, MINQ=-9999.0, REMOT=0, RMPCT=100.0),
            ).items()
        },
    ),
    "switched shunt": dict(I=None, ID="1", STAT=1, BINIT=0.0),
}

_Layout = tuple[tuple[str, ...], ...]
_RATES = tuple(f"RATE{k}" for k in range(1, 13))


def _plain(by_version: Mapping[int, str]) -> Callable[[Sequence[str], int], _Layout]:
    layouts = {version: (tuple(text.split()),) for version, text in by_version.items()}
    return lambda cells, version: layouts[version]


def _all(text: str) -> Callable[[Sequence[str], int], _Layout]:
    return _plain(dict.fromkeys((33, 34, 35), text))


_GENERATOR = "I ID PG QG QT QB VS IREG {}MBASE ZR ZX RT XT GTAP STAT RMPCT PT PB"
_BRANCH = "I J CKT R X B {} GI BI GJ BJ ST MET LEN"
_TWELVE = " ".join(_RATES)


def _transformer(cells: Sequence[str], version: int) -> _Layout:
    """Four lines, or five with a third winding."""
    three = len(cells) > 2 and cells[2] not in ("", "0")
    rates = 3 if version == 33 else 12
    windings = []
    for w in (1, 2, 3):
        rated = [f"RATE{k}_{w}" for k in range(1, rates + 1)]
        control = ["COD", "CONT", *(["NODE"] if version == 35 else []), *"RMA RMI VMA VMI NTP TAB CR CX CNXA".split()]
        windings.append((f"WINDV{w}", f"NOMV{w}", f"ANG{w}", *rated, *(f"{name}{w}" for name in control)))
    first = tuple("I J K CKT CW CZ CM MAG1 MAG2 NMETR NAME STAT".split())
    pairs = ("12", "23", "31") if three else ("12",)
    impedances = [f"{name}{pair}" for pair in pairs for name in ("R", "X", "SBASE")]
    if three:
        return first, (*impedances, "VMSTAR", "ANSTAR"), *windings
    return first, tuple(impedances), windings[0], ("WINDV2", "NOMV2")


def _two_terminal(cells: Sequence[str], version: int) -> _Layout:
    first = tuple("NAME MDC RDC SETVL VSCHD VCMOD RCOMP DELTI METER DCVMIN CCCITMX CCCACC".split())
    node = " ND" if version == 35 else ""
    names = f"IP NB ANMX ANMN RC XC EBAS TR TAP TMX TMN STP IC{node} IF IT ID XCAP".split()
    return (first, *(tuple(f"{name}{end}" for name in names) for end in "RI"))


def _vsc(cells: Sequence[str], version: int) -> _Layout:
    node = " NREG" if version == 35 else ""
    names = f"IBUS TYPE MODE DCSET ACSET ALOSS BLOSS MINLOSS SMAX IMAX PWF MAXQ MINQ REMOT{node} RMPCT".split()
    return (("NAME", "MDC", "RDC"), *(tuple(f"{name}{k}" for name in names) for k in "12"))


_LOADS = "I ID STATUS AREA ZONE PL QL IP IQ YP YQ OWNER SCALE INTRPT"
_OLD_SHUNT = "I MODSW ADJM STAT VSWHI VSWLO SWREM RMPCT RMIDNT BINIT"

#: Columns of the lines of a record, from the cells of its first line and the version.
LAYOUTS: dict[str, Callable[[Sequence[str], int], _Layout]] = {
    "bus": _all("I NAME BASKV IDE AREA ZONE OWNER VM VA NVHI NVLO"),
    "load": _plain({33: _LOADS, 34: f"{_LOADS} DGENP DGENQ DGENM", 35: f"{_LOADS} DGENP DGENQ DGENM"}),
    "fixed shunt": _all("I ID STATUS GL BL"),
    "generator": _plain(
        {33: _GENERATOR.format(""), 34: _GENERATOR.format(""), 35: _GENERATOR.format("NREG ")},
    ),
    "branch": _plain(
        {
            33: _BRANCH.format("RATE1 RATE2 RATE3"),
            34: _BRANCH.format(f"NAME {_TWELVE}"),
            35: _BRANCH.format(f"NAME {_TWELVE}"),
        }
    ),
    "system switching device": _all(f"I J CKT X {_TWELVE} STATUS NSTAT MET STYPE NAME"),
    "transformer": _transformer,
    "two-terminal dc": _two_terminal,
    "vsc dc": _vsc,
    "switched shunt": _plain(
        {33: _OLD_SHUNT, 34: _OLD_SHUNT, 35: "I ID MODSW ADJM STAT VSWHI VSWLO SWREG NREG RMPCT RMIDNT BINIT"}
    ),
}

#: Written where a column is not read but must be there.
_FILLER = {"AREA": "1", "ZONE": "1", "OWNER": "1", "SCALE": "1", "INTRPT": "0", "MET": "1", "ZX": "1", "GTAP": "1"}


@dataclass
class Record:
    """One record: where it is, and its cells by column.

    Parameters
    ----------
    where : str
        File and line.
    cells : dict of str to str
        Text of each column; numbers are valid.
    """

    where: str
    cells: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, _FILLER.get(column, "100" if column == "RMPCT" else "0"))

    def __setitem__(self, column: str, value: str) -> None:
        self.cells[column] = value

    def number(self, column: str) -> float:
        """The number in a column."""
        return float(self[column])

    def fill(
        self, names: Sequence[str], cells: Sequence[str], fields: Mapping[str, object], findings: list[Finding]
    ) -> None:
        """Take the cells of one line under the names of its columns; what cannot be read is a finding."""
        for position, name in enumerate(names):
            if name not in fields:
                continue
            default = fields[name]
            text = cells[position].strip() if position < len(cells) else ""
            if text == "":
                if default is None:
                    remedy = "the line may be cut off: get the file again"
                    findings.append(
                        Finding("io.powsybl.raw.value", f"{self.where}, {name}", "the value is missing", "", remedy)
                    )
                self.cells[name] = "0" if default is None else str(default)
            elif isinstance(default, str):
                self.cells[name] = text
            else:
                self.cells[name] = self._checked(name, text, default, findings)

    def _checked(self, name: str, text: str, default: object, findings: list[Finding]) -> str:
        whole = isinstance(default, int) or (default is None and not name.startswith("X"))
        try:
            value = float(re.sub("[dD]", "e", text)) if "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if math.isfinite(value) and (not whole or (value.is_integer() and abs(value) < 1e9)):
            return str(abs(int(value)) if name in ("I", "J", "K") else int(value)) if whole else repr(value)
        remedy = f"write {'a whole' if whole else 'a finite'} number"
        text_ = "not a number that can be used"
        findings.append(Finding("io.powsybl.raw.value", f"{self.where}, {name}", text_, repr(text[:40]), remedy))
        return "0"


_CELL = re.compile(r"\s*(?:'([^']*)'?|\"([^\"]*)\"?|([^,'\"/\s]+))?\s*([,/]?)")


def tokens(line: str) -> list[str]:
    """Cells of a line: separated by commas or blanks, names in quotes, a comment after a slash."""
    cells: list[str] = []
    position, after_comma = 0, True
    while position < len(line):
        found = _CELL.match(line, position)
        if found is None or found.end() == position:
            break
        position = found.end()
        value = next((g for g in found.groups()[:3] if g is not None), None)
        if value is not None:
            cells.append(value.strip())
        elif found[4] == "," and after_comma:
            cells.append("")
        after_comma = found[4] == ","
        if found[4] == "/":
            break
    return cells
