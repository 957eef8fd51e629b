#!/usr/bin/env python3
"""Pictures of the report, for the README: tools/docs/screenshots/*.png.

    tests/tools/make_screenshots.py AGENTLOG FLEET [DIRECTORY]

The example fleet works for sixty days; the page is about the last thirty, compared with the thirty before. Needs Chromium.
"""
import base64
import os
import shutil
import subprocess
import sys
import tempfile

import browser

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LARGEST_BYTES = 200_000

# Name, width, height, dark, the selector of what is at the top (None: the page).
PICTURES = (("report", 1180, 1200, False, None), ("report-dark", 1180, 1200, True, None), ("report-phone", 360, 760, False, None),
            ("report-confidence", 1180, 690, False, "section[aria-labelledby=confidence]"))


def work(fleet, folder):
    """Sixty days pass in a blink: on a busy machine some events find a full ring. Then it is done again."""
    for _attempt in range(10):
        if subprocess.run([fleet, "log", "4", "600", "20260204", "60"], cwd=folder, check=False).returncode == 0:
            return
        shutil.rmtree(os.path.join(folder, "log"))
    raise SystemExit("make_screenshots: the fleet's events are not taken")


def main():
    agentlog, fleet = (os.path.abspath(x) for x in sys.argv[1:3])
    to = os.path.abspath(sys.argv[3] if len(sys.argv) > 3 else os.path.join(SOURCE, "tools", "docs", "screenshots"))
    program = browser.find()
    if program is None:
        print("make_screenshots: no Chromium", file=sys.stderr)
        return 1
    os.makedirs(to, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="agentlog-screenshots-") as folder:
        work(fleet, folder)
        subprocess.run([agentlog, "ingest", "log", "agents.db"], cwd=folder, check=True)
        subprocess.run([agentlog, "report", "agents.db", "-o", "report.html"], cwd=folder, check=True)
        with browser.Browser(program) as page:
            for name, width, height, dark, selector in PICTURES:
                page.show(width, height, dark)
                page.open(os.path.join(folder, "report.html"))
                top = page.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().top + scrollY - 16") if selector else 0
                picture = base64.b64decode(page.screenshot(True, {"x": 0, "y": top, "width": width, "height": height}))
                assert len(picture) <= LARGEST_BYTES, f"{name}.png would have {len(picture)} bytes"
                with open(os.path.join(to, f"{name}.png"), "wb") as f:
                    f.write(picture)
                print(f"{name}.png: {width} x {height}, {len(picture)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
