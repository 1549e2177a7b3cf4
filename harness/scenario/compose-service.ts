import { z } from 'zod'
import type { NodeRole } from '../../patterns/contract/types/engine.ts'
import type { TargetProcess } from '../model/target.ts'

/** A service of a file of Docker Compose, as far as a node of a target needs it: what runs in which container, and whom it dials. */
const texts = z.union([
  z.array(z.string()),
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
])
const command = z.union([z.string(), z.array(z.string())])
const port = z.union([z.string(), z.number(), z.looseObject({ target: z.number() })])
const volume = z.union([
  z.string(),
  z.looseObject({ type: z.string(), source: z.string().optional(), target: z.string() }),
])
const replicas = z.int().min(1).max(64)
const carried = {
  image: z.string().optional(),
  command: command.optional(),
  entrypoint: command.optional(),
  environment: texts.optional(),
  user: z.union([z.string(), z.number()]).optional(),
  working_dir: z.string().optional(),
  ports: z.array(port).optional(),
  expose: z.array(port).optional(),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
  volumes: z.array(volume).optional(),
  scale: replicas.optional(),
  deploy: z.looseObject({ replicas: replicas.optional() }).optional(),
  networks: z.unknown().optional(),
}
export const composeService = z.looseObject(carried)
export type ComposeService = z.output<typeof composeService>

/** What outlast does in a way of its own, or what no program notices. */
const passedOver = new Set([
  'annotations',
  'attach',
  'build',
  'container_name',
  'develop',
  'domainname',
  'healthcheck',
  'hostname',
  'labels',
  'logging',
  'platform',
  'profiles',
  'pull_policy',
  'restart',
  'stdin_open',
  'stop_grace_period',
  'tty',
])

