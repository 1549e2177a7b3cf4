import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { NodeRole } from '../../patterns/contract/types/engine.ts'
import type { TargetProcess } from '../model/target.ts'
import { isMap, read, section } from './problems.ts'

/** A file of Docker Compose, as far as a node of a target needs it: which container, how it is told what, and whom it dials. */
const texts = z.union([
  z.array(z.string()),
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
])
const command = z.union([z.string(), z.array(z.string())])
const service = z.looseObject({
  image: z.string().optional(),
  command: command.optional(),
  environment: texts.optional(),
  ports: z.array(z.union([z.string(), z.number()])).optional(),
  expose: z.array(z.union([z.string(), z.number()])).optional(),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
})
type Service = z.output<typeof service>

/** What would change what runs, and is not carried over. */
const unsupported = ['entrypoint', 'env_file', 'configs', 'secrets', 'network_mode', 'privileged'] as const

export type Roles = Readonly<Partial<Record<NodeRole, string>>>

/**
 * The services of a compose file that `roles` names, as processes of a target: `{ api: 'web', store: 'db' }`. Each finds the others
 * under the names that they have there, behind links. Returns sentences where that cannot be.
 */
export function readCompose(
  text: string,
  roles: Roles,
  ready: string | undefined,
): readonly TargetProcess[] | readonly string[] {
  const document = parseDocument(text, { merge: true })
  const [broken] = document.errors
  if (broken) return [`it is no valid YAML: ${broken.message.split('\n')[0]}`]
  const { value, problems } = read(z.looseObject({ services: z.record(z.string(), service) }), document.toJS())
  if (!value) return problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
  const named = Object.entries(roles) as [NodeRole, string][]
  const flaws = named.flatMap(([, name]) => flawsOf(name, value.services))
  if (flaws.length > 0) return flaws
  const byName = new Map(named.map(([role, name]) => [name, role]))
  return named.map(([role, name]) => processOf(role, value.services[name]!, byName, ready))
}

function flawsOf(name: string, services: Readonly<Record<string, Service>>): readonly string[] {
  const one = services[name]
  if (!one) return [`it has no service "${name}"; services: ${Object.keys(services).join(', ')}`]
  const kept = JSON.stringify([one.environment, one.command, one.image])
  return [
    ...(one.image === undefined
      ? [`service ${name} has no image: build it ("docker compose build") and name the image`]
      : []),
    ...(/\$\{?\w/.test(kept)
      ? [`service ${name} takes values from a shell ($NAME); write them out, or use passEnv`]
      : []),
    ...unsupported.filter((key) => key in one).map((key) => `service ${name} uses ${key}, which is not carried over`),
  ]
}

function processOf(
  role: NodeRole,
  one: Service,
  byName: ReadonlyMap<string, NodeRole>,
  ready: string | undefined,
): TargetProcess {
  const others = [...byName].filter(([, other]) => other !== role && mayDial(role, other))
  const said = JSON.stringify([one.environment, one.command, one.depends_on])
  const dialled = others.filter(([name]) => new RegExp(`\\b${name}\\b`).test(said))
  const command = commandOf(one.command)
  return {
    role,
    program: { kind: 'image', image: one.image!, port: portOf(one, role), ...(command && { command }) },
    replicas: 1,
    dials: dialled.map(([, other]) => other),
    env: environmentOf(one.environment),
    passEnv: [],
    hosts: Object.fromEntries(dialled),
    ready: role === 'api' ? (ready ?? 'tcp') : role === 'worker' ? 'none' : 'tcp',
  }
}

/** Links there are between these. */
function mayDial(from: NodeRole, to: NodeRole): boolean {
  const links: Readonly<Partial<Record<NodeRole, readonly NodeRole[]>>> = {
    api: ['store', 'engine', 'worker'],
    worker: ['store', 'engine', 'api'],
    engine: ['store', 'worker'],
  }
  return links[from]?.includes(to) ?? false
}

const usualPorts: Readonly<Record<NodeRole, number>> = { api: 8080, worker: 8080, engine: 8080, store: 5432 }

/** The port inside: the last part of `8080:80/tcp`. */
function portOf({ ports = [], expose = [], image = '' }: Service, role: NodeRole): number {
  const [first] = [...ports, ...expose]
  const inside = /(\d+)(?:\/tcp)?$/.exec(String(first ?? ''))?.[1]
  if (inside !== undefined) return Number(inside)
  return /redis|valkey/.test(image) ? 6379 : /mysql|mariadb/.test(image) ? 3306 : usualPorts[role]
}

/** A text is split as a shell would, quotes included. */
function commandOf(command: Service['command']): readonly string[] | undefined {
  if (typeof command !== 'string') return command
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain!,
  )
}

function environmentOf(environment: Service['environment'] = {}): Readonly<Record<string, string>> {
  const pairs = Array.isArray(environment)
    ? environment.map((line) => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1)] as const)
    : Object.entries(environment).map(([name, value]) => [name, String(value ?? '')] as const)
  return Object.fromEntries(pairs)
}

/** How a scenario names such a file. */
export const composeShape = {
  compose: z
    .string()
    .optional()
    .describe('A file of Docker Compose (--runtime docker); services says which of it has which role'),
  services: section({
    api: z.string(),
    worker: z.string().optional(),
    engine: z.string().optional(),
    store: z.string().optional(),
  })
    .optional()
    .describe('With compose: { api: web, store: db }'),
}

/** Paths of the compose files that targets name, as written. */
export function composePaths(targets: unknown): readonly string[] {
  const all = isMap(targets) ? Object.values(targets) : []
  return all.flatMap((one) => (isMap(one) && typeof one['compose'] === 'string' ? [one['compose']] : []))
}
