# SPDX-License-Identifier: GPL-2.0
"""Holds what `hvstimer diagnose --json` finds in a recording of stimer-storm against what stimer-storm says it did.

Storms: each phase with expect_storm has one of the right kind on its vCPU; there is no other. Steps of the host's
reference clock: as the clock readings of the truth have them. Verdicts: verdicts.json says, for each scenario, which
answers are right, "any" where it depends on the emulator's load; what is not named there must not be answered "yes".
"""
import json
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
SLACK = 60_000_000          # an emulated host may take so long from the truth's time stamp to the guest's first arm
STEP_MIN = 5_000_000        # smaller steps are lost in that too
STEP_SLACK = 4_000_000
SLOW, TICKS = 1.25, 0.75    # how long a phase may take, of its time; how many of its ticks must come
FREE = {'preemption', 'host_unpaired_clock_reads'}      # the load of the emulator decides

with open(os.path.join(HERE, 'verdicts.json'), encoding='utf-8') as table:
    VERDICTS = json.load(table)


def read_truth(path):
    with open(path, encoding='utf-8') as f:
        return [json.loads(line) for line in f]


def phases(truth):
    """(start, end) of each phase of each vCPU"""
    ends = {(t['vcpu'], t['phase']): t for t in truth if t['type'] == 'phase_end'}
    starts = [t for t in truth if t['type'] == 'phase_start']
    return [(t, ends[t['vcpu'], t['phase']]) for t in starts if (t['vcpu'], t['phase']) in ends]


def starved(truth):
    """whether an emulator did not give the guest its time: a phase takes longer than it was to, or ticks are missing"""
    for start, end in phases(truth):
        took = (end['mono_ns'] - start['mono_ns']) / 1e9
        if took > SLOW * start['secs']:
            return True
        for timer, arms in zip(start['timers'], end['arms']):
            if start['expect'] == 'none' and timer['mode'] == 'one-shot' and timer['policy'] == 'next=now+period' and \
                    arms < TICKS * start['secs'] * 1e7 / timer['period_100ns']:
                return True
    return False


def storm_end(storm):
    return storm['end_ns'] if storm['end_ns'] is not None else storm['last_ns'] if 'last_ns' in storm else 1 << 62


def overlaps(storm, start, end):
    return storm['vcpu'] == start['vcpu'] and storm['start_ns'] < end['mono_ns'] + SLACK and \
        storm_end(storm) > start['mono_ns'] - SLACK


