# SPDX-License-Identifier: GPL-2.0
"""Hosts that tests of hvstimer watch build: a tracefs tree whose histograms change, a /proc, ring buffers that hold a
recording; and the means to run watch there."""
import glob
import os
import re
import shutil
import signal
import struct
import subprocess
import time

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
BUILD = os.path.abspath(os.environ.get('O', 'build'))
HVSTIMER, GENERATOR = os.path.join(BUILD, 'hvstimer'), os.path.join(BUILD, 'hvst-gen')
PATIENCE = 30
TID = 4242
FAST = ['--interval', '100ms', '--min-length', '100ms']
STIMER = 'kvm_hv_stimer_'
results = []


def same(name, want, got):
    results.append(want == got)
    if want == got:
        print(f'ok {len(results)} - {name}')
    else:
        print(f'not ok {len(results)} - {name}\n    want: {want!r}\n    got:  {got!r}')


def holds(name, pattern, text):
    same(name, pattern, pattern if re.search(pattern, text, re.M) else text)


def write(path, text, mode='w'):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, mode) as f:
        f.write(text)


def read(path):
    with open(path, encoding='utf-8', errors='replace') as f:
        return f.read()


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.02)
    same(f'within {PATIENCE} s: {what}', True, False)
    return None


def build_shim():
    """the library that makes directories of a plain file system behave as those of tracefs"""
    path = os.path.join(BUILD, 'fake_tracefs.so')
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime('tests/cli/fake_tracefs.c'):
        new = f'{path}.{os.getpid()}'
        subprocess.run(['cc', '-shared', '-fPIC', '-o', new, 'tests/cli/fake_tracefs.c', '-ldl'], check=True)
        os.rename(new, path)
    return path


