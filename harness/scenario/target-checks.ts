import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type { Promised } from '../../patterns/contract/types/promises.ts'
import { whyNoRight } from '../model/right.ts'
import { readCompose, type Roles } from './compose.ts'
import { mappingProblems, unfilled, whyAlwaysRight } from './mapping-checks.ts'
import { describe, type Path, type Problem } from './problems.ts'
import type { Written, WrittenProgram } from './target-schema.ts'

/** Where a scenario's relative paths begin, and what its adapters' files are. */
export interface TargetPlace {
  readonly folder: string
  /** SHA-256 by path as written; a sentence where it cannot be used. */
  readonly adapters: ReadonlyMap<string, { readonly sha256: string } | { readonly unusable: string }>
  /** Texts of compose files, likewise. */
  readonly composes: ReadonlyMap<string, { readonly text: string } | { readonly unusable: string }>
}

export interface TargetNames {
  readonly deliveries: ReadonlyMap<string, Delivery>
  readonly storeNames: readonly string[]
  /** Names that a target cannot have. */
  readonly taken: (name: string) => boolean
}

const programs = ['start', 'image', 'server', 'url'] as const

/** All that is wrong with a target whose parts are right by themselves. */
export function findProblems(written: Written, path: Path, place: TargetPlace, names: TargetNames): readonly Problem[] {
  const { processes, api, adapter, client } = written
  const found: Problem[] = []
  const add = (key: string, message: string): void => void found.push({ path: [...path, key], at: 'key', message })
  if (written.compose !== undefined) found.push(...composeProblems(written, path, place))
  else if (processes) {
    for (const key of programs.filter((one) => written[one] !== undefined))
      add(key, 'goes without "processes", which say what runs; write one of them')
    if (!processes.api)
      found.push({ path: [...path, 'processes'], message: 'has no api: somebody must answer the client' })
    for (const [role, one] of Object.entries(processes))
      found.push(...programProblems(one, [...path, 'processes', role], names))
  } else found.push(...programProblems(written, path, names))
  if (api && adapter !== undefined) add('adapter', 'goes without "api": one of them says how it is spoken to')
  const waits = names.deliveries.get(client)
  const clientProblem = whyNoClient(written, names)
  if (clientProblem !== undefined) found.push({ path: [...path, 'client'], message: clientProblem })
  if (api && !waits?.callback && api.status === undefined)
    add('api', `has no status, which the client ${client} reads; write GET /jobs/{id}`)
  if (api && waits?.callback && !api.callback)
    add('api', `says nothing about callbacks, which the client ${client} waits for; add callback: {}`)
  for (const [promise, why] of impossiblePromises(written, waits)) {
    const at = written.promises.indexOf(promise)
    if (at >= 0)
      found.push({ path: [...path, 'promises', at], message: `${promise} cannot be put to the test: ${why}` })
  }
  const all = [written, ...Object.values(processes ?? {})].flatMap(textsOf)
  for (const name of new Set(all.flatMap((text) => [...text.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name]) => name!))))
    if (!placeholders.includes(name))
      found.push({
        path,
        message: `unknown placeholder {${name}}; there is ${placeholders.map((one) => `{${one}}`).join(', ')}`,
      })
  if (api) found.push(...mappingProblems(api, waits?.callback === true, [...path, 'api']))
  found.push(...workProblems(written, path), ...replicaProblems(written, path))
  const file = adapter === undefined ? undefined : place.adapters.get(adapter)
  if (adapter !== undefined && (!file || 'unusable' in file))
    found.push({ path: [...path, 'adapter'], message: file?.unusable ?? 'it cannot be read' })
  return found
}

function workProblems(written: Written, path: Path): readonly Problem[] {
  const { right, input } = written.work
  const ofInput = unfilled(JSON.stringify(input), ['key', 'seed', 'timeScale'], [...path, 'work', 'input'], notInInput)
  if (right === undefined) return ofInput
  const at = [...path, 'work', 'right']
  const odd = unfilled(right, ['key'], at)
  if (odd.length > 0) return [...ofInput, ...odd]
  const why = whyNoRight(right) ?? whyAlwaysRight(written)
  return why === undefined ? ofInput : [...ofInput, { path: at, message: why }]
}

/** Likely to be meant as placeholders: any other braces are the service's. */
const notInInput: ReadonlySet<string> = new Set(['token', 'callback', 'input', 'id', 'port', 'node'])

/** An address is one node, however many are behind it. */
function replicaProblems({ processes, replicas, url }: Written, path: Path): readonly Problem[] {
  const all = processes ?? { api: { url, replicas: undefined } }
  return Object.entries(all).flatMap(([role, one]) => {
    const count = replicas[role as 'api'] ?? one.replicas ?? 1
    const message = `${role} is one node, at ${one.url}, and ${count} replicas of it would be the same one`
    return one.url === undefined || count === 1 ? [] : [{ path: [...path, 'replicas'], message }]
  })
}

