# SPDX-License-Identifier: GPL-2.0
"""Holds what `hvstimer diagnose --json` found against what must and may be found: storms, clock transitions, host
steps, rate errors, verdicts, counts of past-due arms. The rules are those of the expected files' makers."""

FAR = 1 << 62


class Score:
    def __init__(self):
        self.found = {'storms': 0, 'transitions': 0, 'steps': 0, 'rates': 0, 'silent': 0}
        self.missed = dict.fromkeys(self.found, 0)
        self.false = dict.fromkeys(self.found, 0)
        self.reported = dict.fromkeys(self.found, 0)
        self.checked, self.false_yes, self.false_no = {}, {}, {}     # question -> how often
        self.mismatches = []

    def add(self, other):
        for mine, theirs in ((self.checked, other.checked), (self.false_yes, other.false_yes), (self.false_no, other.false_no)):
            for question, n in theirs.items():
                mine[question] = mine.get(question, 0) + n
        for mine, theirs in ((self.found, other.found), (self.missed, other.missed), (self.false, other.false),
                             (self.reported, other.reported)):
            for k, v in theirs.items():
                mine[k] += v

    def say(self, *words):
        self.mismatches.append(' '.join(str(w) for w in words))

    def recall(self, what):
        n = self.found[what] + self.missed[what]
        return self.found[what] / n if n else 1.0

    def precision(self, what):
        n = self.reported[what]
        return (n - self.false[what]) / n if n else 1.0


def within(v, bounds, slack=0):
    return v is not None and bounds[0] - slack <= v <= bounds[1] + slack


