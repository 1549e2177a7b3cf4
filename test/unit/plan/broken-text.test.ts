import { expect, test } from 'vitest'
import { UsageError } from '../../../harness/core/errors.ts'
import { parseScenario } from '../../../harness/scenario/parse.ts'
import { catalog, scenarioText as text } from './catalog.ts'

const durations = 'write a duration such as 200ms, 30s, 5m or 1h30m'
const rates = 'write a rate such as 5/s, 30/min or 200/h'
const limits = "write a limit such as '>= 99 %'"
const topKeys =
  'keys: name, question, seed, preset, timeScale, profile, work, folder, targets, patterns, load, control, grace, replicas, restartDelay, repetitions, sideBySide, arms, gates, published, health'
const faults =
  'faults: block, callback-duplicate, callback-progress, callback-reorder, clock-skew, cpu-pressure, drop, edge, idle-nat, idle-timeout, kill, latency, node-loss, oom, partition, pause, receiver-down, receiver-slow, refuse, reject, reset, response-lost, restart-loop, rolling-deploy, stall, stop'
const targets =
  'write a node (executor, api, worker, engine, store; executor-2 for one, executor-* for all at once, executor-of-step for who did the step of "on", api-of-task for who accepted its task) or a link (client->api, api->store, worker->store, api->engine, worker->engine, engine->store, engine->worker, api->worker, worker->api, sender->receiver, worker->tools)'
const triggers = 'write one of at: 4m (once), every: 84m (at random), on: {task: 3, step: 4}, on: accepted, on: effect'

const moments =
  'write accepted, effect, {accepted: 3, within: 20ms}, {effect: all, within: 5ms} or {task: 3, step: 4, after: 2s}'

/** What is in arm `a`, in line 6 column 7 and on. */
const arm = (entry: string, patterns?: string) => text({ arms: `a: [{ ${entry} }]`, ...(patterns && { patterns }) })
const withRate = (rate: string) => text().replace('30/min', rate)
const gate = (entry: string) => text({ tail: `gates: [{ ${entry} }]` })