class Recording:
    """A version 6 trace.dat without compression, taken apart."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            self.data = f.read()
        assert self.data[:12] == b'\x17\x08\x44tracing6\0', self.data[:12]
        self.at = 12 + 2 + 4    # magic and version, byte order, size of a long, of a page
        self.take(12)
        self.header_page = self.sized()
        self.take(13)
        self.header_event = self.sized()
        for _ in range(self.number('I')):
            self.sized()
        self.formats = {}
        for _ in range(self.number('I')):
            system = self.string()
            for _ in range(self.number('I')):
                text = self.sized()
                self.formats[system, re.match(rb'name: (\w+)', text)[1].decode()] = text
        self.take(self.number('I'))
        self.take(self.number('I'))
        self.cmdlines = self.sized()
        cpus = self.number('I')
        assert self.take(10) == b'options  \0'
        while (option := self.number('H')):
            value = self.take(self.number('I'))
            if option == 4:
                self.clock = value.rstrip(b'\0').decode()
        assert self.take(10) == b'flyrecord\0'
        places = [(self.number('Q'), self.number('Q')) for _ in range(cpus)]
        self.pages = [self.data[at:at + size] for at, size in places]

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, kind):
        return struct.unpack('<' + kind, self.take(struct.calcsize(kind)))[0]

    def sized(self):
        return self.take(self.number('Q'))

    def string(self):
        end = self.data.index(0, self.at)
        text = self.data[self.at:end].decode()
        self.at = end + 1
        return text


class Host:
    """A tracefs tree and a /proc with one VM of one vCPU; instances come into being as copies of @template."""

    def __init__(self, where, recording):
        self.root, self.template = os.path.join(where, 'tracing'), os.path.join(where, 'template')
        self.proc, self.out = os.path.join(where, 'proc'), os.path.join(where, 'saved')
        for path in (self.root, self.template, self.proc, self.out):
            shutil.rmtree(path, ignore_errors=True)
        os.makedirs(self.out)
        for (system, event), text in recording.formats.items():
            self.event(self.root, system, event, text)
            self.event(self.template, system, event, text)
        for tree in (self.root, self.template):
            for name, text in ('tracing_on', '1\n'), ('trace_clock', recording.clock), ('buffer_size_kb', '1410\n'), \
                    ('current_tracer', 'nop\n'), ('options/overwrite', '1\n'), ('events/enable', '0\n'):
                write(os.path.join(tree, name), text)
            write(os.path.join(tree, 'events/header_page'), recording.header_page, 'wb')
            write(os.path.join(tree, 'events/header_event'), recording.header_event, 'wb')
            for cpu, pages in enumerate(recording.pages):
                write(os.path.join(tree, f'per_cpu/cpu{cpu}/trace_pipe_raw'), pages, 'wb')
        write(os.path.join(self.root, 'saved_cmdlines'), recording.cmdlines, 'wb')
        os.makedirs(os.path.join(self.root, 'instances'))
        write(f'{self.proc}/{TID}/status', f'Name:\tCPU 0/KVM\nTgid:\t{TID - 2}\n')
        write(f'{self.proc}/{TID}/comm', 'CPU 0/KVM\n')
        write(f'{self.proc}/{TID - 2}/cmdline', 'qemu-system-x86_64\0-name\0guest=win2025,debug-threads=on\0')
        self.counts = dict.fromkeys(('ok', 'refused', 'callback', 'start_one_shot', 'start_periodic', 'start_expired'), 0)
        self.set_hist(self.template)

    @staticmethod
    def event(tree, system, event, text):
        where = os.path.join(tree, 'events', system, event)
        write(os.path.join(where, 'format'), text, 'wb')
        for name in 'filter', 'enable', 'trigger':
            write(os.path.join(where, name), '')

    def hist(self, keys, hits, condition='', entries=None):
        entry = ', '.join(f'{key}: {value:10}' for key, value in keys)
        return ('# event histogram\n#\n# trigger info: hist:keys=' + ','.join(k for k, _ in keys) +
                f':vals=hitcount:sort=hitcount:size=8192{condition} [active]\n#\n\n' +
                (f'{{ {entry} }} hitcount: {hits:10}\n' if hits else '') +
                f'\nTotals:\n    Hits: {hits}\n    Entries: {entries or int(bool(hits))}\n    Dropped: 0\n')

    def set_hist(self, tree, **change):
        timer = [('vcpu_id', 0), ('timer_index', 0)]
        thread = [('common_pid', TID)] + timer
        c = self.counts
        texts = {'expiration': self.hist(thread, c['refused'], ' if msg_send_result != 0') + '\n\n' +
                 self.hist(thread, c['ok'], ' if msg_send_result == 0', change.get('entries')),
                 'callback': self.hist(timer, c['callback'])}
        for event in 'start_one_shot', 'start_periodic', 'start_expired':
            texts[event] = self.hist(thread, c[event])
        for event, text in texts.items():
            where = os.path.join(tree, 'events/kvm', STIMER + event)
            if os.path.isdir(where):
                write(os.path.join(where, 'new'), change.get('text', text))
                os.rename(os.path.join(where, 'new'), os.path.join(where, 'hist'))

    def instances(self, pattern='hvstimer-watch-*'):
        return sorted(glob.glob(os.path.join(self.root, 'instances', pattern)))

    def probe(self):
        return [path for path in self.instances() if not path.endswith('-ring')]

    def count(self, **more):
        for what, by in more.items():
            self.counts[what] += by
        for path in self.probe():
            self.set_hist(path)

    def remove_event(self, event):
        for tree in (self.root, self.template):
            shutil.rmtree(os.path.join(tree, 'events/kvm', STIMER + event))

    def state(self):
        """Everything but the instances, with the times of writing."""
        found = []
        for where, dirs, files in os.walk(self.root):
            if where == self.root:
                dirs.remove('instances')
            for name in files:
                path = os.path.join(where, name)
                found.append((path, os.stat(path).st_mtime_ns, os.path.getsize(path)))
        return sorted(found)


class Watch:
    """A run; its standard output and error are files."""

    def __init__(self, host, *args, **kw):
        self.host = host
        host.counts = dict.fromkeys(host.counts, 0)
        self.out, self.err = os.path.join(host.out, '../out'), os.path.join(host.out, '../err')
        env = dict(os.environ, HVSTIMER_TRACEFS=host.root, HVSTIMER_PROC=host.proc, FAKE_INSTANCE=host.template,
                   LD_PRELOAD=build_shim(), ASAN_OPTIONS='verify_asan_link_order=0:' + os.environ.get('ASAN_OPTIONS', ''),
                   TERM='xterm', LC_ALL='C.UTF-8', FAKE_SPEED=str(kw.get('speed', 1)))
        with open(self.out, 'w', encoding='utf-8') as out, open(self.err, 'w', encoding='utf-8') as err:
            self.p = subprocess.Popen([HVSTIMER, 'watch', *args], env=env, stdin=subprocess.DEVNULL,
                                      stdout=kw.get('stdout', out), stderr=err)

    def began(self):
        wait_for('it counts', lambda: re.search('watch: (counting|diagnosing)', self.stderr()) or self.p.poll() is not None)
        return self

    def line(self, pattern):
        return wait_for(pattern, lambda: re.search(pattern, self.stdout(), re.M))

    def stdout(self):
        return read(self.out)

    def stderr(self):
        return read(self.err)

    def ends(self):
        try:
            return self.p.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.p.kill()
            return f'hangs: {self.stderr()}'

    def end(self, sig=signal.SIGTERM):
        self.p.send_signal(sig)
        return self.ends()


def run(host, *args):
    w = Watch(host, *args)
    return w, w.ends()
