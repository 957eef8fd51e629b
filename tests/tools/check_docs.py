#!/usr/bin/env python3
"""The manual and the completions say what the program and the headers say.

    check_docs.py pages AGENTLOG MADE HEADER_DIR...   every command, option, choice, exit code and function has its page
    check_docs.py lint MADE                           mandoc and man find nothing wrong with any page
    check_docs.py bash|zsh|fish AGENTLOG MADE         the shell offers commands, options, choices, events and files

What is expected comes from `agentlog help` and from the headers' text, not from the program that wrote the pages.
Skipped (77) where a tool is missing, a failure in CI.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile


def help_of(agentlog, command=None):
    words = [agentlog, "help"] + ([command] if command else [])
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def section(text, title):
    """The entries of one part of a help text: the first words of its lines that are indented by two."""
    match = re.search(rf"^{title}:\n((?:  .*\n)+)", text, re.M)
    return re.findall(r"^  (\S+)", match[1], re.M) if match else []


def commands_of(agentlog):
    return [name for name in section(help_of(agentlog), "Commands") if name != "help"]


def plain(path):
    """A page's source with the escapes of our characters undone and lines joined."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text = text.replace("\\\n", "").replace("\\-", "-").replace("\\(aq", "'").replace("\\(dq", '"').replace("\\e", "\\")
    return re.sub(r"\\f[BIR]", "", text)


def check_pages(agentlog, made, *header_dirs):
    faults = []
    commands = commands_of(agentlog)
    assert len(commands) >= 9, commands
    overview = plain(f"{made}/man/man1/agentlog.1")
    options = 0
    for command in commands:
        page = plain(f"{made}/man/man1/agentlog-{command}.1")
        text = help_of(agentlog, command)
        if f"\n{command} " not in overview:
            faults.append(f"agentlog.1 does not list {command}")
        for option in section(text, "Options"):
            options += 1
            if not re.search(rf"^\.TP\n{option}( |$)", page, re.M):
                faults.append(f"agentlog-{command}.1 does not explain {option}")
        for choice in section(text, "Kinds"):
            if not re.search(rf"^\.TP\n\.B {choice}$", page, re.M):
                faults.append(f"agentlog-{command}.1 does not explain {choice}")
        for code in section(text, "Exit codes"):
            if not re.search(rf"^\.TP\n\.B {code}$", page, re.M):
                faults.append(f"agentlog-{command}.1 does not explain exit code {code}")
        for line in re.search(r"^Examples:\n((?:  .*\n)+)", text, re.M)[1].splitlines():
            if line.strip() not in page:
                faults.append(f"agentlog-{command}.1 lacks the example {line.strip()}")
    functions = set()
    for header in (path for folder in header_dirs for path in glob.glob(f"{folder}/agentlog/*.h")):
        with open(header, encoding="utf-8") as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        declared = re.findall(r"ALOG_API[^;{]*?\b(alog_\w+)\(", text)
        functions.update(declared)
        for function in declared:
            page = f"{made}/man/man3/{function}.3"
            if not os.path.exists(page):
                faults.append(f"{header}: {function} has no page")
            elif f"{function}(" not in plain(page):
                faults.append(f"{page} does not show how to call {function}")
        base = os.path.basename(header)[:-2]
        page = plain(f"{made}/man/man3/{'agentlog' if base == 'agentlog' else 'agentlog_' + base}.3")
        for name in re.findall(r"^(?:struct|enum) (alog_\w+) \{", text, re.M):
            if f" {name}" not in page and not any(name in plain(p) for p in glob.glob(f"{made}/man/man3/alog_*.3")):
                faults.append(f"{header}: {name} is on no page")
    assert len(functions) >= 30, functions
    print(f"{len(commands)} commands, {options} options, {len(functions)} functions")
    return faults


def check_lint(made):
    if not shutil.which("mandoc"):
        return skip("mandoc")
    faults = []
    pages = sorted(glob.glob(f"{made}/man/man*/*"))
    assert len(pages) > 40, pages
    for page in pages:
        found = subprocess.run(["mandoc", "-Tlint", page], capture_output=True, text=True).stdout
        if found:
            faults.append(found)
        # man-db's own reader, where it is installed.
        if shutil.which("groff") and shutil.which("man"):
            with open(page, encoding="utf-8") as f:
                done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", "-rCHECKSTYLE=1"], stdin=f,
                                      capture_output=True, text=True)
            if done.stderr:
                faults.append(f"{page}: {done.stderr}")
    print(f"{len(pages)} pages")
    return faults


def skip(tool):
    print(f"SKIPPED: {tool} is not installed")
    sys.exit(1 if os.environ.get("CI") else 77)