def judge_one_storm(storm, start, end):
    """what is wrong with the storm that was found for a phase"""
    name = start['name']
    if storm['kind'] not in start['expect_kinds']:
        yield f'{name}: the storm is {storm["kind"]}, not {" or ".join(start["expect_kinds"])}'
    if storm['start_ns'] < start['mono_ns'] - SLACK or storm_end(storm) > end['mono_ns'] + SLACK:
        yield f'{name}: the storm reaches beyond its phase'
    if start['expect_kinds'] != ['constant']:
        return
    if storm['start_ns'] > start['mono_ns'] + SLACK or storm_end(storm) < end['mono_ns'] - SLACK:
        yield f'{name}: the storm does not fill its phase'
    arms = sum(end['arms'])
    if abs(storm['past_due'] - arms) > max(5, arms // 50):
        yield f'{name}: {storm["past_due"]} past-due arms, the guest made {arms} arms'


def restarts(path):
    """how often the recording at @path has a timer started whose deadline overflows: a fixed kernel does it once or twice"""
    text = subprocess.run(['trace-cmd', 'report', '-N', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=True).stdout
    return len(re.findall(r'start_one_shot:.* count (?:9223372036854775807|18446744073709551615)\b', text))


def judge_storms(result, truth):
    """a livelock may be among the storms, where one was asked for"""
    livelocks = [p for p in phases(truth) if p[0]['expect'] == 'livelock']
    left = [s for s in result['storms'] if s['kind'] != 'livelock' or not any(overlaps(s, *p) for p in livelocks)]
    for start, end in phases(truth):
        if not start['expect_storm']:
            continue
        hits = [s for s in left if overlaps(s, start, end)]
        left = [s for s in left if s not in hits]
        if len(hits) != 1:
            yield f'{start["name"]}, vCPU {start["vcpu"]}: {len(hits)} storms'
        for storm in hits:
            yield from judge_one_storm(storm, start, end)
    for s in left:
        yield f'a storm that never was: vCPU {s["vcpu"]} at {s["start_ns"] / 1e9:.3f} s, {s["past_due"]} arms'


def late_steps(truth):
    """steps made while vCPUs ran, from the clock readings around the VMM's action"""
    for t in truth:
        if t['type'] == 'host_action' and not t['refcount_before']:
            yield t['mono_ns'], t['clock_after_ns'] - t['clock_before_ns'] - (t['mono_ns_end'] - t['mono_ns'])


def across_vms(truth, begin, end):
    """whether a new VM took the place of the old one then: its clock need not be held against the old one's"""
    return any(t['type'] == 'host_action' and t['action'].startswith('new VM') and begin < t['mono_ns'] < end for t in truth)


def expected_steps(truth):
    """(from, to, ns): between two readings of the truth the reference clock moved by ns against CLOCK_MONOTONIC"""
    readings = [s for s, _ in phases(truth) if s['vcpu'] == 0] + [t for t in truth if t['type'] == 'end']
    late = list(late_steps(truth))
    steps = []
    for a, b in zip(readings, readings[1:]):
        moved = (b['refcount'] - a['refcount']) * 100 - (b['mono_ns'] - a['mono_ns'])
        inside = [(at, at, ns) for at, ns in late if a['mono_ns'] < at < b['mono_ns']]
        steps += [*inside, (a['mono_ns'], b['mono_ns'], moved - sum(ns for *_, ns in inside))]
    return [s for s in steps if abs(s[2]) >= STEP_MIN]


def judge_steps(result, truth):
    found = [s for s in result['clocks']['reference'] if abs(s.get('step_ns') or 0) >= STEP_MIN]
    for begin, end, ns in expected_steps(truth):
        slack = max(STEP_SLACK, abs(ns) // 50)
        hit = [s for s in found if begin - SLACK <= s['from_ns'] <= end + SLACK and abs(s['step_ns'] - ns) <= slack]
        if hit:
            found.remove(hit[0])
        elif not across_vms(truth, begin, end):
            yield f'no step of {ns / 1e6:.1f} ms of the reference clock before {end / 1e9:.3f} s'
    for s in found:
        yield f'a step that never was: {s["step_ns"] / 1e6:.1f} ms at {s["from_ns"] / 1e9:.3f} s'


def right_answers(scenario, truth, recording):
    """from the table; the random walk's follow from its storms, and a livelock from the kernel that was recorded"""
    if scenario == 'overflow':
        yes = ['yes'] if restarts(recording) > 100 else ['no']
        return {**VERDICTS[scenario], 'timer_livelock': yes}
    if scenario in VERDICTS:
        return VERDICTS[scenario]
    kinds = {k for s, _ in phases(truth) for k in s['expect_kinds']}
    yes = {'storm': bool(kinds), 'guest_backlog': 'backlog' in kinds, 'guest_clock_behind': 'constant' in kinds,
           'host_reference_step': bool(expected_steps(truth))}
    return {question: ['yes'] for question, holds in yes.items() if holds}


def judge_verdicts(result, scenario, truth, recording):
    """(what is wrong, questions that this hvstimer does not ask)"""
    right, wrong = right_answers(scenario, truth, recording), []
    answers = {v['question']: v['answer'] for v in result['verdicts']}
    for question, answer in answers.items():
        allowed = right.get(question, 'any' if question in FREE else ['no', 'cannot_tell'])
        if allowed != 'any' and answer not in allowed:
            wrong.append(f'{question} is {answer}, right: {" or ".join(allowed)}')
    return wrong, [q for q in right if right[q] != 'any' and q not in answers]


def judge(result, scenario, path):
    """(what is wrong, questions that are not asked); @path: of recording and truth, without their endings"""
    truth = read_truth(path + '.truth.jsonl')
    wrong, unasked = judge_verdicts(result, scenario, truth, path + '.dat')
    if not truth or truth[-1]['type'] != 'end':
        wrong.append('stimer-storm did not get to its end')
    return [*judge_storms(result, truth), *judge_steps(result, truth), *wrong], unasked
