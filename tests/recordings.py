# SPDX-License-Identifier: GPL-2.0
"""For tests in Python: where things are, and the recordings at hand.

All of samples/recordings; with those of $HVST_RECORDINGS, or of ../shared/recordings beside the checkout.
"""
import glob
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HVSTIMER = os.path.join(TOP, os.environ.get('O', 'build'), 'hvstimer')
# A line of trace-cmd report, by its fields: from 3.3 on the flags ("d..1.") follow the CPU, and the
# columns are others; an instance's lines begin with its name, an event's may with its system.
REPORT_LINE = re.compile(r'^\s*(?P<task>\S.*)-(?P<pid>\d+)\s+\[(?P<cpu>\d+)\]\s+(?:[^\s\d]\S*\s+)?'
                         r'(?P<ts>\d+(?:\.\d+)?):\s+(?:\w+:)?(?P<event>\w+):\s+(?P<text>.*)$')


def shared():
    """the folder of further recordings, which need not exist"""
    if 'HVST_RECORDINGS' in os.environ:
        return os.environ['HVST_RECORDINGS']
    checkout = TOP
    if os.path.isfile(TOP + '/.git'):       # of another work tree: the first one counts; git need not be installed
        with open(TOP + '/.git', encoding='utf-8') as f:
            checkout = f.read().partition('gitdir: ')[2].partition('/.git/')[0] or TOP
    return os.path.join(checkout, '..', 'shared', 'recordings')


def all_of_them():
    """path of each recording, by name; the samples win"""
    found = {}
    for folder in (shared(), os.path.join(TOP, 'samples', 'recordings')):
        for path in glob.glob(os.path.join(folder, '*.dat')):
            found[os.path.basename(path)] = path
    return [found[name] for name in sorted(found)]


def hvstimer(*args, status=0):
    """standard output of a run that must end with @status"""
    res = subprocess.run([HVSTIMER, *args], capture_output=True, check=False)
    assert res.returncode == status, f'hvstimer {" ".join(args)}: {res.returncode}: {res.stderr.decode()}'
    return res.stdout.decode()


def own_timers(doc):
    """the timers of diagnose --json without the sums over VMs that had the same thread id"""
    def key(t):
        return t['tid'], t['vcpu'], t['timer']
    known = {key(t) for t in doc['timers'] if t['vm'] is not None}
    return [t for t in doc['timers'] if t['vm'] is not None or key(t) not in known]
