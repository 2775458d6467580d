"""What can be told of the dashboard's files without a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

from server.rest.shortening import shortened

PUBLIC = Path(__file__).resolve().parents[2] / "public"
IMPORT = re.compile(r'(?:^|\s)(?:import|export)\s[^;"]*?from\s*"([^"]+)"|^import\s*"([^"]+)"', re.M)
LOADED = re.compile(r'import\("([^"]+)"\)')
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|unsafe(?:HTML|SVG|Static)|eval\(|"
    r"<[^>`]*\sstyle=|<[^>`]*\son\w+=|styleMap"
)

# One token of a script, as far as it matters where a template ends: a comment, a text, a regular
# expression, or a sign that opens or closes.
TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|(?:(?<=[=(,:!&|?{;>])|(?<=return))\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/|[`{}]",
    re.S,
)
IN_TEMPLATE = re.compile(r"\\.|\$\{|`", re.S)


def modules() -> list[Path]:
    """Our own modules, but for the pages of the API."""
    scripts = PUBLIC / "js"
    return [scripts / "main.js", scripts / "vendor.js", *sorted(scripts.glob("*/*.js"))]


def imported(module: Path) -> list[Path]:
    """What a module needs before it runs."""
    found = IMPORT.findall(module.read_text(encoding="utf-8"))
    return [(module.parent / (one or other)).resolve() for one, other in found]


def needed(*starts: Path) -> set[Path]:
    """All that some modules need, themselves too."""
    seen: set[Path] = set()
    waiting = list(starts)
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += imported(module)
    return seen


def test_every_import_is_a_file_that_is_there() -> None:
    loaded = [
        (module.parent / name).resolve()
        for module in modules()
        for name in LOADED.findall(module.read_text(encoding="utf-8"))
    ]
    missing = [path for path in {*needed(*modules()), *loaded} if not path.is_file()]
    assert missing == []


def test_every_module_is_used() -> None:
    main = PUBLIC / "js" / "main.js"
    loaded = {
        (module.parent / name).resolve()
        for module in modules()
        for name in LOADED.findall(module.read_text(encoding="utf-8"))
    }
    unused = set(modules()) - needed(main, *loaded)
    assert sorted(path.name for path in unused) == []


def test_the_page_asks_at_once_for_all_that_the_first_view_needs() -> None:
    page = (PUBLIC / "index.html").read_text(encoding="utf-8")
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page)
    starts = [PUBLIC / "js" / "main.js", PUBLIC / "js" / "contacts" / "view.js"]
    wanted = sorted(f"/{path.relative_to(PUBLIC).as_posix()}" for path in needed(*starts))
    lines = "\n".join(f'  <link rel="modulepreload" href="{path}">' for path in wanted)
    assert preloaded == wanted, f"public/index.html must have exactly these lines:\n{lines}"


def test_every_sheet_of_styles_is_linked() -> None:
    page = (PUBLIC / "index.html").read_text(encoding="utf-8")
    linked = set(re.findall(r'<link rel="stylesheet" href="/css/([^"]+)">', page))
    assert linked == {path.name for path in (PUBLIC / "css").glob("*.css")} - {"docs.css"}


def test_nothing_but_templates_writes_html() -> None:
    found = {
        module.relative_to(PUBLIC).as_posix(): FORBIDDEN.findall(_code(module))
        for module in modules()
    }
    assert {name: each for name, each in found.items() if each} == {}


def _code(module: Path) -> str:
    """A module without its comments."""
    text = module.read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/|(?m:^\s*//.*$)", "", text, flags=re.S)


def pieces(script: str) -> list[tuple[str, str]]:
    """What a script consists of: "code", "comment", "text" (and expressions), "html", "template".

    The last two are what stands in templates, but for what is put into them. Fails where it loses
    its way.
    """
    found_pieces: list[tuple[str, str]] = []
    open_signs: list[str] = []
    kinds: list[str] = []
    at = 0
    while found := (IN_TEMPLATE if open_signs[-1:] == ["`"] else TOKEN).search(script, at):
        # A regular expression is found with the space before it.
        sign = found[0].lstrip()
        before = script[at : found.end() - len(sign)]
        if open_signs[-1:] == ["`"]:
            found_pieces += [(kinds[-1], before), ("text", sign)]
            if sign == "`":
                open_signs.pop()
                kinds.pop()
            elif sign == "${":
                open_signs.append(sign)
        else:
            kind = "comment" if sign.startswith(("//", "/*")) else "text"
            found_pieces += [("code", before), (kind, sign)]
            if sign in ("`", "{"):
                open_signs.append(sign)
                if sign == "`":
                    html = script[: found.start()].endswith(("html", "svg"))
                    kinds.append("html" if html else "template")
            elif sign == "}":
                assert open_signs.pop() in ("{", "${")
        at = found.end()
    assert open_signs == []
    return [*found_pieces, ("code", script[at:])]


def said(script: str) -> str:
    """What a script says: comments, and how much space there is around its code, left out."""
    bare = {"comment": r".+", "code": r"\s+", "html": r"\s+"}
    told = [
        re.sub(bare[kind], " ", text, flags=re.S) if kind in bare else text
        for kind, text in pieces(script)
    ]
    return re.sub(" +", " ", "".join(told)).strip()


def said_by_styles(sheet: str) -> str:
    """The same of a style sheet."""
    text = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
    told = re.sub(rf"({text})|/\*.*?\*/|\s+", lambda found: found[1] or " ", sheet, flags=re.S)
    return re.sub(" +", " ", told).strip()


def test_comments_are_told_from_what_looks_like_one_and_go_with_the_indents() -> None:
    script = b"""/**
 * Said of it.
 */