def run_shell(words, script, folder):
    done = subprocess.run(words + [script], cwd=folder, capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, HOME=folder, TERM="dumb", LC_ALL="C.UTF-8"))
    return done.stdout.split("\n")[:-1] if not done.stderr else [f"stderr: {done.stderr}"]


def bash_offers(made, line, folder):
    """What bash would offer for the last word; '=' parts words, as it does at the prompt."""
    words = [word for part in line.split(" ") for word in re.split(r"(=)", part) if word or part == ""]
    quoted = " ".join(f"'{word}'" for word in words)
    script = (f"source '{made}/bash/agentlog'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _agentlog; "
              'for at in "${COMPREPLY[@]}"; do echo "$at"; done')
    return run_shell(["bash", "--norc", "-c"], script, folder)


def fish_offers(made, line, folder):
    return [x.split("\t")[0] for x in
            run_shell(["fish", "--no-config", "-c"], f"source '{made}/fish/agentlog.fish'; complete -C \"{line}\"", folder)]


def zsh_offers(made, line, folder):
    """zsh has no way to ask: what _arguments and _describe are told is looked at, then how they take it."""
    words = line.split(" ")
    if len(words) == 2:
        script = (f"fpath=('{made}/zsh' $fpath); autoload -Uz _agentlog; "
                  "_arguments() { state=command; _agentlog_commands; return 0 }; "
                  "_describe() { print -rl -- ${(P)2} }; compdef() { }; words=(agentlog ''); _agentlog")
        found = [x.split(":")[0] for x in run_shell(["zsh", "-fc"], script, folder)]
        return found + ["--help", "--version"]
    script = (f"fpath=('{made}/zsh' $fpath); autoload -Uz _agentlog; integer calls=0; "
              "_arguments() { (( calls++ )) && print -rl -- \"$@\"; state=argument; return $(( calls == 1 )) }; "
              f"compdef() {{ }}; words=({' '.join(words[1:])} ''); _agentlog")
    offers = []
    for spec in run_shell(["zsh", "-fc"], script, folder):
        option = re.match(r"\*?(--[a-z-]+)", spec)
        values = re.search(r":\(\(?(.*?)\)?\)$", spec)
        if words[-1].startswith("--") and words[-1].endswith("=") and option and option[1] == words[-1][:-1]:
            offers += values[1].split(" ") if values else []
        elif words[-1].startswith("-") and not words[-1].endswith("=") and option:
            offers.append(option[1])
        elif words[-1] == "" and spec.startswith("1:"):
            offers += re.findall(r'([\w-]+)\\:"', values[1]) if values else sorted(os.listdir(folder)) if "_files" in spec else []
    return offers


def check_shell(shell, agentlog, made):
    if not shutil.which(shell):
        return skip(shell)
    offers = {"bash": bash_offers, "fish": fish_offers, "zsh": zsh_offers}[shell]
    script = {"bash": "bash/agentlog", "zsh": "zsh/_agentlog", "fish": "fish/agentlog.fish"}[shell]
    faults = []
    done = subprocess.run([shell, "-n", f"{made}/{script}"], capture_output=True, text=True)
    if done.returncode or done.stderr:
        return [done.stderr]
    commands = commands_of(agentlog)
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/log")
        open(f"{folder}/agents.db", "w", encoding="utf-8").close()

        def expect(line, wanted):
            found = offers(made, line, folder)
            for word in wanted:
                if word not in [x.rstrip("/") for x in found]:
                    faults.append(f"'{line}' does not offer {word}, but {found}")

        expect("agentlog ", commands + ["help"])
        for command in commands:
            text = help_of(agentlog, command)
            expect(f"agentlog {command} --", section(text, "Options"))
            if "Kinds" in text:
                expect(f"agentlog {command} ", section(text, "Kinds"))
        parted = " " if shell == "fish" else "="
        expect(f"agentlog cat --type{parted}", ["job_start", "provider_performance"])
        expect(f"agentlog stats --metric{parted}", ["success-rate", "ece"])
        expect("agentlog ingest ", ["log"])
        expect("agentlog summary ", ["agents.db"])
        if shell != "zsh":
            expect("agentlog ingest log ", ["agents.db"])
            expect("agentlog stats --since 7d errors ", ["agents.db"])
            expect("agentlog stats --since=7d tests --limit 3 ", ["agents.db"])
            if offers(made, "agentlog job agents.db ", folder):
                faults.append("a JOB_ID is the user's own, yet something is offered")
    return faults


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "pages":
        faults = check_pages(*arguments)
    elif what == "lint":
        faults = check_lint(*arguments)
    else:
        faults = check_shell(what, *arguments)
    print("\n".join(faults) if faults else "passed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
