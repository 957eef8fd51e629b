#!/usr/bin/env python3
"""Run one case of the command line: a script, and the exit code and output that it must have.

    run_cli_case.py AGENTLOG CASE     exit 0 passed, 1 failed, 77 skipped
    run_cli_case.py --self-test       prove that each kind of difference is found

A case is a text file: lines of shell, then sections that begin with a line of their own:

    agentlog log LOG missing.ndjson
    --- exit 1
    --- stdout
    --- stderr
    agentlog: missing.ndjson: No such file or directory
    ...

The script runs in bash in an empty directory, with `agentlog` in its path, and `as_nobody COMMAND…` to run something
without root's rights. Without a section, the exit code must be 0 and the output empty. In expected output `*` stands
for any text within a line, and a line `...` for any number of lines.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TIMEOUT_S = 240

PRELUDE = """
as_nobody() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
    else
        "$@"
    fi
}
skip() { echo "$*" >&2; exit 77; }
"""


def parse(text):
    script, expected, section = [], {"exit": 0, "stdout": [], "stderr": []}, None
    for line in text.splitlines():
        match = re.fullmatch(r"--- (exit|stdout|stderr)(?: (\d+))?", line)
        if match:
            section = match[1]
            if section == "exit":
                expected["exit"] = int(match[2])
        elif section is None:
            script.append(line)
        elif section != "exit":
            expected[section].append(line)
    return "\n".join(script), expected


def line_matches(pattern, line):
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), line) is not None


def matches(patterns, lines):
    """Whether lines match patterns; a row per pattern, the set of how many lines it may have used."""
    used = {0}
    for pattern in patterns:
        if pattern == "...":
            used = set(range(min(used), len(lines) + 1))
        else:
            used = {n + 1 for n in used if n < len(lines) and line_matches(pattern, lines[n])}
        if not used:
            return False
    return len(lines) in used


def run(agentlog, case):
    """The faults of a case as a list of texts, or None when it was skipped."""
    with open(case, encoding="utf-8") as f:
        script, expected = parse(f.read())
    with tempfile.TemporaryDirectory(prefix="agentlog-cli-") as home:
        bin_dir, work = os.path.join(home, "bin"), os.path.join(home, "work")
        os.mkdir(bin_dir)
        os.mkdir(work)
        for folder, mode in ((home, 0o755), (bin_dir, 0o755), (work, 0o777)):
            os.chmod(folder, mode)
        if agentlog is not None:
            shutil.copy(agentlog, os.path.join(bin_dir, "agentlog"))
        environment = dict(os.environ, PATH=bin_dir + os.pathsep + os.environ["PATH"], LC_ALL="C.UTF-8", TZ="UTC")
        environment.pop("COLUMNS", None)
        done = subprocess.run(["bash", "-c", PRELUDE + script], cwd=work, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=TIMEOUT_S)
        subprocess.run(["chmod", "-R", "u+rwX", work], check=False)
    stdout = done.stdout.decode("utf-8", "backslashreplace").splitlines()
    stderr = done.stderr.decode("utf-8", "backslashreplace").splitlines()
    if done.returncode == 77:
        return None
    faults = []
    if done.returncode != expected["exit"]:
        faults.append(f"exit code {done.returncode}, expected {expected['exit']}")
    for name, lines in (("stdout", stdout), ("stderr", stderr)):
        if not matches(expected[name], lines):
            faults.append("\n".join([f"{name} is"] + [f"    {x}" for x in lines[:60]] +
                                    ["expected"] + [f"    {x}" for x in expected[name]]))
    if faults and done.stderr and not any("stderr" in fault for fault in faults):
        faults.append("\n".join(["stderr was"] + [f"    {x}" for x in stderr[:60]]))
    return faults


def self_test():
    good = ["echo a; echo b >&2; exit 3\n--- exit 3\n--- stdout\na\n--- stderr\nb\n",
            "seq 5\n--- stdout\n1\n...\n5\n", "seq 5\n--- stdout\n...\n", "echo '[x] 12 y'\n--- stdout\n[x] * y\n", "true\n",
            "echo a; echo b\n--- stdout\n...\nb\n...\n"]
    bad = ["exit 1\n", "echo a\n", "echo a >&2\n", "echo a\n--- stdout\nb\n", "echo a; echo b\n--- stdout\na\n",
           "echo a\n--- stdout\na\nb\n", "seq 5\n--- stdout\n1\n...\n6\n", "true\n--- stdout\n*\n", "echo a1b\n--- stdout\na*c\n",
           "true\n--- exit 2\n", "echo .\n--- stdout\nx\n"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.case")
        for texts, wanted in ((good, False), (bad, True)):
            for text in texts:
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
                assert bool(run(None, path)) == wanted, text
    print(f"{len(good)} good cases passed, {len(bad)} bad ones failed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    faults = run(sys.argv[1], sys.argv[2])
    if faults is None:
        print("SKIPPED")
        return 77
    print("\n".join(faults) if faults else "passed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
