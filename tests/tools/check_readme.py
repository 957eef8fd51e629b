#!/usr/bin/env python3
"""What the README shows is what happens.

    check_readme.py AGENTLOG FLEET README_EXAMPLE SOURCE_DIR [PYTHON_PACKAGE_PARENT]

README_EXAMPLE is its C example, compiled, which logs to readme_log beside it. Its Python example is run where the package
is built. Its console texts are compared with what the commands print of the quick start's fleet, its commands and options
with what the program knows, the files it names with those there are.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

AGENTLOG, FLEET, README_EXAMPLE, SOURCE_DIR = sys.argv[1:5]
PACKAGE_PARENT = sys.argv[5] if len(sys.argv) > 5 else None
with open(f"{SOURCE_DIR}/README.md", encoding="utf-8") as readme_file:
    README = readme_file.read()


def run(*words, cwd=None, **environment):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=cwd, env={**os.environ, **environment})
    assert done.returncode == 0, (words, done.returncode, done.stderr)
    return done.stdout


def blocks(language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)
    assert found, f"no {language} in the README"
    return found


def story_of(log):
    events = [json.loads(line) for line in run(AGENTLOG, "cat", log).splitlines()]
    return [(event["event"], event["job_id"]) for event in events if not event["event"].startswith("writer_")]


STORY = [(event, "job-1") for event in ("job_start", "provider_performance", "agent_execution", "job_end")]


def check_c(_):
    [code] = blocks("c")
    assert code.count("\n") <= 15, "the C example is no longer short"
    log = os.path.join(os.path.dirname(README_EXAMPLE), "readme_log")
    shutil.rmtree(log, ignore_errors=True)
    run(README_EXAMPLE)
    assert story_of(log) == STORY, story_of(log)
    shutil.rmtree(log)


def check_python(folder):
    if not PACKAGE_PARENT:
        return
    [code] = blocks("python")
    assert sum(line.strip() != "" for line in code.splitlines()) <= 10, "the Python example is no longer short"
    assert code.count('"/var/log/agents"') == 1
    run(sys.executable, "-B", "-W", "error", "-c", code.replace("/var/log/agents", f"{folder}/python"), PYTHONPATH=PACKAGE_PARENT)
    assert story_of(f"{folder}/python") == STORY, story_of(f"{folder}/python")


def masked(text):
    """Days are the last three, and widths are the table's."""
    return [re.sub(r"\d{4}-\d\d-\d\d", "DAY", cell) for cell in re.split(r"  +", text.strip()) if cell != "…"]


def check_console(folder):
    """Every line shown is the beginning of a line printed, and they come in order; "…" stands for lines left out."""
    run(FLEET, f"{folder}/log")
    run(AGENTLOG, "ingest", f"{folder}/log", f"{folder}/agents.db")
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *shown = part.rstrip().split("\n")
            words = command.split()
            assert words[0] == "agentlog", command
            printed = [masked(line) for line in run(AGENTLOG, *words[1:], cwd=folder).splitlines()]
            at, anywhere = 0, False
            for line in shown:
                if line.strip() == "…":
                    anywhere = True
                    continue
                cells = masked(line)
                found = [i for i in range(at, len(printed)) if printed[i][:len(cells)] == cells]
                assert found and (anywhere or found[0] == at), f"$ {command}\nshows\n{line}\nnot\n{printed[at:at + 3]}"
                at, anywhere = found[0] + 1, False


def check_commands(_):
    known = re.findall(r"^  (\S+)", re.search(r"^Commands:\n(.*?)\n\n", run(AGENTLOG, "help"), re.M | re.S)[1], re.M)
    table = re.search(r"^## The program\n(.*?)^--json|^## The program\n(.*?)^## ", README, re.M | re.S)[0]
    rows = "\n".join(line.split("|")[1] for line in table.replace("\\|", " ").splitlines() if line.startswith("|"))
    listed = re.findall(r"agentlog ([a-z]+)", rows)
    assert set(listed) == set(known), f"in the README's table and not in help, or the other way: {set(listed) ^ set(known)}"
    for command, rest in re.findall(r"agentlog ([a-z]+)((?: [^\n`]*)?)", README):
        if command not in known or command == "help":
            continue
        said = run(AGENTLOG, "help", command)
        for option in re.findall(r"(?<!\S)(--[a-z-]+)", rest.split("#")[0]):
            assert re.search(rf"^  {option}\b", said, re.M), f"agentlog {command} has no {option}"


def check_files(_):
    names = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    names += re.findall(r'(?:src|srcset)="([^"]+)"', README)
    names += re.findall(r"`((?:tests|tools|writer|aggregator|format|include)/[\w./<>-]*)`", README)
    missing = [name for name in names if not glob.glob(f"{SOURCE_DIR}/{re.sub('<[a-z]+>', '*', name)}")]
    durability = re.search(r"^## Durability\n(.*?)^## ", README, re.M | re.S)[1]
    for row in re.findall(r"^\|(.*)\|$", durability, re.M)[2:]:
        tests = re.sub(r"\([^)]*\)", "", row.replace("\\|", "").split("|")[2])
        for test in re.findall(r"`([a-z_]+)`", tests):
            known = (f"tests/writer/test_{test}.c", f"tests/fuzz/{test}.c")
            missing += [test] if not any(os.path.exists(f"{SOURCE_DIR}/{path}") for path in known) else []
    assert not missing, missing


def main():
    with tempfile.TemporaryDirectory() as folder:
        for check in (check_c, check_python, check_console, check_commands, check_files):
            check(folder)
            print(f"{check.__name__}: as the README says")


main()
