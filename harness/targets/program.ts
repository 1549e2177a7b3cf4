import { mkdir } from 'node:fs/promises'
import type { NodeRole } from '../../patterns/contract/types/engine.ts'
import {
  type ContainerPlace,
  type ContainerProgram,
  everyAddress,
  type ProcessCommand,
  type NodeServer,
  type ProcessPlace,
  type Ready,
  type ServiceServer,
  type Volume,
} from '../../servers/server.ts'
import { servers } from '../../servers/all.ts'
import { HarnessError } from '../core/errors.ts'
import { whyNoProgram } from '../os/program.ts'
import { tryTcp } from '../os/readiness.ts'
import type { Target, TargetProcess } from '../model/target.ts'
import { fill, type Values } from '../model/template.ts'

/** How a process of a target is started, asked whether it is ready, and ended. */
export function serverFor(target: Target, process: TargetProcess): NodeServer {
  const name = `${target.name}.${process.role}`
  const { program } = process
  if (program.kind === 'server') return knownServer(program.server)
  const whyNot = async (): Promise<string | undefined> => whyNoProcess(name, process)
  const summary = `${process.role} of ${target.name}`
  const image = program.kind === 'image' && { image: { pin: program.image }, isForeign: true as const }
  return { name, title: name, summary, whyNot, ...image, service: serviceFor(process) }
}

/** Said before anything of the run is started. */
async function whyNoProcess(name: string, { program }: TargetProcess): Promise<string | undefined> {
  if (program.kind === 'start') {
    const why = whyNoProgram(program.command[0]!, program.cwd)
    return why && `${name} cannot be started: ${why}`
  }
  if (program.kind !== 'url') return undefined
  const { hostname: host, port } = new URL(program.url)
  const answers = await tryTcp({ host, port: Number(port || 80) }, (_, settle) => settle(true))
  return answers ? undefined : `${name}: nobody answers at ${program.url}`
}

/** Servers of ours that keep what a target has. */
export const storeNames = [...servers.values()].flatMap(({ name, service }) => (service?.store ? [name] : []))

function knownServer(name: string): NodeServer {
  const server = servers.get(name)
  if (!server?.service) throw new HarnessError(`there is no server "${name}"`)
  return { ...server, service: server.service }
}

function serviceFor(process: TargetProcess): ServiceServer {
  const { program, ready } = process
  const store = process.role === 'store' && { store: { url: (address: string) => address } }
  const common = { ready: readyOf(ready), endSignal: 'SIGTERM' as const, ...store }
  if (program.kind === 'image')
    return {
      ...common,
      ports: { port: program.port },
      container: (place) => containerOf(process, program, place),
      names: process.hosts ?? {},
      volumes: volumesOf(process),
    }
  const own = program.kind === 'url' ? { remote: { url: program.url, cwd: program.cwd, ...remoteOf(program) } } : {}
  return { ...common, ...own, ports: { port: 8080 }, process: { command: (place) => commandOf(process, place) } }
}

function remoteOf({ kill, restart }: { readonly kill?: readonly string[]; readonly restart?: readonly string[] }) {
  return { ...(kill && { kill }), ...(restart && { restart }) }
}

function readyOf(ready: string): Ready {
  if (ready === 'tcp') return 'tcp'
  return ready === 'none' ? { probe: async () => true } : { http: ready }
}

async function commandOf({ program, env, passEnv }: TargetProcess, place: ProcessPlace): Promise<ProcessCommand> {
  if (program.kind !== 'start') throw new HarnessError('only a command starts as a process')
  const { sharedDir = place.dataDir } = place
  await mkdir(sharedDir, { recursive: true, mode: 0o700 })
  const values = valuesOf(place.env ?? {}, { port: place.port, host: place.host, data: sharedDir })
  const [command, ...args] = program.command.map((part) => fill(part, values))
  return { command: command!, args, env: environmentOf({ env, passEnv }, values), cwd: program.cwd, isForeign: true }
}

type ImageProgram = Extract<TargetProcess['program'], { readonly kind: 'image' }>

/** Of a container. */
const dataDir = '/data'

function containerOf(
  { env, passEnv }: TargetProcess,
  { command = [], entrypoint, user, workdir }: ImageProgram,
  place: ContainerPlace,
): ContainerProgram {
  const values = valuesOf(place.env ?? {}, { port: place.port, host: everyAddress, data: dataDir })
  return {
    command: command.map((part) => fill(part, values)),
    env: writtenEnvironment({ env, passEnv }, values),
    ...(entrypoint && { entrypoint }),
    ...(user !== undefined && { user }),
    ...(workdir !== undefined && { workdir }),
    memoryBytes: 1024 * 2 ** 20,
    cpus: 2,
  }
}

/** Those that it names, and the one of `{data}` where it says that anywhere. */
function volumesOf({ program, env, volumes = {} }: TargetProcess): readonly Volume[] {
  const texts = [...Object.values(env), ...((program.kind === 'image' && program.command) || [])]
  const named = Object.entries(volumes).map(([path, name]) => ({ path, name: `volume-${name}` }))
  const isAsked = texts.some((text) => text.includes('{data}')) && !(dataDir in volumes)
  return isAsked ? [...named, { path: dataDir, name: 'data', isOpen: true }] : named
}

/** What its placeholders stand for: addresses are those of the links before what it dials. */
function valuesOf(given: Readonly<Record<string, string>>, own: Values): Values {
  const role = (one: NodeRole): string | undefined => given[`OUTLAST_${one.toUpperCase()}_URL`]
  const tools = given['OUTLAST_TOOLS_URL']
  return {
    node: given['OUTLAST_NODE'],
    token: given['OUTLAST_TOKEN'],
    timeScale: given['OUTLAST_TIME_SCALE'],
    tools: tools && `${tools}/tasks`,
    store: role('store'),
    engine: role('engine'),
    api: role('api'),
    worker: role('worker'),
    ...own,
  }
}

type Environment = Readonly<Record<string, string>>

/** What every program needs to run at all, what is named, and nothing else. */
function environmentOf(named: Pick<TargetProcess, 'env' | 'passEnv'>, values: Values): Environment {
  return { ...passedOn(['PATH', 'HOME', 'LANG', 'TMPDIR']), ...writtenEnvironment(named, values) }
}

function writtenEnvironment({ env, passEnv }: Pick<TargetProcess, 'env' | 'passEnv'>, values: Values): Environment {
  const written = Object.entries(env).map(([name, text]) => [name, fill(text, values)] as const)
  return { ...passedOn(passEnv), ...Object.fromEntries(written) }
}

function passedOn(names: readonly string[]): Environment {
  const there = names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]))
  return Object.fromEntries(there)
}