function composeProblems(written: Written, path: Path, place: TargetPlace): readonly Problem[] {
  const { compose, services, ready, processes } = written
  const others = [...programs.filter((one) => written[one] !== undefined), ...(processes ? ['processes'] : [])]
  if (others.length > 0)
    return [
      {
        path: [...path, 'compose'],
        at: 'key',
        message: `goes without ${others.join(' and ')}: the file says what runs`,
      },
    ]
  if (!services)
    return [
      { path, message: 'has "compose" and no "services"; write which of them answers clients: services: { api: web }' },
    ]
  const file = place.composes.get(compose!)
  if (!file || 'unusable' in file)
    return [{ path: [...path, 'compose'], message: file?.unusable ?? 'it cannot be read' }]
  const found = readCompose(file.text, rolesOf(services), ready)
  return [
    ...misplacedKeys(written, path, 'compose'),
    ...found.flatMap((one) => (typeof one === 'string' ? [{ path: [...path, 'compose'], message: one }] : [])),
  ]
}

/** The roles of services of a compose file. */
export function rolesOf(services: NonNullable<Written['services']>): Roles {
  return Object.fromEntries(Object.entries(services).filter(([, name]) => name !== undefined)) as Roles
}

/** In commands and variables. */
const placeholders = ['port', 'host', 'data', 'node', 'token', 'timeScale', 'tools', 'store', 'engine', 'api', 'worker']

/** Where its placeholders are. */
export function textsOf({ env = {}, start = [], command = [] }: Partial<WrittenProgram>): readonly string[] {
  return [...Object.values(env), ...start, ...command]
}

/** What nobody would see broken must not be called kept. */
function impossiblePromises(written: Written, waits: Delivery | undefined): readonly (readonly [Promised, string])[] {
  const { processes = {}, work, api, client } = written
  const tellsEffects = [written, ...Object.values(processes)].flatMap(textsOf).some((text) => text.includes('{tools}'))
  const noEffects = 'it tells nobody of its effects; give its processes {tools}'
  return [
    ...(tellsEffects ? [] : [['effect-once', noEffects] as const, ['effect-at-least-once', noEffects] as const]),
    ...(work.right === undefined
      ? [['result-integrity', 'nobody knows a right result; write work.right'] as const]
      : []),
    ...(api && api.key === undefined
      ? [['idempotency', 'its API takes no key; write api.key, the name of a header'] as const]
      : []),
    ...(waits?.events ? [] : [['stream-continuity', `the client ${client} follows no stream`] as const]),
    ...(waits?.callback ? [] : [['callback-identity', `the client ${client} hears no callbacks`] as const]),
  ]
}

function whyNoClient({ client, api, adapter }: Written, { deliveries }: TargetNames): string | undefined {
  const delivery = deliveries.get(client)
  if (!delivery) return `unknown delivery ${describe(client)}; deliveries: ${[...deliveries.keys()].join(', ')}`
  if ((api ?? adapter) === undefined || delivery.anyApi) return undefined
  const others = [...deliveries.values()].filter(({ anyApi }) => anyApi).map(({ name }) => name)
  return `${describe(client)} follows the task API alone; with api or adapter write ${others.join(' or ')}`
}

function programProblems(
  written: WrittenProgram,
  path: Path,
  { storeNames }: Pick<TargetNames, 'storeNames'>,
): readonly Problem[] {
  const given = programs.filter((one) => written[one] !== undefined)
  if (given.length !== 1)
    return [
      { path, message: `has ${given.join(' and ') || 'nothing to run'}; write exactly one of ${programs.join(', ')}` },
    ]
  const { server } = written
  if (server !== undefined && !storeNames.includes(server))
    return [
      { path: [...path, 'server'], message: `unknown server ${describe(server)}; servers: ${storeNames.join(', ')}` },
    ]
  return misplacedKeys(written, path, given[0]!)
}

function misplacedKeys(
  written: WrittenProgram,
  path: Path,
  kind: (typeof programs)[number] | 'compose',
): readonly Problem[] {
  const unheard = (['env', 'passEnv'] as const).filter((key) => Object.keys(written[key]).length > 0)
  if ((kind === 'url' || kind === 'server') && unheard.length > 0)
    return unheard.map((key) => ({
      path: [...path, key],
      at: 'key',
      message: `"${key}" goes with "start" or "image" only: what runs already, or is outlast’s, is given no environment`,
    }))
  if (written.kill && !written.restart && kind === 'url')
    return [{ path: [...path, 'kill'], at: 'key', message: 'there is "kill" and no "restart": it would stay down' }]
  const only = { command: 'image', port: 'image', kill: 'url', restart: 'url' } as const
  return Object.entries(only).flatMap(([key, with_]) =>
    written[key as keyof typeof only] === undefined || with_ === kind
      ? []
      : [{ path: [...path, key], at: 'key' as const, message: `goes with "${with_}" only; leave it out` }],
  )
}
