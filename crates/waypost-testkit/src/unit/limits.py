"""Runs a program under the system call limits that a systemd unit asks for: limits.py UNIT PROGRAM
ARGUMENT... Each line of the unit becomes the filter that systemd 252 makes of it."""

import errno
import os
import resource
import seccomp
import socket
import subprocess
import sys

CLONE_NEW = {
    "cgroup": 0x02000000, "ipc": 0x08000000, "net": 0x40000000, "mnt": 0x00020000,
    "pid": 0x20000000, "user": 0x10000000, "uts": 0x04000000, "time": 0x00000080,
}
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
SET_ID = (0o4000, 0o2000)
REALTIME = (1, 2, 6)
FAMILIES = 46


def lines_of(path):
    """The settings of [Service], in order, with all the values of each."""
    settings, section = {}, None
    for line in open(path):
        line = line.strip()
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and line[0] not in "#;":
            name, value = line.split("=", 1)
            settings.setdefault(name, []).append(value)
    return settings


def members(name, sets={}):
    """The system calls of a set such as @system-service."""
    if not name.startswith("@"):
        return {name}
    if name not in sets:
        said = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name],
                              check=True, capture_output=True, text=True).stdout
        words = [line.split("#")[0].strip() for line in said.splitlines()[1:]]
        sets[name] = set().union(*(members(word) for word in words if word))
    return sets[name]


def of_calls(settings):
    """SystemCallFilter=: what is not allowed gets SystemCallErrorNumber=."""
    allowed = set()
    for value in settings["SystemCallFilter"]:
        denied = value.startswith("~")
        for name in value.lstrip("~").split():
            allowed = allowed - members(name) if denied else allowed | members(name)
    allowed |= members("@default")
    number = getattr(errno, settings.get("SystemCallErrorNumber", ["EPERM"])[-1])
    filter = seccomp.SyscallFilter(seccomp.ERRNO(number))
    for name in sorted(allowed):
        try:
            filter.add_rule(seccomp.ALLOW, name)
        except (RuntimeError, ValueError, OSError):
            pass  # Of another architecture, or newer than the library.
    return filter


class Denials:
    """A filter that allows everything but what it is told."""

    def __init__(self):
        self.filter = seccomp.SyscallFilter(seccomp.ALLOW)

    def deny(self, name, *arguments, number=errno.EPERM):
        self.filter.add_rule(seccomp.ERRNO(number), name, *arguments)

    def masked(self, name, argument, mask, number=errno.EPERM):
        self.deny(name, seccomp.Arg(argument, seccomp.MASKED_EQ, mask, mask), number=number)


def of_arguments(settings):
    """The settings that look at arguments."""
    def is_on(name):
        return settings.get(name, ["no"])[-1] == "yes"

    denials = Denials()
    if is_on("MemoryDenyWriteExecute"):
        denials.masked("mmap", 2, PROT_WRITE | PROT_EXEC)
        denials.masked("mprotect", 2, PROT_EXEC)
        denials.masked("pkey_mprotect", 2, PROT_EXEC)
        denials.masked("shmat", 2, SHM_EXEC)
    families = settings.get("RestrictAddressFamilies")
    if families:
        allowed = {getattr(socket, name) for value in families for name in value.split()}
        for family in set(range(FAMILIES)) - allowed:
            denials.deny("socket", seccomp.Arg(0, seccomp.EQ, family), number=errno.EAFNOSUPPORT)
        denials.deny("socket", seccomp.Arg(0, seccomp.GE, FAMILIES), number=errno.EAFNOSUPPORT)
    if is_on("RestrictNamespaces"):
        denials.deny("setns")
        denials.deny("clone3", number=errno.ENOSYS)
        for flag in CLONE_NEW.values():
            denials.masked("unshare", 0, flag)
            denials.masked("clone", 0, flag)
    if is_on("RestrictRealtime"):
        for policy in REALTIME:
            denials.deny("sched_setscheduler", seccomp.Arg(1, seccomp.EQ, policy))
    if is_on("RestrictSUIDSGID"):
        places = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "mkdir": 1, "mkdirat": 2, "mknod": 1,
                  "mknodat": 2, "creat": 1}
        for name, argument in places.items():
            for bit in SET_ID:
                denials.masked(name, argument, bit)
        denials.deny("openat2", number=errno.ENOSYS)
    if is_on("LockPersonality"):
        denials.deny("personality", seccomp.Arg(0, seccomp.NE, 0))
    if is_on("ProtectHostname"):
        denials.deny("sethostname")
        denials.deny("setdomainname")
    return denials.filter


def limit_files(settings):
    """LimitNOFILE=, or what this machine allows, if that is less."""
    wanted = int(settings["LimitNOFILE"][-1])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def main():
    settings = lines_of(sys.argv[1])
    limit_files(settings)
    os.umask(int(settings["UMask"][-1], 8))
    filters = [of_arguments(settings), of_calls(settings)]
    for filter in filters:
        filter.load()
    os.execvp(sys.argv[2], sys.argv[2:])


main()