/** Why it would be another service here than under Compose. `named`: the services that have a role. */
export function flawsOf(name: string, one: ComposeService, named: readonly string[]): readonly string[] {
  const kept = JSON.stringify([one.environment, one.command, one.entrypoint, one.image])
  const strangers = Object.keys(one).filter(
    (key) => !Object.hasOwn(carried, key) && !passedOver.has(key) && !key.startsWith('x-'),
  )
  const limits = one.deploy?.['resources'] === undefined ? [] : ['deploy.resources']
  const flaws = [
    ...(one.image === undefined ? ['has no image: build it ("docker compose build") and name the image'] : []),
    ...(/(?<!\$)(?:\$\$)*\$\{?\w/.test(kept)
      ? ['takes values from a shell ($NAME); write them out, or use passEnv']
      : []),
    ...[...strangers, ...limits].map((key) => `uses ${key}, which is not carried over`),
    ...[...(one.ports ?? []), ...(one.expose ?? [])]
      .filter((port): port is string => typeof port === 'string' && /\d-\d/.test(port))
      .map((port) => `has a range of ports, ${port}; write the one that answers first`),
    ...(one.volumes ?? []).flatMap((volume) => mountOf(volume).flaw ?? []),
    ...dependencies(one)
      .filter((other) => !named.includes(other))
      .map((other) => `depends on ${other}, which has no role; name it in "services", or leave it out of depends_on`),
    ...(JSON.stringify(one.networks ?? '').includes('"aliases"')
      ? ['has other names (aliases), which are not carried over']
      : []),
  ]
  return flaws.map((flaw) => `service ${name} ${flaw}`)
}

function dependencies({ depends_on: on = [] }: ComposeService): readonly string[] {
  return Array.isArray(on) ? on : Object.keys(on)
}

/** A name that Docker may give to a volume: all else is a path. */
const volumeName = /^[A-Za-z0-9][\w.-]*$/

/** `source` is absent for a volume without a name, which goes with its container as all that it writes does. */
interface Mount {
  readonly target: string
  readonly source?: string
  readonly flaw?: string
}

function mountOf(written: z.output<typeof volume>): Mount {
  if (typeof written !== 'string') {
    const { type, source, target, read_only: isReadOnly } = written
    const mode = isReadOnly === true ? 'ro' : undefined
    if (type === 'volume') return { target, ...(source !== undefined && { source }), ...flawOfMode(source, mode) }
    const what = type === 'bind' ? 'a folder of this machine' : `a ${type}`
    return { target, flaw: `mounts ${source ?? target}, ${what}, which is not carried over` }
  }
  const [source, target, mode] = written.split(':') as [string, string?, string?]
  if (target === undefined) return { target: source }
  if (!volumeName.test(source))
    return { target, flaw: `mounts ${source}, a folder of this machine, which is not carried over` }
  return { target, source, ...flawOfMode(source, mode === 'rw' ? undefined : mode) }
}

function flawOfMode(source = 'a volume', mode: string | undefined): Pick<Mount, 'flaw'> {
  return mode === undefined ? {} : { flaw: `mounts ${source} as ${mode}, which is not carried over` }
}

/** Names of the volumes that it mounts, by where. */
export function volumesOf({ volumes = [] }: ComposeService): Readonly<Record<string, string>> {
  const named = volumes.map(mountOf).flatMap(({ target, source }) => (source === undefined ? [] : [[target, source]]))
  return Object.fromEntries(named) as Record<string, string>
}

/** Of these names those that it says anywhere: whom it connects to. */
export function namesIn(one: ComposeService, names: readonly string[]): readonly string[] {
  const said = JSON.stringify([one.environment, one.command, one.entrypoint, dependencies(one)])
  const isSaid = (name: string): boolean =>
    new RegExp(`(?<![\\w.-])${name.replaceAll(/[^\w-]/g, '\\$&')}(?![\\w-]|\\.\\w)`).test(said)
  return names.filter(isSaid)
}

const usualPorts: Readonly<Record<NodeRole, number>> = { api: 8080, worker: 8080, engine: 8080, store: 5432 }

/** What runs, as Compose would start it. */
export function programOf(one: ComposeService, role: NodeRole): TargetProcess['program'] {
  const [args, entrypoint] = [wordsOf(one.command), wordsOf(one.entrypoint)]
  return {
    kind: 'image',
    image: one.image!,
    port: portOf(one, role),
    ...(args && { command: args }),
    ...(entrypoint && { entrypoint }),
    ...(one.user !== undefined && { user: String(one.user) }),
    ...(one.working_dir !== undefined && { workdir: one.working_dir }),
  }
}

/** The port inside: the last part of `8080:80/tcp`. */
function portOf({ ports = [], expose = [], image = '' }: ComposeService, role: NodeRole): number {
  const [first] = [...ports, ...expose]
  const inside = typeof first === 'object' ? first.target : /(\d+)(?:\/tcp)?$/.exec(String(first ?? ''))?.[1]
  if (inside !== undefined) return Number(inside)
  return /redis|valkey/.test(image) ? 6379 : /mysql|mariadb/.test(image) ? 3306 : usualPorts[role]
}

/** A text is split as a shell would, quotes included. */
function wordsOf(command: ComposeService['command']): readonly string[] | undefined {
  if (typeof command !== 'string') return command?.map(unescaped)
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) =>
    unescaped(double ?? single ?? plain!),
  )
}

/** Compose writes a dollar twice. */
function unescaped(text: string): string {
  return text.replaceAll('$$', () => '$')
}

/** A variable without a value is one of whoever starts the run. */
export function environmentOf({ environment = {} }: ComposeService): Pick<TargetProcess, 'env' | 'passEnv'> {
  const pairs = Array.isArray(environment)
    ? environment.map((line) => (line.includes('=') ? splitAt(line, line.indexOf('=')) : ([line, null] as const)))
    : Object.entries(environment)
  const written = pairs.flatMap(([name, value]) => (value === null ? [] : [[name, unescaped(String(value))] as const]))
  return {
    env: Object.fromEntries(written),
    passEnv: pairs.flatMap(([name, value]) => (value === null ? [name] : [])),
  }
}

function splitAt(text: string, at: number): readonly [string, string] {
  return [text.slice(0, at), text.slice(at + 1)]
}