const a = 1; // stays
  // goes
const b = /* stays */ "// stays";
  /* stays */ const c = 2;
/* goes */
"""
    left = b"\n\n\nconst a = 1; // stays\n\nconst b = /* stays */ "
    assert shortened(script) == left + b'"// stays";\n/* stays */ const c = 2;\n\n'


def test_scripts_and_sheets_say_the_same_when_they_are_served() -> None:
    for script in sorted((PUBLIC / "js").rglob("*.js")):
        text = script.read_text(encoding="utf-8")
        served = shortened(text.encode()).decode()
        assert said(served) == said(text), script.name
        assert served.count("\n") == text.count("\n"), script.name
    for sheet in sorted((PUBLIC / "css").glob("*.css")):
        text = sheet.read_text(encoding="utf-8")
        assert said_by_styles(shortened(text.encode()).decode()) == said_by_styles(text), sheet.name


def test_what_would_be_served_otherwise_is_noticed() -> None:
    for script in (
        "f(); /* of two\n// lines */ g();",
        '"a text \\\n  over two lines"',
        "`a text\n  with an indent`",
        "html`<a>\n// no comment\n</a>`",
    ):
        assert said(shortened(script.encode()).decode()) != said(script), script
    for sheet in (
        "a { /* of two\n// lines */ color: red }",
        'a::before { content: "a text \\\n  over two lines" }',
        "a { background: url(\n//example.com/a.png\n) }",
    ):
        served = shortened(sheet.encode()).decode()
        assert said_by_styles(served) != said_by_styles(sheet), sheet


def test_templates_are_found_within_templates() -> None:
    script = 'const a = `one ${b ? `two ${{ c: "`" }.c}` : /`}/.test(d)} three`; // `'
    texts = [text for kind, text in pieces(script) if kind == "template"]
    assert texts == ["one ", "two ", "", " three"]
    kinds = [kind for kind, text in pieces("html`<b>${`c`}</b>`") if len(text) > 2]
    assert kinds == ["code", "html", "html"]


def test_modules_are_read_in_a_sitting() -> None:
    long = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}


def test_what_is_vendored_is_what_the_list_says() -> None:
    listed = json.loads((PUBLIC / "package.json").read_text(encoding="utf-8"))["vendored"]
    there = {}
    for file in (PUBLIC / "vendor").glob("*/VERSION"):
        name, version, _licence = file.read_text(encoding="utf-8").split()
        there[name] = version
    assert there == listed
