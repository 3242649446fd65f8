# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes newc archives, the form in which the kernel takes its initial root file system.

Written here and not left to cpio(1) so that ownership and device nodes need no privilege: they
come from a tar stream, or are given by the caller.
"""

import os
import stat
import tarfile


class Writer:
    def __init__(self, out):
        self._out = out
        self._ino = 0
        self._seen_dirs = set()
        self._written = 0

    def _put(self, data):
        self._out.write(data)
        self._written += len(data)

    def _pad(self):
        self._put(b"\0" * (-self._written % 4))

    def _header(self, name, mode, uid, gid, nlink, mtime, size, ino, rdev=(0, 0)):
        encoded = os.fsencode(name) + b"\0"
        fields = (ino, mode, uid, gid, nlink, mtime, size, 0, 0, rdev[0], rdev[1], len(encoded), 0)
        self._put(b"070701" + b"".join(b"%08X" % field for field in fields) + encoded)
        self._pad()

    def entry(self, name, mode, data=b"", uid=0, gid=0, mtime=0, rdev=(0, 0), ino=None, nlink=1):
        """One file of any type; `name` is relative to the root, `mode` includes the type bits."""
        if ino is None:
            ino = self.next_ino()
        self._header(name, mode, uid, gid, nlink, mtime, len(data), ino, rdev)
        self._put(data)
        self._pad()

    def next_ino(self):
        self._ino += 1
        return self._ino

    def directory(self, name, mode=0o755, uid=0, gid=0):
        """The directory and those above it, each once."""
        parent = os.path.dirname(name)
        if parent and parent not in self._seen_dirs:
            self.directory(parent)
        if name not in self._seen_dirs:
            self._seen_dirs.add(name)
            self.entry(name, stat.S_IFDIR | mode, uid=uid, gid=gid, nlink=2)

    def file(self, name, data, mode=0o644):
        self.directory(os.path.dirname(name))
        if isinstance(data, str):
            data = data.encode()
        self.entry(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        self.directory(os.path.dirname(name))
        self.entry(name, stat.S_IFLNK | 0o777, os.fsencode(target))

    def tree(self, source, prefix="", skip=None):
        """Everything below the directory `source`, owned by root."""
        for path, dirs, files in os.walk(source):
            dirs.sort()
            relative = os.path.relpath(path, source)
            inside = prefix if relative == "." else os.path.join(prefix, relative)
            for name in sorted(files) + [d for d in dirs if os.path.islink(os.path.join(path, d))]:
                self._tree_file(os.path.join(path, name), os.path.join(inside, name), skip)

    def _tree_file(self, path, inside, skip):
        if skip and skip(inside):
            return
        info = os.lstat(path)
        if stat.S_ISLNK(info.st_mode):
            self.symlink(inside, os.readlink(path))
        elif stat.S_ISREG(info.st_mode):
            with open(path, "rb") as handle:
                self.file(inside, handle.read(), info.st_mode & 0o7777)

    def end(self):
        self.entry("TRAILER!!!", 0)


def from_tar(stream, out, leave_out, late=None):
    """Copies a tar stream to newc; `leave_out(name)` drops an entry, `late(writer)` adds some."""
    types = {
        tarfile.DIRTYPE: stat.S_IFDIR,
        tarfile.SYMTYPE: stat.S_IFLNK,
        tarfile.CHRTYPE: stat.S_IFCHR,
        tarfile.BLKTYPE: stat.S_IFBLK,
        tarfile.FIFOTYPE: stat.S_IFIFO,
    }
    writer = Writer(out)
    contents = {}
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = member.name[2:] if member.name.startswith("./") else member.name
            if name in ("", ".") or leave_out(name):
                continue
            kind = types.get(member.type, stat.S_IFREG)
            data = b""
            if kind == stat.S_IFLNK:
                data = os.fsencode(member.linkname)
            elif member.islnk():
                data = contents.get(member.linkname.removeprefix("./"), b"")
            elif kind == stat.S_IFREG:
                data = archive.extractfile(member).read()
                # A hard link comes later in the stream and is written as a copy; only small
                # packages use them, so a bounded memory suffices.
                if len(data) < 8 << 20:
                    contents[name] = data
            writer.entry(name, kind | member.mode, data, member.uid, member.gid,
                         int(member.mtime), (member.devmajor, member.devminor))
        if late:
            late(writer)
    writer.end()
