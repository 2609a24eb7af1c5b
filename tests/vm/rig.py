# SPDX-License-Identifier: GPL-2.0
"""A Linux host with KVM in an emulated machine: builds its image from Debian's packages, boots it, runs shell
scripts in it and brings their files back.

QEMU emulates the CPU with its SVM, so the machine's KVM is the real one even where this host has none to lend.
The emulator is slow, and now and then a machine in it dies or hangs: that is told from a script's failure, and what
had not ended yet runs again in another machine.
"""
import collections
import glob
import lzma
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
MODULES = ['virtio_pci', 'virtio_console', 'kvm-amd', 'kvm-intel']      # where the kernel does not have them built in
BOOT_LIMIT = 600        # seconds of this host, which may be busy
SLOWER = 3              # a job's seconds are the machine's, of which each may take so many
TRIES = 3


class Missing(Exception):
    """a package or program that the rig needs is not here"""


def command(*words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def kernel_package():
    """the package that group vm-kernel of packages.list stands for: a metapackage depends on the newest"""
    name = command(os.path.join(TOP, 'scripts', 'packages'), 'list', 'vm-kernel').split()[0]
    if os.environ.get('VM_KERNEL'):
        name = os.environ['VM_KERNEL']
    depends = re.search(r'^\s*Depends: (linux-image-\S+)$', command('apt-cache', 'depends', name), re.M)
    return depends.group(1) if depends else name


def unpack_kernel(cache):
    """directory of the unpacked kernel package, downloaded once, never installed"""
    name = kernel_package()
    where = os.path.join(cache, name)
    if os.path.isdir(where):
        return where
    with tempfile.TemporaryDirectory(dir=cache) as tmp:
        try:
            command('apt-get', 'download', '-qq', name, cwd=tmp, stderr=subprocess.DEVNULL)
        except subprocess.CalledProcessError as e:
            raise Missing(f'package {name} cannot be downloaded') from e
        command('dpkg-deb', '-x', glob.glob(tmp + '/*.deb')[0], tmp + '/x')
        os.rename(tmp + '/x', where)
    return where


def module_order(modules, names):
    """@names and what they depend on, in the order in which they must be loaded; @modules: name -> content"""
    order = []

    def visit(name):
        if name in order or name not in modules:
            return
        depends = re.search(rb'\0depends=([^\0]*)\0', b'\0' + modules[name])
        for other in (depends.group(1).decode().split(',') if depends else []):
            visit(other.replace('_', '-') if other not in modules else other)
        order.append(name)

    for name in names:
        visit(name)
    return order


def read_modules(kernel):
    found = {}
    for path in glob.glob(kernel + '/lib/modules/*/kernel/**/*.ko*', recursive=True):
        name = os.path.basename(path).split('.ko')[0]
        if not re.match(r'kvm|irqbypass|ccp$|virtio', name):
            continue
        with open(path, 'rb') as f:
            data = f.read()
        found[name] = lzma.decompress(data) if path.endswith('.xz') else data
    return found


def libraries(program):
    """shared objects that @program is loaded with"""
    return re.findall(r'(/\S+\.so\S*)', command('ldd', program))


def add_program(files, path, to='usr/bin'):
    files[f'{to}/{os.path.basename(path)}'] = path
    for so in libraries(path):
        files['lib64/' + os.path.basename(so) if 'ld-linux' in so else 'lib/' + os.path.basename(so)] = so


def write_cpio(tree, out):
    """the directory @tree as an initramfs"""
    with open(out, 'wb') as f:
        names = command('find', '.', '-mindepth', '1', cwd=tree)
        subprocess.run(['cpio', '-o', '-H', 'newc', '-R', '0:0', '--quiet'], check=True, cwd=tree, stdout=f,
                       input=names.encode())


def lay(tree, files):
    """@files: path below @tree -> path of a file to copy, or bytes"""
    for name, what in files.items():
        to = os.path.join(tree, name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        if isinstance(what, bytes):
            with open(to, 'wb') as f:
                f.write(what)
        else:
            shutil.copy(what, to)


EMULATED_CPU = ['-cpu', 'EPYC,+svm,+npt,+invtsc']
# Time passes in the machine by its instructions, 4 ns each, and by timers while it idles: however busy this host is, its
# guests get their time, and seconds of idling take none here.
BY_INSTRUCTIONS = ['-accel', 'tcg,thread=single', '-icount', 'shift=2,sleep=off', *EMULATED_CPU]
BY_THE_CLOCK = ['-accel', 'tcg,thread=multi', *EMULATED_CPU]


def accelerator():
    """KVM where it lends its guests virtualisation of their own, or else emulation"""
    if os.environ.get('VM_TIME') == 'clock':
        return BY_THE_CLOCK
    for vendor in ('amd', 'intel'):
        try:
            with open(f'/sys/module/kvm_{vendor}/parameters/nested', encoding='ascii') as f:
                nested = f.read().strip() in ('1', 'Y')
        except OSError:
            continue
        if nested and os.access('/dev/kvm', os.R_OK | os.W_OK):
            return ['-accel', 'kvm', '-cpu', 'host']
    return BY_INSTRUCTIONS


class Rig:
    """The machine. @programs: paths of what its scripts run, beside busybox and trace-cmd; @within: seconds for all."""

    def __init__(self, build, programs, files=None, within=None):
        self.until = time.monotonic() + within if within else None
        self.cache = os.path.join(build, 'vm')
        os.makedirs(self.cache, exist_ok=True)
        for need in ('qemu-system-x86_64', 'busybox', 'cpio', 'trace-cmd', 'apt-get', 'dpkg-deb', 'ldd'):
            if not shutil.which(need):
                raise Missing(f'{need} is not installed')
        self.kernel = unpack_kernel(self.cache)
        self.base = self.base_image()
        self.files = dict(files or {})
        for path in programs:
            if not os.path.exists(path):
                raise Missing(f'{path} is not built')
            add_program(self.files, path)
        self.boots = 0
        self.failures = 0       # machines that died in the emulator

    def base_image(self):
        out = os.path.join(self.cache, os.path.basename(self.kernel) + '.cpio')
        modules = read_modules(self.kernel)
        order = module_order(modules, MODULES)
        files = {f'modules/{name}.ko': modules[name] for name in order}
        files['modules/order'] = '\n'.join(order).encode()
        files['init'] = os.path.join(HERE, 'init')
        files['bin/busybox'] = shutil.which('busybox')
        add_program(files, shutil.which('trace-cmd'))
        with tempfile.TemporaryDirectory() as tree:
            lay(tree, files)
            os.chmod(tree + '/init', 0o755)
            write_cpio(tree, out)
        return out

    def boot_once(self, jobs, where):
        """One machine runs @jobs (name -> (script, seconds)). Returns {name: exit status} of those that ended and whose
        files are now in @where/NAME."""
        files = dict(self.files)
        for name, (script, limit) in jobs.items():
            files[f'jobs/{name}.sh'] = script.encode()
            files[f'jobs/{name}.limit'] = str(limit).encode()
        with tempfile.TemporaryDirectory() as tmp:
            lay(tmp + '/tree', files)
            write_cpio(tmp + '/tree', tmp + '/jobs.cpio')
            with open(tmp + '/initrd', 'wb') as f:
                for part in (self.base, tmp + '/jobs.cpio'):
                    with open(part, 'rb') as p:
                        shutil.copyfileobj(p, f)
            limit = BOOT_LIMIT + sum(SLOWER * (seconds + 20) for _, seconds in jobs.values())
            if self.until:
                limit = max(1, min(limit, self.until - time.monotonic()))
            self.boots += 1
            console = os.path.join(where, f'console.{self.boots}')
            self.qemu(tmp, console, limit)
            sent = self.unpack(tmp + '/files.tar', where)
        return {name: rc for name, rc in self.ended(console).items() if name in sent}

    def qemu(self, tmp, console, limit):
        vmlinuz = glob.glob(self.kernel + '/boot/vmlinuz-*')[0]
        words = ['qemu-system-x86_64', *accelerator(), '-machine', 'pc', '-smp', os.environ.get('VM_CPUS', '2'), '-m', '1536', '-nodefaults',
                 '-display', 'none', '-no-reboot', '-serial', 'file:' + console, '-kernel', vmlinuz,
                 '-initrd', tmp + '/initrd', '-append', 'console=ttyS0 panic=-1 tsc=reliable mitigations=off loglevel=4',
                 '-device', 'virtio-serial-pci', '-chardev', f'file,id=files,path={tmp}/files.tar',
                 '-device', 'virtserialport,chardev=files,name=files']
        with open(console + '.qemu', 'wb') as err:
            try:
                subprocess.run(words, timeout=limit, check=False, stdin=subprocess.DEVNULL, stderr=err)
            except subprocess.TimeoutExpired:
                print(f'# the emulated machine hangs, or has no more time: stopped after {limit:.0f} s', flush=True)

    @staticmethod
    def ended(console):
        """{name: exit status} of the jobs that ended, by what init wrote"""
        with open(console, encoding='utf-8', errors='replace') as f:
            return {m.group(1): int(m.group(2)) for m in re.finditer(r'RIG: end (\S+) (\d+)', f.read())}

    @staticmethod
    def unpack(archive, where):
        """names of the jobs whose files arrived complete; the archives of all jobs lie one behind the other"""
        names = set()
        try:
            with tarfile.open(archive, ignore_zeros=True) as tar:
                for member in tar:
                    tar.extract(member, where)
                    names.add(member.name.split('/')[0])
        except (tarfile.TarError, OSError, EOFError) as e:
            print('# files of a job are cut off, it runs again:', e)
        return names

    def run(self, jobs, where):
        """Runs all of @jobs, in as many machines as it takes: a machine that dies is followed by one with the jobs that
        are left. Returns {name: exit status, or None for a job in which TRIES machines died or which had no time}."""
        os.makedirs(where, exist_ok=True)
        results, left, deaths = {}, dict(jobs), collections.Counter()
        while left:
            got = self.boot_once(left, where)
            results.update(got)
            left = {name: job for name, job in left.items() if name not in got}
            if not left:
                break
            self.failures += 1
            if self.until and time.monotonic() > self.until:
                results.update(dict.fromkeys(left))
                break
            victim = next(iter(left))
            deaths[victim] += 1
            print(f'# the emulated machine died in {victim}', flush=True)
            if deaths[victim] == TRIES:
                results[victim] = None
                del left[victim]
        return results
