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


def template_texts(script: str) -> list[tuple[bool, str]]:
    """What stands in templates, but for the expressions in them, and whether it is HTML.

    Fails where it loses its way.
    """
    texts: list[tuple[bool, str]] = []
    open_signs: list[str] = []
    html: list[bool] = []
    at = 0
    while found := (IN_TEMPLATE if open_signs[-1:] == ["`"] else TOKEN).search(script, at):
        sign = found[0]
        if open_signs[-1:] == ["`"]:
            texts.append((html[-1], script[at : found.start()]))
            if sign == "`":
                open_signs.pop()
                html.pop()
            elif sign == "${":
                open_signs.append(sign)
        elif sign in ("`", "{"):
            open_signs.append(sign)
            if sign == "`":
                html.append(script[: found.start()].endswith(("html", "svg")))
        elif sign == "}":
            assert open_signs.pop() in ("{", "${")
        at = found.end()
    assert open_signs == []
    return texts


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


def test_no_template_has_a_line_that_the_server_takes_for_a_comment() -> None:
    for module in modules():
        text = module.read_text(encoding="utf-8")
        # The first line of each text stands behind other signs.
        texts = template_texts(text)
        lines = [line for _, each in texts for line in each.split("\n")[1:]]
        taken = [line for line in lines if line.lstrip().startswith(("//", "/*"))]
        assert taken == [], module.name
        # Where an indent says something, a text may have none.
        assert [each for html, each in texts if not html and "\n" in each] == [], module.name
        assert shortened(text.encode()).count(b"\n") == text.count("\n"), module.name


def test_templates_are_found_within_templates() -> None:
    script = 'const a = `one ${b ? `two ${{ c: "`" }.c}` : /`}/.test(d)} three`; // `'
    texts = [text for _, text in template_texts(script)]
    assert texts == ["one ", "two ", "", " three"]
    assert template_texts("html`<b>${`c`}</b>`") == [(True, "<b>"), (False, "c"), (True, "</b>")]


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