/** name -> text -> every line of the answer, without the file's name. */
const cases: readonly [string, string, ...string[]][] = [
  // Not a scenario at all
  ['an empty file', '', '1:1: is empty; write a map with name, question, patterns, load and arms'],
  ['only a comment', '# x\n', '1:1: is empty; write a map with name, question, patterns, load and arms'],
  ['a list', '- a\n- b', '1:1: a list is not a map; write a map'],
  ['a text', 'hello', '1:1: "hello" is not a map; write a map'],
  [
    'a syntax error',
    'name: [1,\nb: 2',
    '2:1: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  [
    'levels without end',
    `name: ${'['.repeat(60)}${']'.repeat(60)}`,
    '1:56: nested too deeply; a scenario has at most seven levels',
  ],
  ['thousands of levels', '{a: '.repeat(20_000), '1:198: nested too deeply; a scenario has at most seven levels'],
  ['another YAML', '%YAML 1.1\n---\nname: it', '1:1: directives (%YAML, %TAG) are not allowed; leave them out'],
  ['an open quote', 'name: "abc', '1:11: not valid YAML: Missing closing "quote'],
  ['a tab', 'name:\n\tx: 1', '2:1: not valid YAML: a tab cannot indent; use spaces'],
  ['a repeated key', 'name: a\nname: b', '2:1: this key is already there; each key may stand once in a map'],
  [
    'an arm named twice',
    text({ arms: 'a: []\na: []' }),
    '7:3: this key is already there; each key may stand once in a map',
  ],
  [
    'two documents',
    `${text()}\n---\na: 1`,
    '7:1: not valid YAML: a second document begins here; one file is one scenario',
  ],
  [
    'aliases, which can be a bomb',
    'a: &x [1]\nb: [*x, *x]',
    '1:7: anchors and aliases are not allowed (3 here); write it out',
  ],
  ['a tag', 'name: !!js/function x', '1:7: not valid YAML: Unresolved tag: tag:yaml.org,2002:js/function'],
  ['a key that is no text', '? [1]\n: 2', '1:3: not valid YAML: a key must be a text'],
  // Keys
  ['an unknown key', text({ tail: 'grase: 2m' }), `7:1: unknown key "grase" (did you mean "grace"?); ${topKeys}`],
  ['a key from JavaScript', text({ tail: '__proto__: 1' }), `7:1: unknown key "__proto__"; ${topKeys}`],
  [
    'missing keys',
    'name: a',
    '1:1: question is missing; write a text',
    '1:1: patterns is missing; write a list',
    '1:1: load is missing; write a map',
    '1:1: arms is missing; write a map',
  ],
  ['a key without a value', text().replace('  none: []', ''), '5:1: arms: nothing is not a map; write a map'],
  [
    'an arm named like what every object has',
    text({ arms: 'constructor: []' }),
    '6:3: arms: this cannot be a name; choose another',
  ],
  [
    'an arm named like a prototype',
    text({ arms: '__proto__: []' }),
    '6:3: arms: this cannot be a name; choose another',
  ],
  ['an arm with a bad name', text({ arms: 'Kill It: []' }), '6:3: arms: arm name "Kill It"; use a-z, 0-9 and hyphens'],
  // Units
  [
    'a wrong unit',
    text({ tail: 'grace: 2 parsecs' }),
    `7:8: grace: "2 parsecs" has an unknown unit "parsecs"; ${durations} (units: ms, s, m, h)`,
  ],
  ['a time beyond a year', text({ tail: 'grace: 8761h' }), '7:8: grace is too long; write at most 8760h'],
  [
    'a time beyond all numbers',
    text({ tail: `grace: ${'9'.repeat(400)}h` }),
    '7:8: grace is too long; write at most 8760h',
  ],
  [
    'a load that does not end',
    text().replace('30/min', '0.001/h'),
    '4:27: load.rate: the load would last 300000h5m; write a higher rate, or fewer tasks: at most 8760h',
  ],
  [
    'more cells than anybody can wait for',
    text({
      arms: Array.from('abcdefghijk')
        .map((name) => `${name}: []`)
        .join('\n'),
      tail: 'repetitions: 1000',
    }),
    '17:14: repetitions: 2 patterns, 11 arms and 1000 repetitions are 22000 cells; write fewer: at most 20000',
  ],
  [
    'more faults than anybody can wait for',
    text({ arms: 'kill: [{ fault: kill, target: executor, every: 10s, for: 1s }]', tail: 'repetitions: 1000' }),
    '7:14: repetitions: about 266667 firings in all cells; write longer gaps, fewer repetitions or fewer arms: at most 100000 are planned',
  ],
  ['a load that nobody can send', withRate('1000001/s'), `4:27: load.rate: a rate is at most 1000000/s; ${rates}`],
  [
    'a load that nobody can send at that scale',
    withRate('2000/s').replace('arms:', 'timeScale: 1000\narms:'),
    '4:27: load.rate: 2000000 arrivals a second at timeScale 1000; at most 1000000',
  ],
  ['a missing unit', text({ tail: 'grace: 120' }), `7:8: grace: 120 has no unit; ${durations}`],
  ['a negative duration', text({ tail: 'grace: -2m' }), `7:8: grace: "-2m" is negative; ${durations}`],
  ['no duration', text({ tail: 'grace: 0s' }), `7:8: grace: 0 is too short; ${durations}`],
  ['a negative rate', withRate('-30/min'), `4:27: load.rate: "-30/min" is negative; ${rates}`],
  ['a rate of zero', withRate('0/min'), `4:27: load.rate: a rate must be more than 0; ${rates}`],
  ['a rate without a unit', withRate('30'), `4:27: load.rate: 30 has no unit; ${rates}`],
  [
    'a rate in a wrong unit',
    withRate('30/fortnight'),
    `4:27: load.rate: "30/fortnight" has an unknown unit "fortnight"; ${rates} (units: s, min, h)`,
  ],
  [
    'a limit without its sign',
    gate('pattern: sync, arm: none, success: 99 %'),
    `7:46: gates[0].success: "99 %" cannot be read; ${limits}`,
  ],
  [
    'a limit that cannot be shown',
    gate("pattern: sync, arm: none, success: '>= 100 %'"),
    `7:46: gates[0].success: 100 % cannot be shown by any number of tasks; ${limits}`,
  ],
  [
    'a limit that cannot be missed',
    gate("pattern: sync, arm: none, success: '>= 0 %'"),
    `7:46: gates[0].success: 0 % holds whatever happens; ${limits}`,
  ],
  [
    'no task that a fault must have touched',
    gate("pattern: sync, arm: none, success: '>= 9 %', exposed: 0"),
    '7:65: gates[0].exposed: 0 is too small; write at least 1',
  ],
  [
    'a limit beyond 100 %',
    gate("pattern: sync, arm: none, success: '>= 101 %'"),
    `7:46: gates[0].success: more than 100 %; ${limits}`,
  ],
  // Numbers
  ['timeScale 0', text({ tail: 'timeScale: 0' }), '7:12: timeScale: 0 is too small; write at least 1'],
  [
    'an infinite timeScale',
    text({ tail: 'timeScale: .inf' }),
    '7:12: timeScale: Infinity is not a number; write a number',
  ],
  ['no tasks', text().replace('300', '0'), '4:16: load.tasks: 0 is too small; write at least 1'],
  ['half a task', text().replace('300', '1.5'), '4:16: load.tasks: 1.5 is not a whole number; write a whole number'],
  ['a negative seed', text({ tail: 'seed: -1' }), '7:7: seed: -1 is too small; write at least 0'],
  // Names
  [
    'an unknown pattern',
    text({ patterns: '[snyc]' }),
    '3:12: patterns[0]: unknown pattern "snyc" (did you mean "sync"?); patterns: sync, webhook, polling, sse-polling, durable-postgres, durable-restate, or delivery+engine, either with @tuned',
  ],
  [
    'an unknown engine',
    text({ patterns: '[sync+postgras]' }),
    '3:12: patterns[0]: unknown engine "postgras" (did you mean "postgres"?); engines: memory, postgres, restate',
  ],
  [
    'an unknown delivery',
    text({ patterns: '[sinc+memory]' }),
    '3:12: patterns[0]: unknown delivery "sinc" (did you mean "sync"?); deliveries: sync, webhook, polling, sse-polling',
  ],
  ['no pattern', text({ patterns: '[]' }), '3:11: patterns: a list with 0 entries; write at least 1'],
  [
    'a pattern twice',
    text({ patterns: '[sync, sync]' }),
    '3:18: patterns[1]: "sync" is listed twice; each pattern runs once per arm',
  ],
  [
    'work without a duration',
    text({ tail: 'work: { steps: 3 }' }),
    '7:7: work.duration is missing; write a duration such as 8m, or two such as 5s..2m',
  ],
  [
    'work whose duration has no unit',
    text({ tail: 'work: { duration: 8..9 }' }),
    '7:19: work.duration: "8..9" cannot be read; write a duration such as 8m, or two such as 5s..2m',
  ],
  ['work without end', text({ tail: 'work: { duration: 25h }' }), '7:7: work is work that no server takes'],
  [
    'work twice',
    text({ tail: 'profile: smoke\nwork: { duration: 8m }' }),
    '8:1: "profile" already says what the work is; write one of them',
  ],
  [
    'a gate on what is counted without a share',
    text({ tail: "gates: [{ pattern: sync, arm: none, posts: '<= 1' }]" }),
    `7:44: gates[0].posts: "<= 1" cannot be read; write a number and a share of tasks such as '<= 1 in >= 95 %'`,
  ],
  [
    'a gate on what is counted that nothing can show',
    text({ tail: "gates: [{ pattern: sync, arm: none, executions: '<= 1 in >= 100 %' }]" }),
    `7:49: gates[0].executions: can be shown for more than 0 and less than 100 %; write a number and a share of tasks such as '<= 1 in >= 95 %'`,
  ],
  [
    'an unknown profile',
    text({ tail: 'profile: research-wirte' }),
    '7:10: profile: unknown profile "research-wirte" (did you mean "research-write"?); profiles: research-write, research-brief, smoke',
  ],
  [
    'unknown arrivals',
    text().replace('tasks: 300', 'tasks: 300, arrivals: poison'),
    '4:31: load.arrivals: "poison" is not allowed (did you mean "poisson"?); write poisson or uniform',
  ],
  [
    'an unknown fault',
    arm('fault: kil, target: executor, at: 1m'),
    `6:16: arms.a[0].fault: unknown fault "kil" (did you mean "kill"?); ${faults}`,
  ],
  ['no fault', arm('target: executor, at: 1m'), `6:7: arms.a[0].fault is missing; ${faults}`],
  [
    'an unknown link',
    arm('fault: stall, target: client->app, at: 1m, for: 1s'),
    `6:31: arms.a[0].target: unknown target "client->app" (did you mean "client->api"?); ${targets}`,
  ],
  [
    'an unknown role',
    arm('fault: kill, target: exekutor, at: 1m'),
    `6:30: arms.a[0].target: unknown target "exekutor" (did you mean "executor"?); ${targets}`,
  ],
  // Faults and their targets
  [
    'a link for a fault of nodes',
    arm('fault: kill, target: client->api, at: 1m'),
    '6:30: arms.a[0].target: kill acts on nodes, and client->api is none; write a node: executor, api, worker, engine, store',
  ],
  [
    'a node for a fault of links',
    arm('fault: stall, target: api, at: 1m, for: 1s'),
    '6:31: arms.a[0].target: stall acts on links, and api is none; write a link: client->api or another',
  ],
  [
    'a link that the fault cannot act on',
    arm('fault: receiver-down, target: client->api, at: 1m, for: 1s'),
    '6:39: arms.a[0].target: receiver-down cannot act on client->api; write a link: sender->receiver',
  ],
  [
    'no target',
    arm('fault: stall, at: 2m, for: 1s'),
    '6:7: arms.a[0].target is missing; write a link: client->api or another',
  ],
  [
    'a node that no pattern has',
    arm('fault: kill, target: executor-7, at: 2m'),
    '6:30: arms.a[0].target: kill-1 can touch no pattern (sync has no executor-7: its only one is executor-0; durable-postgres has no executor-7: they are executor-0 to executor-1); choose another target or pattern',
  ],
  [
    'a fault that no pattern can feel',
    arm('fault: receiver-down, at: 2m, for: 1s'),
    '6:7: arms.a[0].target: receiver-down-1 can touch no pattern (sync has no sender->receiver; durable-postgres has no sender->receiver); choose another target or pattern',
  ],
  [
    'a fault in the control',
    text({ arms: 'none: [{ fault: kill, target: executor, at: 2m }]' }),
    '6:9: arms.none: none is the control; leave it empty and give the faults another arm',
  ],
  // Parameters
  [
    'a probability above 1',
    arm('fault: receiver-down, at: 1m, for: 1s, probability: 1.5', '[webhook]'),
    '6:61: arms.a[0].probability: 1.5 is too large; write at most 1',
  ],
  [
    'a probability of 0',
    arm('fault: receiver-down, at: 1m, for: 1s, probability: 0', '[webhook]'),
    '6:61: arms.a[0].probability: 0 is too small; write more than 0',
  ],
  [
    'an unknown parameter',
    arm('fault: latency, target: client->api, at: 1m, for: 1s, delay: 1s, jiter: 1s'),
    '6:74: arms.a[0]: unknown key "jiter" (did you mean "jitter"?); keys: fault, id, target, at, every, per, on, for, compose, delay, jitter, direction, probability',
  ],
  [
    'a missing parameter',
    arm('fault: latency, target: client->api, at: 1m, for: 1s'),
    `6:7: arms.a[0].delay is missing; ${durations}`,
  ],
  [
    'a parameter without a unit',
    arm('fault: latency, target: client->api, at: 1m, for: 1s, delay: 5'),
    `6:70: arms.a[0].delay: 5 has no unit; ${durations}`,
  ],
  [
    'a parameter out of range',
    arm('fault: latency, target: client->api, at: 1m, for: 1s, delay: 0s'),
    '6:70: arms.a[0].delay: 0 is too small; write more than 0 ms',
  ],
  [
    'a parameter that is no choice',
    arm('fault: refuse, target: client->api, at: 1m, for: 1s, existing: kept'),
    '6:72: arms.a[0].existing: "kept" is not allowed; write keep or reset',
  ],
  [
    'a duration that cannot be compressed so far',
    text({
      arms: 'a: [{ fault: idle-nat, target: client->api, at: 1m, for: 5m, idle: 30s }]',
      tail: 'timeScale: 61',
    }),
    '6:70: arms.a[0].idle: 30s is 491.8ms at timeScale 61, and idle-nat takes no less than 500ms of real time: connections in use are silent for 200 ms and more while the kernel sends again; write at least 30.5s, or timeScale: 60 or less',
  ],
  [
    'a default that cannot be compressed so far',
    text({ arms: 'a: [{ fault: idle-nat, target: client->api, at: 1m, for: 5m }]', tail: 'timeScale: 1000' }),
    '6:7: arms.a[0].idle: 5m50s is 350ms at timeScale 1000, and idle-nat takes no less than 500ms of real time: connections in use are silent for 200 ms and more while the kernel sends again; write at least 8m20s, or timeScale: 700 or less',
  ],
  [
    'a duration that is too short at full length',
    arm('fault: idle-nat, target: client->api, at: 1m, for: 5m, idle: 499ms'),
    '6:70: arms.a[0].idle: 499ms is too short, and idle-nat takes no less than 500ms of real time: connections in use are silent for 200 ms and more while the kernel sends again; write at least 500ms',
  ],
  // Time
  [
    'who did a step, without a step',
    arm('fault: kill, target: executor-of-step, at: 1m'),
    '6:30: arms.a[0].target: executor-of-step is the node that did the step of "on"; write on: {task: 3, step: 4}, on: effect, or another target',
  ],
  [
    'who did a step, of another role',
    arm('fault: kill, target: api-of-step, on: { task: 3, step: 4 }'),
    `6:30: arms.a[0].target: unknown target "api-of-step"; ${targets}`,
  ],
  [
    'who did a step, of an acceptance',
    arm('fault: kill, target: executor-of-step, on: accepted'),
    '6:30: arms.a[0].target: executor-of-step is the node that did the step of "on"; write on: {task: 3, step: 4}, on: effect, or another target',
  ],
  [
    'who accepted, of an effect',
    arm('fault: kill, target: api-of-task, on: effect'),
    '6:30: arms.a[0].target: api-of-task is the node that accepted the task of "on"; write on: accepted, or another target',
  ],
  [
    'an unknown moment',
    arm('fault: kill, target: executor, on: acepted'),
    `6:44: arms.a[0].on: unknown moment "acepted" (did you mean "accepted"?); ${moments}`,
  ],
  ['no moment', arm('fault: kill, target: executor, on: 3'), `6:44: arms.a[0].on: 3 is no moment; ${moments}`],
  [
    'a moment of no task',
    arm('fault: kill, target: executor, on: { accepted: 0 }'),
    '6:56: arms.a[0].on.accepted: 0 is too small; write at least 1',
  ],
  [
    'a window that is no race',
    arm('fault: kill, target: executor, on: { effect: all, within: 2s }'),
    '6:67: arms.a[0].on.within is too long; write at most 1s',
  ],
  [
    'the moment of a task that does not exist',
    arm('fault: kill, target: executor, on: { accepted: 301 }'),
    '6:56: arms.a[0].on.accepted: there is no task 301; write 1 to 300',
  ],
  ['no trigger', arm('fault: kill, target: executor'), `6:7: arms.a[0].at is missing: nothing says when; ${triggers}`],
  [
    'two triggers',
    arm('fault: kill, target: executor, at: 1m, every: 2m'),
    `6:55: arms.a[0].every: "at" already says when; ${triggers}`,
  ],
  [
    'a trigger beyond the end of the load',
    arm('fault: kill, target: executor, at: 20m'),
    '6:44: arms.a[0].at: 20m is after the load, which ends at 15m; write less, or offer more tasks',
  ],
  [
    'longer after a step than the load lasts',
    arm('fault: kill, target: executor, on: { task: 3, step: 4, after: 15m }'),
    '6:71: arms.a[0].on.after: 15m is longer than the load, which lasts 15m; write less, or offer more tasks',
  ],
  [
    'a step that does not exist',
    arm('fault: kill, target: executor, on: { task: 3, step: 13 }'),
    '6:61: arms.a[0].on.step: there is no step 13; write 1 to 12',
  ],
  [
    'a task that does not exist',
    arm('fault: kill, target: executor, on: { task: 301, step: 3 }'),
    '6:52: arms.a[0].on.task: there is no task 301; write 1 to 300',
  ],
  [
    'a rate for one node of many',
    arm('fault: kill, target: executor-1, every: 2m'),
    '6:30: arms.a[0].target: "every" counts for each node of a role; write the role alone: executor',
  ],
  [
    'per without every',
    arm('fault: kill, target: executor, at: 2m, per: node'),
    '6:53: arms.a[0].per: goes with "every" on nodes only; leave it out',
  ],
  [
    'a process per node for a fault that acts on all together',
    arm('fault: rolling-deploy, target: executor, every: 2m, for: 5m, per: node'),
    '6:75: arms.a[0].per: rolling-deploy acts on all of its target together; leave it out',
  ],
  [
    'a fault that acts on all together beside one of its nodes',
    text({
      arms: 'a:\n  - { fault: partition, target: executor, at: 1m }\n  - { fault: kill, target: executor-1, at: 1m }',
    }),
    '8:7: arms.a[1]: kill-1 may act on executor-1 while partition-1 does; separate them, or use two arms',
  ],
  [
    'no duration of a link fault',
    arm('fault: stall, target: client->api, at: 2m'),
    '6:7: arms.a[0].for is missing; write how long it lasts, e.g. for: 30s, or for: load',
  ],
  [
    'no duration of a fault that has a length of its own',
    text({
      arms: 'a: [{ fault: rolling-deploy, target: executor, at: 2m }]\nb: [{ fault: restart-loop, target: executor, at: 2m }]',
    }),
    '6:7: arms.a[0].for is missing; write how long it may take, e.g. for: 10m',
    '7:7: arms.b[0].for is missing; write how long it may take, e.g. for: 10m',
  ],
  [
    'for: load again and again',
    arm('fault: stall, target: client->api, every: 2m, for: load'),
    '6:60: arms.a[0].for: "load" goes with "at" only; write a duration',
  ],
  [
    'a window without a unit',
    arm('fault: stall, target: client->api, every: 2m, for: 7'),
    `6:60: arms.a[0].for: 7 has no unit; ${durations}, or load`,
  ],
  [
    'more firings than anybody means',
    arm('fault: stall, target: client->api, every: 1ms, for: 1ms'),
    '6:51: arms.a[0].every: about 450000 firings; write a longer gap: at most 10000 are planned per arm',
  ],
  // Overlaps
  [
    'two faults on one node',
    text({
      arms: 'a:\n  - { fault: kill, target: executor-1, at: 1m }\n  - { fault: pause, target: executor, at: 1m, for: 5s }',
    }),
    '8:7: arms.a[1]: pause-1 may act on executor while kill-1 does; separate them, or use two arms',
  ],
  [
    'two faults on one node by two of its names',
    text({ arms: 'a:\n  - { fault: kill, target: executor, every: 5m }\n  - { fault: stop, target: api-0, at: 9m }' }),
    '8:7: arms.a[1]: stop-1 may act on api-0 while kill-1 does; separate them, or use two arms',
  ],
  [
    'two faults on one link',
    text({
      arms: 'a:\n  - { fault: stall, target: client->api, at: 1m, for: 1m }\n  - { fault: latency, target: client->api-0, at: 90s, for: 1m, delay: 1s }',
    }),
    '8:7: arms.a[1]: latency-1 may act on client->api-0 while stall-1 does; separate them, use two arms, or say compose: true in both',
  ],
  [
    'two faults with one id',
    text({
      arms: 'a:\n  - { fault: kill, target: executor-0, at: 2m, id: x }\n  - { fault: kill, target: executor-1, at: 4m, id: x }',
      patterns: '[durable-postgres]',
    }),
    '8:54: arms.a[1].id: "x" is already another fault of this arm; choose another id',
  ],
  [
    'composing faults of a node',
    arm('fault: kill, target: executor, at: 2m, compose: true'),
    '6:57: arms.a[0].compose: only faults of links can be composed; leave it out',
  ],
  // References
  [
    'a gate on an unknown pattern',
    gate("pattern: webhook, arm: none, success: '>= 9 %'"),
    '7:20: gates[0].pattern: "webhook" is no pattern of this scenario; patterns: sync, durable-postgres',
  ],
  [
    'a gate on an unknown arm',
    gate("pattern: sync, arm: nun, success: '>= 9 %'"),
    '7:31: gates[0].arm: "nun" is no arm of this scenario; arms: none',
  ],
  [
    'a gate on nothing',
    gate('pattern: sync, arm: none'),
    '7:9: gates[0] has no metric; write at least one of success, exposed-success, late, lost, duplicates, rework, takeover p90, restored, overhead p50, overhead p95, overhead p99, requests, posts, executions, after-cancel, commands-lost, over-budget, cancelled p50, stopped p50, regression, slowdown',
  ],
  [
    'everything at once',
    'nam: x\nquestion: 5\npatterns: [snyc]\nload: { tasks: -1, rate: 3 }\narms: { kill: [{ fault: kill, target: api, at: 1m, every: 1m }, { fault: stal }] }\ngates: [{ pattern: sync, arm: kil, success: 5 }]\n',
    '1:1: name is missing; write a text',
    `1:1: unknown key "nam" (did you mean "name"?); ${topKeys}`,
    '2:11: question: 5 is not a text; write a text',
    '3:12: patterns[0]: unknown pattern "snyc" (did you mean "sync"?); patterns: sync, webhook, polling, sse-polling, durable-postgres, durable-restate, or delivery+engine, either with @tuned',
    '4:16: load.tasks: -1 is too small; write at least 1',
    '4:26: load.rate: 3 has no unit; write a rate such as 5/s, 30/min or 200/h',
    `5:59: arms.kill[0].every: "at" already says when; ${triggers}`,
    `5:74: arms.kill[1].fault: unknown fault "stal" (did you mean "stall"?); ${faults}`,
    `6:45: gates[0].success: 5 has no unit; ${limits}`,
  ],
]

test.each(cases)('%s', (_, broken, ...lines) => {
  expect(problemsOf(broken)).toEqual(lines.map((line) => `broken.yaml:${line}`))
})

test('the scenario that all of them vary is right', () => {
  expect(parseScenario(text(), 'it.yaml', catalog).name).toBe('it')
})

test('a file that is nested too deeply for the parser is refused, not a crash', () => {
  expect(problemsOf('['.repeat(20_000))).toEqual([expect.stringContaining('nested too deeply')])
})

test('of very many problems the first fifty are shown, and the rest counted', () => {
  const lines = problemsOf(Array.from({ length: 500 }, (_, i) => `key${i}: 1`).join('\n'))
  expect(lines).toHaveLength(51)
  expect(lines.at(-1)).toBe('broken.yaml: and 455 more problems')
})

function problemsOf(broken: string): readonly string[] {
  try {
    parseScenario(broken, 'broken.yaml', catalog)
  } catch (error) {
    if (error instanceof UsageError) return error.problems
    throw error
  }
  return []
}
