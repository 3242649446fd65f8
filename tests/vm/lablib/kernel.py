# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's cloud kernels, unpacked without installing them."""

import glob
import lzma
import os
import subprocess

from . import apt
from .util import EXIT_SKIP, EXIT_USAGE, LabError, atomic_dir, cache_dir, locked, say

SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "7": "sid"}
REQUIRED = ("6.1", "6.12")
META = "linux-image-cloud-amd64"


def _image_package(private, version):
    """The package with the kernel itself, found through the metapackage."""
    names = [n for n in private.depends(META) if n.startswith(f"linux-image-{version}.")]
    if not names:
        raise LabError(f"suite {private.suite} has no kernel {version} in {META}")
    # since 7.x the image package is itself empty and the kernel in linux-binary-*
    for inner in private.depends(names[0]):
        if inner.startswith("linux-binary-"):
            return inner
    return names[0]


def _fetch(version, path):
    private = apt.PrivateApt(SUITES[version])
    private.update()
    package = _image_package(private, version)
    say(f"fetching {package}")
    with atomic_dir(path) as temporary:
        private.download(package, temporary)
        debs = glob.glob(os.path.join(temporary, "*.deb"))
        subprocess.run(["dpkg", "-x", debs[0], temporary], check=True)
        os.unlink(debs[0])
        if not _image_in(temporary):
            raise LabError(f"{package} has no kernel in /boot")


def _image_in(path):
    found = glob.glob(os.path.join(path, "boot", "vmlinuz-*")) + \
        glob.glob(os.path.join(path, "usr", "lib", "modules", "*", "vmlinuz"))
    return found[0] if found else None


def kernel(version):
    """The path of the bzImage; LabError with EXIT_SKIP when apt cannot supply it."""
    if version not in SUITES:
        raise LabError(f"unknown kernel '{version}': one of {' '.join(SUITES)}", EXIT_USAGE)
    path = os.path.join(cache_dir(), f"kernel-{version}")
    with locked(f"kernel-{version}"):
        if not _image_in(path):
            try:
                _fetch(version, path)
            except (LabError, subprocess.CalledProcessError) as error:
                raise LabError(f"kernel {version} is not available: {error}",
                               EXIT_SKIP) from error
    return _image_in(path)


def module(version, name):
    """The module's file, decompressed; None when the kernel's package has none of that name."""
    root = os.path.join(cache_dir(), f"kernel-{version}")
    for path in glob.glob(os.path.join(root, "**", f"{name}.ko*"), recursive=True):
        with open(path, "rb") as handle:
            data = handle.read()
        if path.endswith(".ko"):
            return data
        if path.endswith(".ko.xz"):
            return lzma.decompress(data)
    return None


def release(version):
    """What uname -r says in the guest, from the file's name."""
    image = os.path.realpath(kernel(version))
    base = os.path.basename(image)
    return base[8:] if base.startswith("vmlinuz-") else os.path.basename(os.path.dirname(image))


def main_kernel(version):
    print(kernel(version))
    return 0
