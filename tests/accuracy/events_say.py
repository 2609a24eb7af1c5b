#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""events_say.py FILE.dat...: is the generator's truth what the events say?

Reads `trace-cmd report`, applies the plain rules (an expiration without a start is a past-due arm, a start whose
count is not the guest's is padding, the base rule for storms) and compares with FILE.expected.json. Needs the
stimer events in full; skips what a lossy or unscaled-cycle trace can't tell. Exit 1 on any difference.
"""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import recordings as rec  # noqa: E402


def events(path):
    out = subprocess.run(['trace-cmd', 'report', '-N', '-t', '-F', 'kvm', path], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True, errors='replace').stdout
    for line in out.splitlines():
        m = rec.REPORT_LINE.match(line)
        if m and (m['event'].startswith('kvm_hv_stimer_') or m['event'] == 'kvm_msr'):
            ts = int(m['ts'].replace('.', ''))  # -t: ns; a clock that trace-cmd doesn't know: the bare number
            yield ts, int(m['pid']), m['event'], m['text']


def number(text, name):
    m = re.search(name + r' (-?\d+)', text)
    return int(m[1]) if m else None


def arms_of(path):
    """(tid, timer) -> [(ts, past due, skew in ref units or None)], and samples of time_now."""
    arms, open_set, running, samples = {}, {}, {}, []
    for ts, pid, name, text in events(path):
        if name == 'kvm_msr':
            m = re.match(r'msr_read 40000020 = 0x([0-9a-f]+)', text)
            if m:
                samples.append((ts, pid, int(m[1], 16)))
            continue
        name = name[len('kvm_hv_stimer_'):]
        key = (pid, number(text, 'timer'))
        if name == 'set_count':
            open_set[key] = None if text.endswith('host 1') else number(text, 'count') or None
            running.pop(key, None)
        elif name == 'set_config':
            running.pop(key, None)
        elif name in ('start_one_shot', 'start_expired', 'start_periodic'):
            now, count = number(text, 'time_now'), number(text, 'count')
            samples.append((ts, pid, now))
            if name == 'start_periodic':
                open_set.pop(key, None)
            elif open_set.get(key) is not None:
                padded = count != open_set[key]
                arms.setdefault(key, []).append((ts, name == 'start_expired' or padded, now - open_set[key]))
                open_set.pop(key)
            running[key] = True
        elif name == 'expiration' and open_set.get(key) is not None and key not in running:
            arms.setdefault(key, []).append((ts, True, None))
            open_set.pop(key)
    return arms, samples


def groups_of(arms):
    """Past-due arms of one timer that belong together: [first, last, past, total]."""
    groups, ahead = [], 0
    for ts, past, _ in arms:
        if not past:
            ahead += 1
            continue
        if not groups or ahead > 8 or ts - groups[-1][1] > 200_000_000:
            groups.append([ts, ts, 0, 0])
            ahead = 0
        g = groups[-1]
        g[1], g[2], g[3], ahead = ts, g[2] + 1, g[3] + ahead + 1, 0
    return groups


def check_arms(expected, arms):
    for a in expected['arms']:
        got = arms.get((a['tid'], a['timer']), [])
        past = sum(1 for x in got if x[1])
        if len(got) != a['arms'] or past != a['expired']:
            yield f"tid {a['tid']} timer {a['timer']}: {len(got)} arms, {past} past due; expected {a['arms']}, {a['expired']}"
    known = {(a['tid'], a['timer']) for a in expected['arms']}
    for key in arms:
        if key not in known:
            yield f'arms of {key} not in the expected file'


def check_storms(expected, arms):
    want = {}
    for s in expected['storms']:
        want.setdefault((s['tid'], s['timer']), []).append(s)
    for key, list_ in arms.items():
        got = [g for g in groups_of(list_) if g[2] >= 48]
        exp = sorted(want.pop(key, []), key=lambda s: s['start_ns'])
        if len(got) != len(exp):
            yield f'{key}: {len(got)} groups of 48 and more, expected {len(exp)}'
            continue
        for g, s in zip(got, exp):
            slack = 30_000  # the stock kernel's evidence is the expiration, a little after
            ok = s['start_ns'][0] - slack <= g[0] <= s['start_ns'][1] + slack
            ok &= s['end_ns'][0] - slack <= g[1] <= s['end_ns'][1] + slack and g[2] == s['arms']
            if not ok:
                yield f'{key}: group {g} expected {s}'
    for key in want:
        yield f'storms of {key} without arms'


def check_steps(expected, samples):
    """The offset of time_now to the trace's clock, by its upper envelope on both sides of each step."""
    for s in expected['host_steps']:
        if s['need'] != 'required' or len(expected['vms']) > 1:
            continue
        lo, hi = s['ts_ns']
        before = [100 * now - ts for ts, _, now in samples if ts <= lo + 1000][-40:]
        after = [100 * now - ts for ts, _, now in samples if ts >= hi - 1000][:8]
        if before and after and abs(max(after) - max(before) - s['step_ns']) > max(20_000, abs(s['step_ns']) // 100):
            yield f"step {s['step_ns']} at {lo}..{hi}: samples say {max(after) - max(before)}"


def main():
    bad = 0
    for path in sys.argv[1:]:
        with open(re.sub(r'\.dat$', '', path) + '.expected.json') as f:
            expected = json.load(f)
        arms, samples = arms_of(path)
        wrong = [] if expected['lossy'] else list(check_arms(expected, arms))
        if not expected['lossy'] and not expected['free_transitions']:
            wrong += list(check_storms(expected, arms)) + list(check_steps(expected, samples))
        n = sum(len(x) for x in arms.values())
        print(f"# {expected['scenario']}: {n} arms, {len(expected['storms'])} storms, {len(samples)} samples:",
              'as expected' if not wrong else f'{len(wrong)} differences')
        for w in wrong[:10]:
            print('  ', w)
        bad += len(wrong)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
