import { discover } from '../../../harness/core/discover.ts'
import { promises, type Promised } from '../../../patterns/contract/types/promises.ts'
import type { Tuning } from '../../../patterns/contract/types/timeouts.ts'
import type { Delivery } from '../../../patterns/contract/types/delivery.ts'
import type { Engine, Service } from '../../../patterns/contract/types/engine.ts'
import type { Fault } from '../../../harness/model/fault.ts'
import type { Catalog, WorkProfile } from '../../../harness/scenario/catalog.ts'
import { parseScenario } from '../../../harness/scenario/parse.ts'
import { patternOf } from '../../../harness/targets/pattern.ts'
import type { Scenario } from '../../../harness/scenario/scenario.ts'

const all = Object.keys(promises) as Promised[]
const delivery = (name: string, own: Partial<Delivery> = {}): Delivery => ({
  name,
  summary: name,
  promises: all,
  events: false,
  callback: false,
  ...own,
})
const deliveries = new Map(
  [
    delivery('sync', { resubmits: true }),
    delivery('webhook', { callback: true, anyApi: true }),
    delivery('polling', { anyApi: true }),
    delivery('sse-polling', { events: true }),
  ].map((one) => [one.name, one]),
)

const store: Service = { role: 'store', program: 'postgres', replicas: 1, dials: [] }
const api: Service = { role: 'api', program: 'serve', replicas: 'api', dials: ['tools', 'receiver'] }
const memory: Engine = {
  name: 'memory',
  summary: '',
  promises: ['no-phantom'],
  durable: false,
  executor: 'api',
  notifier: 'api',
  sticky: true,
  timeouts: {},
  services: [api],
}
const postgres: Engine = {
  name: 'postgres',
  summary: '',
  promises: all,
  durable: true,
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts: { leaseMs: { default: 60_000, tuned: 5_000, floorMs: 1000, why: 'a busy machine' } },
  takeover: ({ leaseMs = 0 }) => ({ earliestMs: leaseMs / 2, latestMs: leaseMs }),
  services: [
    store,
    { role: 'worker', program: 'work', replicas: 'executor', dials: ['store', 'tools', 'receiver'] },
    { ...api, dials: ['store'] },
  ],
}
const restate: Engine = {
  name: 'restate',
  summary: '',
  promises: all,
  durable: true,
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts: { leaseMs: { default: 60_000, tuned: 5_000, floorMs: 1000, why: 'a busy machine' } },
  services: [
    { role: 'engine', program: 'restate', replicas: 1, dials: ['worker'] },
    { role: 'worker', program: 'work', replicas: 'executor', dials: ['tools', 'receiver'] },
    { ...api, dials: ['engine'] },
  ],
}
const engines = new Map([memory, postgres, restate].map((engine) => [engine.name, engine]))
const named: Readonly<Record<string, readonly [string, string]>> = {
  sync: ['sync', 'memory'],
  webhook: ['webhook', 'memory'],
  polling: ['polling', 'memory'],
  'sse-polling': ['sse-polling', 'memory'],
  'durable-postgres': ['sse-polling', 'postgres'],
  'durable-restate': ['sse-polling', 'restate'],
}

const works = new Map<string, WorkProfile>([
  ['research-write', { steps: 12, idealMs: 300_000, longestStepMs: 52_500 }],
  ['research-brief', { steps: 4, idealMs: 300_000, longestStepMs: 100_000 }],
  ['smoke', { steps: 3, idealMs: 30_000, longestStepMs: 15_000 }],
])

/** The real faults; deliveries and engines as small as planning needs them. */
export const catalog: Catalog = {
  patternNames: Object.keys(named),
  deliveries,
  engineNames: [...engines.keys()],
  storeNames: ['postgres', 'redis'],
  resolvePattern: (name) => {
    const [base, tuning = 'default'] = name.split('@') as [string, Tuning?]
    const [deliveryName, engineName] = named[base] ?? base.split('+')
    const found = { name, delivery: deliveries.get(deliveryName!), engine: engines.get(engineName!) }
    return found.delivery && found.engine ? { name, delivery: found.delivery, engine: found.engine, tuning } : undefined
  },
  patternOf: (target) => ({
    ...patternOf(target, deliveries.get(target.client)!),
    work: { steps: 1, idealMs: target.work.takesMs, longestStepMs: target.work.takesMs },
  }),
  faults: await discover<Fault>(new URL('../../../harness/faults/', import.meta.url)),
  runtimes: new Map([
    [
      'process',
      {
        name: 'process',
        offers: [
          'kill',
          'stop',
          'pause',
          'toxics',
          'stall',
          'refuse',
          'idle-timeout',
          'response-lost',
          'callbacks',
          'block',
        ] as const,
      },
    ],
    ['plain', { name: 'plain', offers: ['kill', 'toxics'] as const }],
    [
      'full',
      {
        name: 'full',
        offers: ['kill', 'stop', 'isolate', 'limits', 'toxics', 'stall', 'packet-filter', 'edge'] as const,
      },
    ],
  ]),
  faultProfiles: new Map([
    [
      'lb',
      {
        file: 'profiles/lb.yaml',
        text: 'name: lb\nabout: a load balancer\nfaults: [{ fault: edge, at: 0s, for: load }]\n',
      },
    ],
    [
      'storm',
      {
        file: 'profiles/storm.yaml',
        text: 'name: storm\nabout: many deploys\ntimeScale: { max: 60, why: nodes start in real time }\nfaults:\n  - { fault: rolling-deploy, target: executor, at: 2m, for: 5m }\n  - { id: late, fault: rolling-deploy, target: executor, at: 14m, for: 1m, grace: 5s }\n',
      },
    ],
  ]),
  profileNames: [...works.keys()],
  workOf: (name) => works.get(name),
  nameWork: ({ steps, leastMs, mostMs }) => {
    const name = `work/${steps}/${leastMs}-${mostMs}`
    works.set(name, { steps, idealMs: (leastMs + mostMs) / 2, longestStepMs: mostMs / steps })
    return mostMs <= 86_400_000 ? { name } : { problem: 'is work that no server takes' }
  },
}

export interface Text {
  readonly head?: string
  readonly patterns?: string
  readonly arms?: string
  readonly tail?: string
}

/** A scenario's text: valid as it is; each part can be replaced. Arms begin in line 6. */
export function scenarioText({
  head = '',
  patterns = '[sync, durable-postgres]',
  arms = 'none: []',
  tail = '',
}: Text = {}) {
  const body = arms.split('\n').map((line) => `  ${line}`)
  return [
    'name: it',
    'question: why?',
    `patterns: ${patterns}`,
    'load: { tasks: 300, rate: 30/min }',
    'arms:',
    ...body,
    head,
    tail,
  ]
    .filter((line) => line !== '')
    .join('\n')
}

export function scenario(text: Text = {}): Scenario {
  return parseScenario(scenarioText(text), 'it.yaml', catalog)
}
