import { stringify } from 'yaml'
import { isMap } from '../../scenario/problems.ts'
import type { Service } from './answers.ts'
import { sizesFor } from './sizes.ts'

export interface Surroundings {
  /** Of the scenario's schema, from the folder of the scenario; undefined: there is none. */
  readonly schema: string | undefined
  /** File of an adapter, in the place of a description. */
  readonly adapter: string | undefined
}

/** A scenario with the control and one arm of faults: small enough to be tried at once, or as large as its preset makes it. */
export function scenarioText(service: Service, around: Surroundings): string {
  const { name, preset } = service
  const { timeScale, tasks, rate, grace } = sizesFor(service)
  const lines = [
    ...(around.schema === undefined ? [] : [`# yaml-language-server: $schema=${around.schema}`]),
    `# Written by outlast init. Change it as you like: docs/targets.md and docs/scenarios.md have every key.`,
    `name: ${name}`,
    `question: Does ${name} keep what it accepted while ${isRemote(service) ? 'it cannot be reached' : 'its processes die'}?`,
    'seed: 1',
    ...(preset === undefined
      ? []
      : [
          '# Chooses the tasks, and when faults fire, by power: docs/scenarios.md. What this file says wins.',
          `preset: ${preset}`,
        ]),
    ...(timeScale === 1
      ? ['# A service that reads {timeScale} and divides its times by it can be tested faster than real time.']
      : ['# Divides every duration below, and multiplies every rate.']),
    `timeScale: ${timeScale}`,
    'targets:',
    `  ${name}:`,
    ...targetLines(service, around).map((line) => `    ${line}`),
    `patterns: [${name}]`,
    '# The same for every arm. Fewer at a time where the service cannot do so many at once.',
    `load: { ${preset === undefined ? `tasks: ${tasks}, ` : ''}arrivals: uniform, rate: ${rate} }`,
    '# A result that comes later than the work takes and this is late; the client gives up after two.',
    `grace: ${grace}`,
    'arms:',
    '  # The control: nothing happens.',
    '  none: []',
    ...armLines(service).map((line) => `  ${line}`),
    'gates:',
    `  - { pattern: ${name}, arm: none, success: '>= 80 %' }`,
    ...(preset === undefined
      ? ['  # A gate under faults needs more of them than a minute has: "outlast init --preset pr" writes one.']
      : [`  - { pattern: ${name}, arm: ${armOf(service).name}, success: '>= 50 %' }`]),
  ]
  return `${lines.join('\n')}\n`
}

function targetLines(service: Service, { adapter }: Surroundings): readonly string[] {
  const { env, passEnv, ready, api, speech, replicas } = service
  return [
    ...programLines(service),
    ...(replicas === 1 ? [] : [`replicas: { api: ${replicas} }`]),
    ...(Object.keys(env).length === 0 ? [] : [`env: ${inline(env)}`]),
    ...(passEnv.length === 0 ? [] : [`passEnv: ${inline(passEnv)}`]),
    '# A path that answers 200, or tcp: it accepts connections.',
    `ready: ${inline(ready)}`,
    ...(api.client === 'polling' ? [] : [`client: ${api.client}`]),
    ...(adapter === undefined ? [] : [`adapter: ./${adapter}`]),
    ...(adapter === undefined && speech ? speechLines(service) : []),
    ...workLines(service),
    '# What it is held to: each is a FAIL where it is broken.',
    `promises: ${inline(promisesOf(service))}`,
    '# false: accepted tasks may die with the process that accepted them.',
    'durable: true',
  ]
}

function programLines({ program }: Service): readonly string[] {
  if (program.kind === 'start')
    return ['# {port}, {data}, {token}, {node}: docs/targets.md has them all.', `start: ${inline(program.command)}`]
  if (program.kind === 'image')
    return [
      `image: ${inline(program.image)} # outlast run --runtime docker`,
      ...(program.port === undefined ? [] : [`port: ${program.port}`]),
    ]
  return [
    `url: ${inline(program.url)}`,
    '# With kill and restart, commands that take it down and bring it back, its processes can be killed too.',
  ]
}

function speechLines({ speech, key, api, input }: Service): readonly string[] {
  const { submit, status, id, state, states, body } = speech!
  return [
    'api:',
    ...[
      `submit: ${inline(submit)}`,
      ...(status === undefined ? [] : [`status: ${inline(status)}`]),
      '# Where they are in an answer: JSONPath, RFC 9535.',
      `id: ${inline(id)}`,
      `state: ${inline(state)}`,
      '# Its words. One that is not here is a task that still runs.',
      'states:',
      ...Object.entries(states).map(([state, words]) => `  ${state}: ${inline(words)}`),
      ...(body === undefined ? [] : [`body: ${inline({ ...body, ...(input ?? usualInput) })}`]),
      ...(key === undefined
        ? ['# key: idempotency-key   the header that names a task; without one what is in doubt is not sent again']
        : [`key: ${inline(key)}`]),
      ...(api.client === 'webhook' ? ["callback: { id: '$.id', state: '$.status' }"] : []),
    ].map((line) => `  ${line}`),
  ]
}

/** What is submitted where nobody says it. */
const usualInput = { job: '{key}' }

function workLines({ type, input, takes, right, speech }: Service): readonly string[] {
  const isInBody = speech?.body !== undefined
  return [
    'work:',
    '  # How long a task takes at best, in the time of this file.',
    `  takes: ${takes}`,
    ...(type === undefined ? [] : [`  type: ${inline(type)}`]),
    ...(input === undefined || isInBody ? [] : [`  input: ${inline(input)}`]),
    ...(right === undefined
      ? ["  # right: '$.result'   what a right result has; without it any completed task is right"]
      : [`  right: ${inline(right)}`]),
  ]
}

/** No more than can be put to the test. */
function promisesOf({ speech, key, right }: Service): readonly string[] {
  const isIdempotent = !speech || key !== undefined
  return [
    'no-lost-task',
    ...(isIdempotent ? ['idempotency'] : []),
    ...(right === undefined ? [] : ['result-integrity']),
  ]
}

function armOf(service: Service): { readonly name: string; readonly target: string; readonly about: string } {
  return isRemote(service)
    ? { name: 'refuse', target: 'client->api', about: '# Connections are refused, as while a service is deployed.' }
    : { name: 'kill', target: `${service.name}.api`, about: '# SIGKILL, and started again after this time.' }
}

/** Without a time a fault fires as often as its preset says. */
function armLines(service: Service): readonly string[] {
  const { at, for: lasting } = sizesFor(service)
  const { name, target, about } = armOf(service)
  const times = service.preset === undefined ? at.map((when) => `at: ${when}, `) : ['']
  return [
    about,
    `${name}:`,
    ...times.map((when) => `  - { fault: ${name}, target: ${inline(target)}, ${when}for: ${lasting} }`),
  ]
}

function isRemote({ program }: Service): boolean {
  return program.kind === 'url'
}

/** In one line, as YAML. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  if (!isMap(value))
    return stringify([value], { collectionStyle: 'flow', lineWidth: 0, singleQuote: true }).trim().slice(1, -1).trim()
  const parts = Object.entries(value).map(([key, one]) => `${inline(key)}: ${inline(one)}`)
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
}
