#!/usr/bin/env python3
"""The report's page in a real browser: nothing fails, nothing leaves it, charts have content, it fits and can be used.

    report_browser_test.py AGENTLOG FLEET     exit 0 passed, 1 failed, 77 skipped

Needs Chromium; without it the test is skipped, which in CI is a failure. tidy and axe-core look at the markup as well, where
they can be had: axe-core comes from npm, in CI or with ALOG_NPM=1.
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

import browser

AXE = "axe-core@4.10.3"
WIDTHS = (360, 1280)
LARGEST_BYTES = 1_000_000

# What log text must never become, and what makes a page one that everybody can use. Answers a list of faults.
INSPECT = """(() => {
  const faults = [], all = (selector, root) => [...(root || document).querySelectorAll(selector)];
  const place = element => element.tagName + (element.id ? '#' + element.id : '') + ' ' + element.textContent.trim().slice(0, 40);
  const known = new Set(('html head meta link title style body a header h1 h2 h3 p strong nav ul li main section figure figcaption ' +
    'svg desc defs pattern g path rect circle text div table caption thead tbody tr th td details summary code footer br span').split(' '));
  for (const element of all('*')) if (!known.has(element.localName)) faults.push('unknown element ' + place(element));
  for (const element of all('*')) for (const { name, value } of element.attributes)
    if (/^on|^style$|^src/.test(name) || /^\\s*(javascript|vbscript):/i.test(value)) faults.push('attribute ' + name + ' of ' + place(element));
  if (all('style').length !== 1) faults.push('style elements: ' + all('style').length);
  if (window.pwned) faults.push('a text of the log was run');
  if (!document.documentElement.lang) faults.push('no language');
  for (const landmark of ['header', 'nav', 'main', 'footer']) if (all(landmark).length !== 1) faults.push('landmark ' + landmark);
  if (all('h1').length !== 1) faults.push('h1: ' + all('h1').length);
  let level = 0;
  for (const heading of all('h1, h2, h3')) {
    const next = Number(heading.localName[1]);
    if (next > level + 1) faults.push('heading out of order: ' + place(heading));
    level = next;
  }
  const ids = all('[id]').map(element => element.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push('twice: id ' + id);
  for (const link of all('a')) if (!document.getElementById(link.getAttribute('href').slice(1))) faults.push('dead link: ' + place(link));
  for (const element of all('[aria-labelledby]')) for (const id of element.getAttribute('aria-labelledby').split(' '))
    if (!(document.getElementById(id) || {}).textContent) faults.push('no label ' + id);
  for (const table of all('table')) {
    if (!table.caption || !table.caption.textContent.trim()) faults.push('a table without a caption');
    if (!table.rows.length) faults.push('an empty table: ' + place(table));
    for (const head of all('th', table)) if (!head.getAttribute('scope')) faults.push('th without scope: ' + place(head));
    const widths = new Set([...table.rows].map(row => row.cells.length));
    if (widths.size > 1) faults.push('rows of different lengths: ' + place(table));
  }
  for (const region of all('.scroll')) if (region.tabIndex !== 0 || region.getAttribute('role') !== 'region') faults.push('a region that no key reaches');
  for (const figure of all('figure')) {
    const chart = figure.querySelector(':scope > svg');
    if (!chart && figure.querySelector(':scope > p.nothing')) continue;
    const drawn = all('path, rect, circle', chart).filter(mark => !mark.closest('defs') && /line|bar|point|whisker/.test(mark.getAttribute('class')));
    if (chart.getAttribute('role') !== 'img') faults.push('a chart without a role');
    if (!drawn.some(mark => { const box = mark.getBBox(); return box.width + box.height > 0; })) faults.push('an empty chart: ' + place(figure));
    const frame = chart.viewBox.baseVal;
    for (const mark of drawn.concat(all('text', chart))) {
      const box = mark.getBBox();
      if ([box.x, box.y, box.width, box.height].some(Number.isNaN)) faults.push('not a number in ' + place(figure));
      if (box.x < -1 || box.y < -1 || box.x + box.width > frame.width + 1 || box.y + box.height > frame.height + 1)
        faults.push('outside of its chart: ' + place(figure) + ': ' + mark.outerHTML.slice(0, 90));
    }
  }
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) faults.push('wider than the window: ' + page.scrollWidth + ' > ' + page.clientWidth);
  return faults;
})()"""

# WCAG 2.1, 1.4.3 and 1.4.11: contrast of texts (4.5), of lines and marks (3).
CONTRAST = """(() => {
  const faults = new Set();
  const channels = color => (color.match(/[\\d.]+/g) || []).map(Number);
  const luminance = color => { const [r, g, b] = channels(color).map(x => x / 255).map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = element => { for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor, alpha = channels(color)[3];
    if (alpha === undefined || alpha > 0) return color; } return 'rgb(255, 255, 255)'; };
  const ratio = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const check = (element, color, least) => { const found = ratio(color, behind(element));
    if (found < least) faults.add(found.toFixed(2) + ': ' + element.tagName + ' ' + (element.getAttribute('class') || '') + ' ' + color); };
  for (const element of document.querySelectorAll('body *')) {
    const style = getComputedStyle(element);
    const text = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (element.ownerSVGElement) {
      const kind = element.getAttribute('class') || '';
      if (element.localName === 'text') check(element, style.fill, 4.5);
      else if (/^(line|whisker|base|diagonal)/.test(kind)) check(element, style.stroke, 3);
      else if (/^(bar|point)/.test(kind)) check(element, style.fill, 3);
    } else if (text && element.localName !== 'title' && element.localName !== 'desc') check(element, style.color, 4.5);
  }
  return [...faults];
})()"""


def skip(what):
    print(f"SKIPPED: {what}")
    sys.exit(1 if os.environ.get("CI") else 77)


def hostile(size):
    """Texts that want to be markup, in every name and message that the page shows."""
    bad = ['<script>window.pwned=1</script>', '"><img src=x onerror="window.pwned=1">', "'-alert(1)-'", "</title></style></svg><h1>x</h1>",
           "]]><!--", "\u202eesrever\u2066", "\x1b[31m\x07\x00", "{{7*7}}${7*7}", "javascript:alert(1)", "<a href=//example.invalid>x</a>",
           "x" * 500, "<" * 60000, "漢字" * 200, "e\u0301\u0300" * 50, "&lt;b&gt;", "\ud800", "<foreignObject><iframe src=//example.invalid>"]
    lines = []
    for i in range(size):
        text, other, at = bad[i % len(bad)], bad[(i * 7 + 3) % len(bad)], f"2026-02-{1 + i % 27:02d}T10:00:00Z"

        def add(event, **fields):
            lines.append(json.dumps({"event": event, "timestamp": at, "job_id": f"job{i}{text}"[:250], **fields}))
        add("job_start", ai_agent=True, metadata=text)
        add("strategy_decision", selected_strategy=text, previous_strategy=other, effectiveness_score=i % 10 / 10)
        add("provider_performance", provider_id=text, model=other, success=i % 3 > 0, latency_ms=10 ** (i % 6), cost_usd=10 ** (i % 4 - 5),
            input_tokens=i, output_tokens=1, agent_name=text, fallback_from=other, fallback_reason=text,
            **({} if i % 3 else {"failure_class": "availability"}))
        for attempt in range(1, 3):
            add("agent_execution", agent_name=text, issue_type=other, success=i % 2 > 0, confidence=i % 11 / 10, attempt=attempt,
                execution_time_ms=i, model=other, provider_id=text)
        add("orchestration_execution", execution_strategy=text, iteration_count=1, total_execution_time_ms=100,
            hooks_execution_time_ms=90, tests_execution_time_ms=90)
        add("hook_execution", hook_name=text, status="failed" if i % 2 else "success", execution_time_ms=i)
        for status in ("passed", "failed"):
            add("individual_test_execution", test_id=f"{text}::{other}", status=status, execution_time_ms=1)
        add("error", error_type=text, error_category=other, error_message=f"{text} {other}")
        add("job_end", status="success" if i % 2 else "failed", error_message=text)
    return "\n".join(lines) + "\n"


class Pages:
    """Pages made by the program, each a path."""

    def __init__(self, agentlog, fleet, folder):
        self.agentlog, self.fleet, self.folder = agentlog, fleet, folder

    def run(self, *words, **more):
        return subprocess.run(words, check=True, cwd=self.folder, capture_output=True, timeout=120, **more)

    def report(self, name, db, *options):
        self.run(self.agentlog, "report", db, "-o", f"{name}.html", *options)
        return os.path.join(self.folder, f"{name}.html")

    def log(self, name, text):
        subprocess.run([self.agentlog, "log", f"{name}-log"], cwd=self.folder, input=text.encode("utf-8", "surrogatepass"),
                       check=False, capture_output=True, timeout=120)
        self.run(self.agentlog, "ingest", f"{name}-log", f"{name}.db")

    def make(self):
        self.run(self.fleet, "fleet-log")
        self.run(self.agentlog, "ingest", "fleet-log", "fleet.db")
        self.log("hostile", hostile(64))
        # NULL wherever something may be absent, on one day.
        self.log("bare", "\n".join(json.dumps(event) for event in (
            {"event": "agent_execution", "timestamp": "2026-02-04T10:00:00Z", "job_id": "j", "agent_name": "a", "issue_type": "i", "success": True},
            {"event": "provider_performance", "timestamp": "2026-02-04T10:00:00Z", "job_id": "j", "provider_id": "p", "success": False},
            {"event": "strategy_decision", "timestamp": "2026-02-04T10:00:00Z", "job_id": "j", "selected_strategy": "s"},
            {"event": "orchestration_execution", "timestamp": "2026-02-04T10:00:00Z", "job_id": "j", "execution_strategy": "s"},
            {"event": "individual_test_execution", "timestamp": "2026-02-04T10:00:00Z", "job_id": "j", "test_id": "t", "status": "skipped"},
            {"event": "hook_execution", "timestamp": "2026-02-04T10:00:00Z", "job_id": "j", "hook_name": "h", "status": "skipped"},
            {"event": "error", "timestamp": "2026-02-04T10:00:00Z", "job_id": "j", "error_type": "lint"})) + "\n")
        os.mkdir(os.path.join(self.folder, "empty-log"))
        self.run(self.agentlog, "ingest", "empty-log", "empty.db")
        return {"fleet": self.report("fleet", "fleet.db"), "hostile": self.report("hostile", "hostile.db", "--title", "</title><script>window.pwned=1</script>"),
                "weeks": self.report("weeks", "hostile.db", "--since", "2025-03-01", "--until", "2026-02-20"), "bare": self.report("bare", "bare.db"),
                "empty": self.report("empty", "empty.db"), "elsewhere": self.report("elsewhere", "fleet.db", "--environment", "<none>")}


def complaints(events):
    """Errors that the browser reported, and requests for anything but the page."""
    faults = []
    for event in events:
        params = event["params"]
        if event["method"] == "Log.entryAdded":
            faults.append(f"{params['entry']['source']}: {params['entry']['text'][:200]}")
        elif event["method"] in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            faults.append(f"{event['method']}: {json.dumps(params)[:200]}")
        elif event["method"] == "Network.requestWillBeSent" and params.get("type") != "Document":
            faults.append(f"request: {params['request']['url'][:100]}")
    return faults


def check_page(page, name, path):
    faults = []
    for width in WIDTHS:
        for dark in (False, True):
            page.events.clear()
            page.show(width, 800, dark)
            page.open(path)
            for folded in (True, False):
                page.evaluate(f"document.querySelectorAll('details').forEach(x => x.open = {'false' if folded else 'true'})")
                found = page.evaluate(INSPECT) + [f"contrast {x}" for x in page.evaluate(CONTRAST)]
                faults += [f"{name}, {width} wide, {'dark' if dark else 'light'}: {x}" for x in found]
            faults += [f"{name}: {x}" for x in complaints(page.events)]
    return faults


def check_keys(page, path):
    """The first Tab shows the skip link, which leads to the figures; further ones reach links and tables, visibly."""
    page.show(1280, 800)
    page.open(path)
    faults, reached = [], set()

    def press(key, code):
        for kind in ("rawKeyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
        return page.evaluate("""(() => { const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
            return { kind: at.className || at.localName, seen: box.left >= 0 && box.width > 0 && style.outlineStyle !== 'none' }; })()""")
    for i in range(100):
        at = press("Tab", 9)
        if at["kind"] == "body":
            break
        reached.add(at["kind"])
        if i == 0 and at["kind"] != "skip":
            faults.append(f"the first key press reaches {at}")
        if not at["seen"]:
            faults.append(f"focus is not to be seen: {at}")
    for wanted in ("skip", "a", "summary", "scroll"):
        if wanted not in reached:
            faults.append(f"no key reaches a {wanted}")
    return faults


def check_figures(page, path, pages):
    """The fleet's page shows what the program says, and has all its charts."""
    page.open(path)
    faults = []

    def stats(*words):
        return json.loads(pages.run(pages.agentlog, "stats", *words, "fleet.db", "--json").stdout)
    table = page.evaluate("""[...document.querySelector('[aria-labelledby=agents-table] tbody').rows]
        .map(row => [...row.cells].slice(0, 5).map(cell => cell.textContent.replace(/\\s/g, ' ')))""")
    wanted = [[row["agent_name"], row["issue_type"], f"{row['executions']:,}", f"{row['success_rate']:.1%}".replace("%", " %"),
               f"{row['success_rate_low']:.1%} – {row['success_rate_high']:.1%}".replace("%", " %")] for row in stats("success-rate")]
    if table != wanted:
        faults.append(f"agents are {table}, wanted {wanted}")
    tips = page.evaluate("""[...document.querySelectorAll('section[aria-labelledby=agents] circle.point > title')]
        .map(tip => tip.textContent.replace(/\\s/g, ' '))""")
    wanted = [f"Success, {row['period']}: {row['value']:.1%}".replace("%", " %") for row in stats("trend")]
    if tips != wanted:
        faults.append(f"days are {tips}, wanted {wanted}")
    charts = page.evaluate("document.querySelectorAll('figure > svg[role=img]').length")
    if charts < 15:
        faults.append(f"{charts} charts")
    tiles = page.evaluate("[...document.querySelectorAll('.tiles li')].map(x => x.innerText.replace(/\\s+/g, ' ')).join('|')")
    for wanted in ("n = 240 jobs that ended", "n = 1,088 executions", "$57.35"):
        if wanted not in tiles:
            faults.append(f"no '{wanted}' in {tiles}")
    return faults


