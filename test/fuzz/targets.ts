import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../support/outlast.ts'
import type { Dice } from './dice.ts'
import { escapes, oddTexts } from './odd.ts'
import { damageText } from './texts.ts'

const examples = globSync('examples/own-service/*/outlast.yaml', { cwd: root })
  .toSorted()
  .map((path) => readFileSync(join(root, path), 'utf8'))

const withTargets = (target: string): string => `name: own
question: Does it hold?
targets: { own: ${target} }
patterns: [own]
load: { tasks: 20, arrivals: uniform, rate: 1/s }
arms: { none: [], cut: [{ fault: refuse, target: 'client->api', at: 5s, for: 1s }] }
`

const work = `work: { takes: 2s, steps: 2, input: { topic: '{key}', n: '{seed}' }, right: '$.a == "{key}"' }`
const api = `api: { submit: POST /jobs, status: 'GET {id}', id: { header: location }, headers: { a: 'Key {env.HOME}' },
  body: { all: '{input}', to: '{callback}' }, key: x-key, state: '$..state', states: { completed: [done, 1, true] }, callback: { id: $.id } }`

/** Every way to name what runs, and how it is spoken to. */
const texts: readonly string[] = [
  ...examples,
  withTargets(
    `{ url: 'http://127.0.0.1:1', kill: [sh, kill.sh], restart: [sh, start.sh], client: webhook, ${api}, ${work} }`,
  ),
  withTargets(
    `{ image: 'me/it:1', port: 80, command: [serve, '{port}'], env: { T: '{token}' }, ready: /healthz, ${work} }`,
  ),
  withTargets(
    `{ start: [node, x.js, '{port}'], adapter: adapter.ts, client: polling, patience: 5s, durable: true, ${work} }`,
  ),
  withTargets(`{ processes: { api: { start: [node, a.js], replicas: 2, env: { DB: '{store}', W: '{worker}' } },
    worker: { start: [node, w.js], ready: none, dials: [store, tools] }, store: { server: postgres } }, promises: [no-lost-task], ${work} }`),
  withTargets(
    `{ compose: compose.yml, services: { api: web, store: db, worker: jobs }, replicas: { worker: 2 }, env: { A: '{tools}' }, ${work} }`,
  ),
]

const compose = `services:
  web: { image: 'me/web:1', ports: ['8000:80'], environment: { DB: 'postgres://db:5432/x', SECRET: }, depends_on: [db], volumes: ['v:/data', /tmp] }
  jobs: { image: 'me/web:1', command: 'serve "a b" --db db', deploy: { replicas: 2 }, environment: [A=1, B], user: 1000 }
  db: { image: 'postgres:17', volumes: [{ type: volume, source: v, target: /var }], expose: [5432] }
volumes: { v: }
`

/** What stands where the file is named that a target needs. */
const elsewhere = [
  '/etc/passwd',
  '/dev/zero',
  '/proc/self/environ',
  '.',
  'scenario.yaml',
  'no such file',
  ...oddTexts,
  ...escapes,
]

type Change = (text: string, dice: Dice) => Buffer

/** A scenario with a service of the user's, and the files that it names: each of them may be wrong. */
export function targetFiles(dice: Dice, structure: Change): Readonly<Record<string, Buffer>> {
  const change = (text: string, chance: number): Buffer => {
    if (!dice.chance(chance)) return Buffer.from(text)
    return dice.chance(0.7) ? structure(text, dice) : damageText(text, dice)
  }
  const text = dice.pick(texts)
  const named = dice.chance(0.2)
    ? text.replace(
        /(compose|adapter): \S+?(?=[,\n])/,
        (_, key: string) => `${key}: ${JSON.stringify(dice.pick(elsewhere))}`,
      )
    : text
  return {
    'scenario.yaml': change(named, 0.7),
    'compose.yml': change(compose, 0.6),
    'adapter.ts': Buffer.from(dice.pick(['export default {}', 'this is no TypeScript', '', '\0'])),
  }
}
