"""Small edits of a module's syntax tree, one at a time.

Not touched: docstrings, annotations, decorators, what an error message says, the name of an
encoding (Python reads ``utf-8~`` as ``utf-8``), and class bodies but for their methods.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitXor: ast.BitAnd, ast.Mult: ast.Add,
    ast.Mod: ast.Add, ast.FloorDiv: ast.Mult,
}  # fmt: skip
CALLS = {"any": "all", "all": "any", "min": "max", "max": "min"}


@dataclass(frozen=True)
class Mutant:
    """One edit.

    Attributes:
        function: with the names of the classes it stands in.
        name: what stood there and what stands there now; numbered where a function has it twice.
        lines: of the statement it is in; a test that runs none of them cannot notice it.
        index: which of the nodes that may be edited.
    """

    function: str
    name: str
    lines: range
    index: int
    edited: ast.AST

    def planted(self, source: str) -> ast.Module:
        """Return the whole tree with the edit made."""
        tree = ast.parse(source)
        target = list(_inside_functions(tree))[self.index].node
        changed: ast.Module = _Replace(target, self.edited).visit(tree)
        return ast.fix_missing_locations(changed)


@dataclass(frozen=True)
class _Site:
    """A node that may be edited, the function it is in, the lines of its statement."""

    function: str
    node: ast.AST
    lines: range


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every edit of a module, in the order of its text."""
    seen: Counter[tuple[str, str]] = Counter()
    for index, site in enumerate(_inside_functions(ast.parse(source))):
        was = _text(site.node)
        for edited in _edits(site.node):
            if (now := _text(edited)) == was:
                continue
            name = f"{was} -> {now}"
            seen[site.function, name] += 1
            nth = seen[site.function, name]
            numbered = name if nth == 1 else f"{name} #{nth}"
            yield Mutant(site.function, numbered, site.lines, index, edited)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> Any:  # noqa: ANN401 as its parent says
        if node is self._old:
            return ast.copy_location(copy.deepcopy(self._new), node)
        return self.generic_visit(node)


def _inside_functions(tree: ast.AST, inside: str = "") -> Iterator[_Site]:
    """Yield the nodes of function bodies that may be edited, always in the same order."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            for statement in _body(node):
                yield from _walk(statement, f"{inside}{node.name}", _lines(statement))
        elif isinstance(node, ast.ClassDef):
            yield from _inside_functions(node, f"{inside}{node.name}.")


def _body(function: ast.FunctionDef) -> list[ast.stmt]:
    return function.body[1:] if ast.get_docstring(function) else function.body


def _lines(statement: ast.stmt) -> range:
    """Return the lines of a statement, without those of the statements inside it."""
    inner = [node for node in ast.walk(statement) if isinstance(node, ast.stmt)][1:]
    last = min((node.lineno - 1 for node in inner), default=statement.end_lineno or 0)
    return range(statement.lineno, max(last, statement.lineno) + 1)


def _walk(node: ast.AST, function: str, lines: range) -> Iterator[_Site]:
    if isinstance(node, ast.Raise) or (isinstance(node, ast.keyword) and node.arg == "encoding"):
        return
    if isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield from _walk(node.value, function, lines)
        return
    yield _Site(function, node, lines)
    for child in ast.iter_child_nodes(node):
        own = _lines(child) if isinstance(child, ast.stmt) else lines
        yield from _walk(child, function, own)


def _edits(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            yield _with(node, ops=[COMPARISONS[type(op)]()])
        case ast.BoolOp(values=values):
            yield _with(node, op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())
            yield from (_without(node, place) for place in range(len(values)))
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            yield operand
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(op)]())
        case ast.If() | ast.IfExp() | ast.While():
            yield _with(node, test=ast.Constant(value=False))
            if not isinstance(node, ast.While):
                yield _with(node, test=ast.Constant(value=True))
        case ast.comprehension(ifs=[_, *_]):
            yield _with(node, ifs=[])
        case _:
            yield from _simple(node)


def _simple(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=bool() as value):
            yield ast.Constant(value=not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value=value + 1)
        case ast.Constant(value=str() as value):
            yield ast.Constant(value=f"{value}~")
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            yield _with(node, func=ast.Name(id=CALLS[name], ctx=ast.Load()))
        case ast.Return(value=ast.expr() as value) if not _says_nothing(value):
            yield ast.Return(value=ast.Constant(value=None))
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom() as value):
            # A generator stays one: nothing is yielded, but the function keeps its kind.
            yield ast.Pass() if isinstance(value, ast.Call) else _silent()
        case ast.Continue():
            yield ast.Pass()


def _says_nothing(value: ast.expr) -> bool:
    """Whether a value is false anyway, as None would be."""
    return isinstance(value, ast.Constant) and not value.value


def _silent() -> ast.stmt:
    return ast.parse("yield from ()").body[0]


def _without(node: ast.BoolOp, place: int) -> ast.expr:
    rest = [value for index, value in enumerate(node.values) if index != place]
    return rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest)


def _with(node: ast.AST, **changes: object) -> ast.AST:
    edited = copy.copy(node)
    for name, value in changes.items():
        setattr(edited, name, value)
    return edited