def check_self(page, folder):
    """What the checks would find, on a page that has it all: they can fail."""
    path = os.path.join(folder, "bad.html")
    with open(path, "w", encoding="utf-8") as f:
        f.write("<!DOCTYPE html><title>x</title><style></style><style></style><h2>x</h2><h3 id=a>y</h3><p id=a style='color:#999'>grey"
                "<a href='#nowhere'>z</a><table><tr><td>1</td></tr><tr><td>1<td>2</tr></table><div class=scroll></div>"
                "<figure>f<svg viewBox='0 0 10 10'><path class=line d=''/><text x=-50>t</text></svg></figure><pre>"
                + "x" * 2000 + "</pre><img src='http://example.invalid/x.png'><script>window.pwned = 1; console.error('oops'); nothing()</script>")
    page.events.clear()
    page.show(360, 800)
    page.open(path)
    page.evaluate("new Promise(done => setTimeout(done, 200))")
    found = "\n".join(page.evaluate(INSPECT) + page.evaluate(CONTRAST) + complaints(page.events))
    wanted = ["unknown element IMG", "unknown element SCRIPT", "attribute style", "attribute src", "style elements: 2", "was run", "no language",
              "landmark main", "h1: 0", "heading out of order", "twice: id a", "dead link", "without a caption", "rows of different lengths",
              "no key reaches", "without a role", "an empty chart", "outside of its chart", "wider than the window", ": P ", "consoleAPICalled",
              "exceptionThrown", "request: http://example.invalid"]
    return [f"the check for '{x}' finds nothing" for x in wanted if x not in found]


