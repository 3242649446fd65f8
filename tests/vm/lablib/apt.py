# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian archives as this machine's apt knows them: no host name is written down here."""

import os
import subprocess

from .util import LabError, cache_dir, locked, output_of

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def host_suite():
    """The release this machine runs; the guest runs the same, so that the stage's libraries fit."""
    with open("/etc/os-release", encoding="utf-8") as handle:
        for line in handle:
            if line.startswith("VERSION_CODENAME="):
                return line.split("=", 1)[1].strip().strip('"')
    return "sid"


def _targets():
    """(site, release, label) of each Debian package index in apt's configuration."""
    text = output_of(["apt-get", "indextargets", "--format",
                      "$(REPO_URI)|$(RELEASE)|$(LABEL)|$(ORIGIN)|$(COMPONENT)",
                      "Created-By: Packages"])
    found = []
    for line in text.splitlines():
        site, release, label, origin, component = line.split("|")
        if origin == "Debian" and component == "main" and (site, release, label) not in found:
            found.append((site, release, label))
    if not found:
        raise LabError("apt knows no Debian archive: run 'apt-get update' first")
    return found


def _options():
    return f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""


def sources(suite):
    """Lines for sources.list: the host's own when it has the suite, else its main mirror's."""
    targets = _targets()
    lines = [f"deb {_options()}{site} {release} main" for site, release, _ in targets
             if release == suite or release.startswith(suite + "-")]
    if lines:
        return lines
    for site, _, label in targets:
        if label == "Debian":
            return [f"deb {_options()}{site} {suite} main"]
    raise LabError("apt knows no main Debian archive from which other suites could be taken")


class PrivateApt:
    """An apt with its own lists and cache, so that another suite can be asked unprivileged."""

    def __init__(self, suite):
        self.suite = suite
        self.root = os.path.join(cache_dir(), "apt", suite)
        for name in ("lists/partial", "archives/partial"):
            os.makedirs(os.path.join(self.root, name), exist_ok=True)
        listing = os.path.join(self.root, "sources.list")
        with open(listing, "w", encoding="ascii") as handle:
            handle.write("\n".join(sources(suite)) + "\n")
        status = os.path.join(self.root, "status")
        with open(status, "w", encoding="ascii"):
            pass
        options = {
            "Dir::State": self.root,
            "Dir::State::lists": os.path.join(self.root, "lists"),
            "Dir::State::status": status,
            "Dir::Cache": self.root,
            "Dir::Cache::archives": os.path.join(self.root, "archives"),
            "Dir::Etc::sourcelist": listing,
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "APT::Architecture": "amd64",
            "APT::Sandbox::User": "root",
        }
        self._options = [word for key, value in options.items()
                         for word in ("-o", f"{key}={value}")]

    def run(self, program, *words, **options):
        # apt's post-update hooks are for the host's own lists
        quiet = ["-o", "APT::Update::Post-Invoke-Success=", "-qq"]
        return subprocess.run([program, *self._options, *quiet, *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              **options)

    def update(self):
        # apt fails at once, and does not wait, when another one holds the lists
        with locked(f"apt-{self.suite}"):
            done = self.run("apt-get", "update")
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
            raise LabError(f"apt cannot read suite {self.suite}: {reason}")

    def depends(self, package):
        """Names that the candidate of `package` depends on; empty when there is no such package."""
        done = self.run("apt-cache", "show", "--no-all-versions", package)
        for line in done.stdout.splitlines():
            if line.startswith("Depends:"):
                return [word.strip().split()[0] for word in line[8:].split(",")]
        return []

    def candidates(self, pattern):
        """Package names that match a regular expression."""
        done = self.run("apt-cache", "search", "--names-only", pattern)
        return [line.split()[0] for line in done.stdout.splitlines()]

    def download(self, package, directory):
        done = self.run("apt-get", "download", package, cwd=directory)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
            raise LabError(f"apt cannot download {package} from {self.suite}: {reason}")
