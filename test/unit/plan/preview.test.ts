import { expect, test } from 'vitest'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { previewPlan } from '../../../harness/plan/preview.ts'
import { catalog, scenario } from './catalog.ts'

test('shows cells, what is left out, gates and every firing', () => {
  const made = scenario({
    patterns: '[sync, webhook]',
    arms: 'none: []\na:\n  - { fault: latency, target: client->api, at: 1m30s, for: 1m, delay: 2s }\n  - { fault: receiver-down, at: 0s, for: load }\n  - { fault: kill, target: executor-0, on: { task: 3, step: 4, after: 2s } }\nb: [{ fault: receiver-down, at: 0s, for: load }]\nc: [{ fault: drop, target: client->api, at: 1m, for: 1m }]\nd: [{ include: lb }]',
    tail: "timeScale: 20\ngates: [{ pattern: sync, arm: a, success: '>= 99.5 %' }]",
  })
  const plan = compilePlan(made, catalog, { runtime: 'process' })
  expect(previewPlan(plan)).toBe(`it: why?
seed 1, runtime process, timeScale 20 (1s here is 20s of the task's world)

5 cells in 3 blocks; the cells of a block run side by side:
  block  cell            pattern         tasks  load          grace  firings
  1      sync.none.1     sync+memory     300    poisson 10/s  6s     0
  1      webhook.none.1  webhook+memory  300    poisson 10/s  6s     0
  2      sync.a.1        sync+memory     300    poisson 10/s  6s     2
  2      webhook.a.1     webhook+memory  300    poisson 10/s  6s     3
  3      webhook.b.1     webhook+memory  300    poisson 10/s  6s     1

Left out:
  n/a  c, d: the runtime process does not offer packet-filter, edge; add --runtime full
  n/a  sync under b: receiver-down-1: sync has no sender->receiver
  sync.a.1 is not touched by receiver-down-1: sync has no sender->receiver

Gates:
  sync under a: success >= 99.5 %

Fault schedule, in real time since the load started:
  none, repetition 1: nothing happens
  a, repetition 1: 3 firings
      100ms after step 4 of task 3  kill-1#1           executor-0        for 1.5s  identity=same
      0ms                           receiver-down-1#1  sender->receiver  for 51s   mode=refused probability=1
      4.5s                          latency-1#1        client->api       for 3s    delayMs=100 jitterMs=0 direction=response probability=1
  b, repetition 1: 1 firing
      0ms  receiver-down-1#1  sender->receiver  for 51s  mode=refused probability=1
`)
})

test('a gate whose cells were left out says so', () => {
  const made = scenario({ patterns: '[sync]', tail: "gates: [{ pattern: sync, arm: none, success: '>= 90 %' }]" })
  const plan = compilePlan(made, catalog, { runtime: 'process' })
  const gates = plan.gates.map((gate) => ({ ...gate, leftOut: '--arms' }))
  expect(previewPlan({ ...plan, gates })).toContain(
    '  sync under none: success >= 90 % (left out by --arms: cannot be judged)\n',
  )
})
