import { isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { nodeRoles } from '../../patterns/contract/types/engine.ts'
import type { Mapping, Speech, Target, TargetProcess, TargetState } from '../model/target.ts'
import { readCompose } from './compose.ts'
import { isMap, type Path, type Problem, read } from './problems.ts'
import { findProblems, rolesOf, type TargetNames, type TargetPlace, textsOf } from './target-checks.ts'
import { dialled, type mappingShape, targetShape, type Written, type WrittenProgram } from './target-schema.ts'

/** Paths of the adapters that targets name, as written. */
export function adapterPaths(targets: unknown): readonly string[] {
  const all = isMap(targets) ? Object.values(targets) : []
  return all.flatMap((one) => (isMap(one) && typeof one['adapter'] === 'string' ? [one['adapter']] : []))
}

/** Every target that is right by itself, and all that is wrong with the others. */
export function readTargets(
  written: unknown,
  place: TargetPlace,
  names: TargetNames,
): { readonly targets: readonly Target[]; readonly problems: readonly Problem[] } {
  if (written === undefined) return { targets: [], problems: [] }
  if (!isMap(written))
    return { targets: [], problems: read(z.record(z.string(), z.unknown()), written, ['targets']).problems }
  const each = Object.entries(written).map(([name, value]) => readTarget(name, value, place, names))
  return { targets: each.flatMap(({ target }) => target ?? []), problems: each.flatMap(({ problems }) => problems) }
}

interface ReadTarget {
  readonly target?: Target
  readonly problems: readonly Problem[]
}

function readTarget(name: string, value: unknown, place: TargetPlace, names: TargetNames): ReadTarget {
  const path: Path = ['targets', name]
  const badName = nameProblem(name, names)
  const own: readonly Problem[] = badName === undefined ? [] : [{ path, at: 'key', message: badName }]
  const { value: read_, problems } = read(targetShape, value, path)
  if (!read_) return { problems: [...own, ...problems] }
  const wrong = [...own, ...findProblems(read_, path, place, names)]
  if (wrong.length > 0) return { problems: wrong }
  return { target: build(name, read_, place), problems: [] }
}

function nameProblem(name: string, { taken }: TargetNames): string | undefined {
  if (!/^[a-z][a-z0-9-]*$/.test(name) || name in {}) return 'a target is named with a-z, 0-9 and hyphens'
  return taken(name) ? 'a pattern of outlast has this name; choose another' : undefined
}

function build(name: string, written: Written, place: TargetPlace): Target {
  const { client, sticky, work, durable } = written
  const cwd = resolve(place.folder, written.cwd)
  return {
    name,
    client,
    speech: speechOf(written, place),
    processes: processesOf(written, cwd, place),
    work: {
      type: work.type,
      input: work.input,
      takesMs: work.takes,
      steps: work.steps,
      ...(work.right !== undefined && { right: work.right }),
    },
    promises: written.promises,
    durable,
    ...(written.patience !== undefined && { patienceMs: written.patience }),
    sticky,
  }
}

function speechOf({ api, adapter }: Written, { adapters, folder }: TargetPlace): Speech {
  if (adapter !== undefined) {
    const file = adapters.get(adapter) as { readonly sha256: string }
    return { kind: 'adapter', file: isAbsolute(adapter) ? adapter : resolve(folder, adapter), sha256: file.sha256 }
  }
  return api ? { kind: 'mapping', mapping: mappingOf(api) } : { kind: 'task-api' }
}

function mappingOf({
  submit,
  status,
  headers,
  body,
  key,
  id,
  state,
  states,
  callback,
}: z.output<typeof mappingShape>): Mapping {
  const words = Object.entries(states).flatMap(([ours, theirs]) =>
    theirs.map((word) => [word, ours as TargetState] as const),
  )
  return {
    submit: lineOf(submit, 'POST'),
    ...(status !== undefined && { status: lineOf(status, 'GET') }),
    headers,
    ...(body !== undefined && { body }),
    ...(key !== undefined && { key }),
    id: typeof id === 'string' ? { path: id } : { header: id.header.toLowerCase() },
    state,
    states: Object.fromEntries(words),
    ...(callback && { callback }),
  }
}

function lineOf(text: string, usual: 'GET' | 'POST'): Mapping['submit'] {
  const [first, second] = text.split(' ') as [string, string?]
  return second === undefined ? { method: usual, path: first } : { method: first as 'GET', path: second }
}

function processesOf(written: Written, cwd: string, place: TargetPlace): readonly TargetProcess[] {
  const { processes, replicas } = written
  if (written.compose !== undefined) return fromCompose(written, place)
  const all = processes ?? { api: { ...written, dials: [], replicas: undefined } }
  return nodeRoles.flatMap((role) => {
    const one = all[role]
    if (!one) return []
    const dials = [...new Set([...one.dials, ...dialledBy(one)])]
    return [
      {
        role,
        program: programOf(one, cwd),
        replicas: replicas[role] ?? one.replicas ?? 1,
        dials,
        env: one.env,
        passEnv: one.passEnv,
        ready: one.ready ?? (role === 'worker' ? 'none' : 'tcp'),
      },
    ]
  })
}

function fromCompose(
  { compose, services, ready, replicas, env, passEnv }: Written,
  { composes }: TargetPlace,
): readonly TargetProcess[] {
  const file = composes.get(compose!) as { readonly text: string }
  const all = readCompose(file.text, rolesOf(services!), ready) as readonly TargetProcess[]
  return all.map((one) => {
    const isOwn = one.role === 'api' || one.role === 'worker'
    const told = isOwn ? { env: { ...one.env, ...env }, passEnv: [...one.passEnv, ...passEnv] } : {}
    const dials = [...new Set([...one.dials, ...dialledBy({ ...one, ...told })])]
    return { ...one, ...told, dials, replicas: replicas[one.role] ?? one.replicas ?? 1 }
  })
}

/** An address that it is given is one that it dials. */
function dialledBy(one: Pick<WrittenProgram, 'env'>): TargetProcess['dials'] {
  const all = textsOf(one).join(' ')
  return dialled.options.filter((one) => all.includes(`{${one}}`))
}

function programOf(
  { start, image, server, url, command, port, kill, restart }: WrittenProgram,
  cwd: string,
): TargetProcess['program'] {
  if (start) return { kind: 'start', command: start, cwd }
  if (image !== undefined) return { kind: 'image', image, port: port ?? 8080, ...(command && { command }) }
  if (server !== undefined) return { kind: 'server', server }
  return { kind: 'url', url: url!, cwd, ...(kill && { kill }), ...(restart && { restart }) }
}

/** How long the work of the longest of them takes, and in how many steps. */
export function workOfTargets(
  targets: readonly Target[],
): { readonly takesMs: number; readonly steps: number } | undefined {
  const works = targets.map(({ work }) => work)
  if (works.length === 0) return undefined
  return {
    takesMs: Math.max(...works.map(({ takesMs }) => takesMs)),
    steps: Math.max(...works.map(({ steps }) => steps)),
  }
}