def storm_slack(want, ignored=False):
    """Without the expired events an arm is dated by the write before it, up to a ms earlier."""
    span = want['end_ns'][1] - want['start_ns'][0]
    return max(span // 100, 5 * span // max(want['arms'], 1), 1_000_000 if ignored else 100_000)


def storm_touches(got, want, slack):
    same = got['vcpu'] == want['vcpu'] and got['timer'] == want['timer'] and got.get('tid') in (None, want['tid'])
    end = got['end_ns'] if got.get('end_ns') is not None else FAR
    return same and got['start_ns'] <= want['end_ns'][1] + slack and end >= want['start_ns'][0] - slack


def one_storm(score, want, touching, storms, loss, ignored):
    slack = storm_slack(want, ignored)
    good = [i for i in touching if within(storms[i]['start_ns'], want['start_ns'], slack)
            and within(storms[i]['end_ns'], want['end_ns'], slack)]
    if not good:
        score.missed['storms'] += 1
        near = [(storms[i]['start_ns'], storms[i]['end_ns']) for i in touching]
        score.say('MISSED storm', want['arms'], 'arms', want['start_ns'], want['end_ns'], want['phase'], 'near', near)
        return set(touching)
    score.found['storms'] += 1
    got = storms[good[0]]
    if got['kind'] not in want['kinds']:
        score.say('WRONG KIND', got['kind'], 'want', want['kinds'], want['phase'])
    if abs(got['past_due'] - want['arms']) > max(5, (0.01 + loss) * want['arms']):
        score.say('WRONG COUNT', got['past_due'], 'want', want['arms'], want['phase'])
    return {good[0]}


def compare_storms(score, result, expected, loss, ignored):
    # livelocks have no past-due arms: the verdict on timer_livelock is what is known of them
    storms, used = [s for s in result['storms'] if s['kind'] != 'livelock'], set()
    score.reported['storms'] += len(storms)
    for want in sorted(expected['storms'], key=lambda s: s['need'] != 'required'):
        touching = [i for i, s in enumerate(storms) if i not in used and storm_touches(s, want, storm_slack(want))]
        if want['need'] == 'allowed':
            used.update(touching)
        else:
            used |= one_storm(score, want, touching, storms, loss, ignored)
    for i, s in enumerate(storms):
        if i not in used:
            score.false['storms'] += 1
            score.say('FALSE storm', 'vcpu', s['vcpu'], 'tid', s['tid'], 'timer', s['timer'], s['start_ns'], s['end_ns'],
                      s['past_due'], 'arms')


def tids_by_vm(result):
    return {v['vm']: {c['tid'] for c in v['vcpus']} for v in result['vms']}


def compare_transitions(score, result, expected, without):
    tids, used = tids_by_vm(result), set()
    guest = [t for t in result['clocks']['guest'] if t['role'] in ('stimer', 'unknown')]

    def at(t, want):
        right_vm = t['vm'] not in tids or bool(tids[t['vm']] & set(want['tids']))
        return right_vm and t['vcpu'] in (None, want['vcpu']) and within(t['ts_ns'], want['ts_ns'], 10_000_000)

    for want in expected['transitions']:
        here = [i for i, t in enumerate(guest) if at(t, want)]
        right = [i for i in here if not want['to'] or guest[i]['to'] in want['to']]
        fresh = [i for i in right if i not in used]
        whole_vm = [i for i in here if guest[i]['vcpu'] is None]
        if want['need'] == 'required' and 'kvm_msr' not in without:
            ok = bool(fresh or set(right) & set(whole_vm))
            (score.found if ok else score.missed)['transitions'] += 1
            if not ok:
                score.say('MISSED transition', want['from'], '->', want['to'], want['ts_ns'], want['phase'])
        elif want['need'] == 'silent':
            (score.found if fresh else score.missed)['silent'] += 1
        used.update(fresh[:2])
        used.update(whole_vm)
    firm = [(i, t) for i, t in enumerate(guest) if t['confidence'] != 'suspected' and t['from'] != 'unknown']
    score.reported['transitions'] += len(firm)
    for i, t in firm:
        if i not in used and not expected['free_transitions']:
            score.false['transitions'] += 1
            score.say('FALSE transition', 'vm', t['vm'], 'vcpu', t['vcpu'], t['ts_ns'], t['from'], '->', t['to'],
                      t['confidence'])


def compare_steps(score, result, expected, without):
    ignored = EXPIRED in without
    steps, used = [s for s in result['clocks']['reference'] if s['step_ns']], set()
    score.reported['steps'] += len(steps)
    for want in sorted(expected['host_steps'], key=lambda s: s['need'] != 'required'):
        bounds = want.get('ts_ns_ignored', want['ts_ns']) if ignored else want['ts_ns']
        near = [i for i, s in enumerate(steps) if i not in used and within(s['from_ns'], bounds, 50_000_000)]
        slack = 10_000_000 if expected.get('clocks_apart') else 5_000_000
        hit = [i for i in near if within(steps[i]['from_ns'], bounds, slack)
               and abs(steps[i]['step_ns'] - want['step_ns']) <= max(abs(want['step_ns']) // 100, 20_000)]
        optional = want['need'] == 'allowed' or (ignored and not want.get('sampled_ignored', True))
        if optional or ('kvm_msr' in without and not hit):
            used.update(near)
        elif hit:
            score.found['steps'] += 1
            used.add(hit[0])
        else:
            score.missed['steps'] += 1
            score.say('MISSED host step', want['step_ns'], bounds, 'reported',
                      [(s['from_ns'], s['step_ns']) for s in steps])
    for i, s in enumerate(steps):
        if i not in used and abs(s['step_ns']) > 100_000 and not expected['free_transitions']:
            score.false['steps'] += 1
            score.say('FALSE host step', 'vm', s['vm'], s['from_ns'], s['step_ns'])


def compare_rates(score, result, expected):
    tids = tids_by_vm(result)
    for want in expected['guest_rate']:
        rates = [t['rate_ppm'] for t in result['clocks']['guest']
                 if t['rate_ppm'] is not None and t['vcpu'] in (None, want['vcpu'])
                 and want['tid'] in tids.get(t['vm'], {want['tid']})
                 and want['from_ns'] - 3_000_000_000 <= t['ts_ns'] <= want['to_ns']]
        ok = any(abs(r - want['rate_ppm']) <= max(10, abs(want['rate_ppm']) / 10) for r in rates)
        (score.found if ok else score.missed)['rates'] += 1
        if not ok:
            score.say('MISSED guest rate', want['rate_ppm'], 'tid', want['tid'], 'reported', rates)


def compare_arms(score, result, expected, loss):
    """Per thread and timer: a thread id may have been given again."""
    got, want = {}, {}
    for t in result['timers']:
        if t['vm'] is None:  # the sum of those that had the thread id
            continue
        key = t['tid'], t['timer']
        got[key] = got.get(key, 0) + t['past_due_observed'] + t['past_due_inferred']
    for w in expected['arms']:
        expired, slack = want.get((w['tid'], w['timer']), (0, 0))
        slack += max(loss * w['expired'], w.get('restored', 0))
        want[w['tid'], w['timer']] = expired + w['expired'], slack
    for key, (expired, slack) in want.items():
        if key not in got or abs(got[key] - expired) > slack:
            score.say('EXPIRED ARMS', 'tid', key[0], 'timer', key[1], got.get(key), 'want', expired)


def compare_vms(score, result, expected):
    """No VM of the result may hold threads of two; threads of one VM must be together. VMs with the same thread ids,
    one after the other, are as many VMs."""
    tids = {v['vm']: {c['tid'] for c in v['vcpus']} for v in result['vms'] if v['vm'] is not None}
    expected_vms = {}
    for vm in expected.get('vms', []):
        expected_vms[tuple(vm)] = expected_vms.get(tuple(vm), 0) + 1
    for vm, times in expected_vms.items():
        homes = {k for k, have in tids.items() if have & set(vm)}
        if len(homes) > times and not expected.get('vms_may_split'):
            score.say('SPLIT VM', vm, 'in', sorted(homes))
        if len(homes) < times and times > 1:
            score.say('MIXED VMs', vm, 'times', times, 'in', sorted(homes))
    for k, have in tids.items():
        owners = [vm for vm in expected_vms if have & set(vm)]
        if len(owners) > 1:
            score.say('MIXED VMs', owners, 'in', k)


def compare_verdicts(score, result, expected, without):
    """A false "yes" or "no" is a wrong answer; "cannot_tell" is only a missing one, and with events left out a right
    one."""
    answers = {v['question']: v['answer'] for v in result['verdicts']}
    for question, right in expected['verdicts'].items():
        answer = answers.get(question)
        score.checked[question] = score.checked.get(question, 0) + 1
        if answer in right or (answer == 'cannot_tell' and without - {EXPIRED}):
            continue
        score.say('VERDICT', question, answer, 'want', right)
        if answer in ('yes', 'no'):
            wrong = score.false_yes if answer == 'yes' else score.false_no
            wrong[question] = wrong.get(question, 0) + 1


EXPIRED = 'kvm_hv_stimer_start_expired'
STORM_MIN_NS = 1e6     # the default of --min-length


def compare(result, expected, without=frozenset()):
    """Everything; @without: the events that the result was made without."""
    score, without = Score(), frozenset(without)
    ignored = EXPIRED in without
    for s in expected['storms']:
        if s['end_ns'][0] - s['start_ns'][1] < 1.2 * STORM_MIN_NS:
            s['need'] = 'allowed'       # too short, or nearly, to keep the guest from anything
    # Where the CPUs' clocks are apart, the events of a thread that migrates are out of order.
    loss = 0.06 if expected.get('clocks_apart') else 0.02 if expected['lossy'] else 0.005
    compare_storms(score, result, expected, loss, ignored)
    compare_transitions(score, result, expected, without)
    compare_steps(score, result, expected, without)
    compare_rates(score, result, expected)
    compare_arms(score, result, expected, loss)
    compare_vms(score, result, expected)
    compare_verdicts(score, result, expected, without)
    return score
