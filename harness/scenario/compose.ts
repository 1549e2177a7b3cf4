import { parseDocument } from 'yaml'
import { z } from 'zod'
import { describeError } from '../core/errors.ts'
import type { NodeRole } from '../../patterns/contract/types/engine.ts'
import type { TargetProcess } from '../model/target.ts'
import {
  composeService,
  type ComposeService,
  environmentOf,
  flawsOf,
  namesIn,
  programOf,
  volumesOf,
} from './compose-service.ts'
import { isMap, read, section, suggest, withoutQuoting } from './problems.ts'

const composeFile = z.looseObject({
  services: z.record(z.string(), composeService),
  volumes: z.record(z.string(), z.record(z.string(), z.unknown()).nullable()).optional(),
})
type ComposeFile = z.output<typeof composeFile>

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
  const { data, broken } = parse(text)
  if (broken !== undefined) return [`it is no valid YAML: ${broken.split('\n')[0]}`]
  const { value, problems } = withoutQuoting(() => read(composeFile, data))
  if (!value) return problems.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
  const named = Object.entries(roles) as [NodeRole, string][]
  const names = named.map(([, name]) => name)
  const twice = names.filter((name, i) => names.indexOf(name) !== i).map((name) => `service ${name} has two roles`)
  const flaws = [...twice, ...names.flatMap((name) => serviceFlaws(name, value, names)), ...volumeFlaws(value)]
  if (flaws.length > 0) return flaws
  const byName = new Map(named.map(([role, name]) => [name, role]))
  return named.map(([role, name]) => processOf(role, value.services[name]!, byName, ready))
}

function parse(text: string): { readonly data?: unknown; readonly broken?: string } {
  const document = parseDocument(text, { merge: true })
  const [error] = document.errors
  if (error) return { broken: error.message }
  try {
    return { data: document.toJS() }
  } catch (error) {
    // An alias of nothing, or too many of them.
    return { broken: describeError(error) }
  }
}

function serviceFlaws(name: string, { services }: ComposeFile, named: readonly string[]): readonly string[] {
  if (Object.hasOwn(services, name)) return flawsOf(name, services[name]!, named)
  const names = Object.keys(services)
  return [`it has no service "${name}"${suggest(name, names)}; services: ${names.join(', ')}`]
}

/** A cell begins with empty volumes, on this machine. */
function volumeFlaws({ volumes = {} }: ComposeFile): readonly string[] {
  return Object.entries(volumes).flatMap(([name, settings]) =>
    ['external', 'driver', 'driver_opts']
      .filter((key) => settings?.[key])
      .map((key) => `volume ${name} uses ${key}, which is not carried over`),
  )
}

function processOf(
  role: NodeRole,
  one: ComposeService,
  byName: ReadonlyMap<string, NodeRole>,
  ready: string | undefined,
): TargetProcess {
  const others = [...byName].filter(([, other]) => other !== role && mayDial(role, other)).map(([name]) => name)
  const dialled = namesIn(one, others).map((name) => [name, byName.get(name)!] as const)
  return {
    role,
    program: programOf(one, role),
    replicas: one.deploy?.replicas ?? one.scale ?? 1,
    dials: dialled.map(([, other]) => other),
    ...environmentOf(one),
    hosts: Object.fromEntries(dialled),
    volumes: volumesOf(one),
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
