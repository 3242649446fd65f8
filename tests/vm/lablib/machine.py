# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine: its shape and the QEMU command line that makes it."""

import dataclasses
import os

from .util import EXIT_USAGE, LabError, need

# Without cx16=off kernel 6.12 sometimes dies in its slab allocator, with erms page copies are slow.
CPU_MODEL = "max,la57=off,cx16=off,erms=off"
KERNEL_LINE = ("console=ttyS0 quiet mitigations=off init_on_alloc=0 panic=-1 apparmor=0 audit=0 "
               "systemd.show_status=0 systemd.unit=lab.target tsc=reliable norandmaps")
SHARED_BYTES = 64 << 20
MAX_NODES = 8
MAX_CPUS = 16


@dataclasses.dataclass(frozen=True)
class Shape:
    """What distinguishes machines; hashable, so that test cases can share a boot."""

    nodes: int = 2
    cpus_per_node: int = 1
    mem: int = 1536 << 20
    memory_node: bool = False
    kernel: str = "6.1"
    balancing: str = "off"
    penalty: int = 0
    append: str = ""
    distance: int = 20
    # Rows of distances between all nodes, "10,15/30,10", where one distance does not do.
    distances: str = ""
    oracle: bool = True
    # The plugin counts the instructions of each CPU; then it is no oracle.
    instructions: bool = False

    def check(self):
        if not 1 <= self.nodes <= MAX_NODES - 1:
            raise LabError(f"1 to {MAX_NODES - 1} nodes, not {self.nodes}", EXIT_USAGE)
        if not 1 <= self.nodes * self.cpus_per_node <= MAX_CPUS:
            raise LabError(f"1 to {MAX_CPUS} CPUs in all", EXIT_USAGE)
        if self.mem < 512 << 20 or self.mem % (1 << 20):
            raise LabError("at least 512M per node, in whole MiB", EXIT_USAGE)
        if self.distances and {len(self.table), *map(len, self.table)} != {self.memory_nodes}:
            raise LabError(f"distances: {self.memory_nodes} rows of as many numbers", EXIT_USAGE)

    @property
    def table(self):
        return [row.split(",") for row in self.distances.split("/")]

    @property
    def memory_nodes(self):
        return self.nodes + (1 if self.memory_node else 0)

    def describe(self):
        text = f"kernel {self.kernel}, {self.nodes} nodes x {self.cpus_per_node} CPU"
        if self.memory_node:
            text += " and a node without CPUs"
        return (f"{text}, {self.mem >> 20} MiB each, balancing {self.balancing}, "
                f"penalty {self.penalty} ns")


def _numa(shape):
    """Node n has CPUs [n * cpus_per_node, ...) and memory mN of equal size."""
    words = []
    for node in range(shape.memory_nodes):
        words += ["-object", f"memory-backend-ram,id=m{node},size={shape.mem}"]
    for node in range(shape.memory_nodes):
        cpus = ""
        if node < shape.nodes:
            first = node * shape.cpus_per_node
            last = first + shape.cpus_per_node - 1
            cpus = f",cpus={first}-{last}" if last > first else f",cpus={first}"
        words += ["-numa", f"node,nodeid={node}{cpus},memdev=m{node}"]
    for src in range(shape.memory_nodes):
        for dst in range(shape.memory_nodes):
            if src != dst:
                far = 2 * shape.distance if max(src, dst) >= shape.nodes else shape.distance
                if shape.distances:
                    far = shape.table[src][dst]
                words += ["-numa", f"dist,src={src},dst={dst},val={far}"]
    return words


def _plugin(shape, plugin, shared, log):
    # The plugin interface reports offset of the RAM block + address of its region: with the
    # shared memory allocated first, node n of equal sizes S begins at SHARED + 2 n S. The
    # self-test checks.
    ranges = []
    for node in range(shape.memory_nodes):
        start = SHARED_BYTES + 2 * node * shape.mem
        ranges.append(f"{start:x}-{start + shape.mem:x}")
    cpus = ":".join(str(n) for n in range(shape.nodes) for _ in range(shape.cpus_per_node))
    words = f"{plugin},results={shared},cpus={cpus},map={':'.join(ranges)}"
    if shape.instructions:
        return ["-plugin", words + ",count=instructions"]
    return ["-plugin", f"{words},log={log},penalty={shape.penalty}"]


def command_line(shape, kernel, initrd, plugin, shared, out):
    """QEMU with the console in a file, the lab's stream on standard output."""
    shape.check()
    n_cpus = shape.nodes * shape.cpus_per_node
    append = (f"{KERNEL_LINE} numa_balancing={'enable' if shape.balancing == 'on' else 'disable'} "
              f"{shape.append}")
    argv = [need("qemu-system-x86_64", "qemu-system-x86"), "-nodefaults", "-no-user-config",
            "-name", "numabalancer-lab", "-display", "none", "-vga", "none", "-no-reboot",
            "-accel", "tcg,thread=multi,tb-size=512", "-M", "q35", "-cpu", CPU_MODEL,
            "-smp", f"{n_cpus},sockets={shape.nodes},cores={shape.cpus_per_node},threads=1",
            "-m", f"{shape.memory_nodes * shape.mem >> 20}M",
            "-object", f"memory-backend-file,id=shared,share=on,mem-path={shared},"
                       f"size={SHARED_BYTES}",
            *_numa(shape),
            "-device", "ivshmem-plain,memdev=shared",
            "-kernel", kernel, "-initrd", initrd, "-append", append.strip(),
            "-chardev", f"file,id=console,path={os.path.join(out, 'console.log')}",
            "-serial", "chardev:console",
            "-chardev", "stdio,id=stream,signal=off", "-serial", "chardev:stream"]
    if shape.oracle or shape.instructions:
        argv += _plugin(shape, plugin, shared, os.path.join(out, "oracle.jsonl"))
    return argv