def check_policy(page, path):
    """The page's own policy holds: what would leave it, or run, is refused."""
    page.events.clear()
    page.show(1280, 800)
    page.open(path)
    page.evaluate("""(() => { const add = (name, more) => document.body.append(Object.assign(document.createElement(name), more));
        add('img', { src: 'http://example.invalid/a.png' }); add('script', { textContent: 'window.pwned = 1' });
        add('p', {}).textContent; document.querySelector('h1').setAttribute('style', 'color: red'); })();
        new Promise(done => setTimeout(done, 200))""".replace("add('p', {}).textContent; ", ""))
    faults = []
    if page.evaluate("window.pwned"):
        faults.append("the policy lets scripts run")
    if page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(255, 0, 0)":
        faults.append("the policy lets attributes style")
    refused = sum("Content Security Policy" in x for x in complaints(page.events))
    if refused < 3:
        faults.append(f"the policy refused {refused} of 3")
    return faults


def check_axe(page, path, folder):
    """axe-core, where it can be had."""
    if not (os.environ.get("CI") or os.environ.get("ALOG_NPM")) or not shutil.which("npm"):
        print("axe-core: not asked for (ALOG_NPM=1, and npm)")
        return []
    try:
        name = subprocess.run(["npm", "pack", "--silent", AXE], cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
        with tarfile.open(os.path.join(folder, name.splitlines()[-1])) as archive:
            script = archive.extractfile("package/axe.min.js").read().decode()
    except (subprocess.SubprocessError, OSError, KeyError, IndexError) as reason:
        print(f"axe-core: SKIPPED, it cannot be had: {reason}")
        return []
    faults = []
    for width, dark in ((360, True), (1280, False)):
        page.show(width, 800, dark)
        page.open(path)
        page.evaluate("document.querySelectorAll('details').forEach(x => x.open = true)")
        page.evaluate(script + "; 0")
        found = page.evaluate("""axe.run({ resultTypes: ['violations'] }).then(x => ({ passes: x.passes.length,
            violations: x.violations.map(v => v.id + ': ' + v.nodes.length + ' ' + v.nodes[0].html.slice(0, 120)) }))""")
        print(f"axe-core, {width} wide: {found['passes']} rules passed, {len(found['violations'])} not")
        faults += [f"axe-core, {width} wide: {x}" for x in found["violations"]]
    return faults


def check_tidy(name, path):
    """tidy knows HTML, and SVG's <title id> not."""
    if not shutil.which("tidy"):
        print("tidy: not installed")
        return []
    done = subprocess.run(["tidy", "-q", "-e", "--gnu-emacs", "no", path], capture_output=True, text=True, errors="replace", timeout=60)
    return [f"{name}: tidy: {line}" for line in done.stderr.splitlines() if '<title> proprietary attribute "id"' not in line]


def main():
    agentlog, fleet = (os.path.abspath(x) for x in sys.argv[1:3])
    program = browser.find()
    if program is None:
        skip("no Chromium")
    with tempfile.TemporaryDirectory(prefix="agentlog-report-") as folder:
        maker = Pages(agentlog, fleet, folder)
        pages = maker.make()
        faults = [fault for name, path in pages.items() for fault in check_tidy(name, path)]
        faults += [f"{name}: {os.path.getsize(path)} bytes" for name, path in pages.items() if os.path.getsize(path) > LARGEST_BYTES]
        with browser.Browser(program, timeout_s=240) as page:
            faults += check_self(page, folder)
            for name, path in pages.items():
                faults += check_page(page, name, path)
            faults += check_figures(page, pages["fleet"], maker)
            faults += check_keys(page, pages["fleet"])
            faults += check_policy(page, pages["fleet"])
            faults += check_axe(page, pages["fleet"], folder)
    print("\n".join(sorted(set(faults))[:60]) if faults else f"{len(pages)} pages, {len(WIDTHS)} widths, light and dark: passed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
