import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { discover } from '../../harness/core/discover.ts'
import type { Fault } from '../../harness/core/types.ts'
import { readJournal } from '../../harness/os/journal.ts'
import { findLabelled } from '../../harness/os/leftovers.ts'
import { runtimes } from '../support/deployment.ts'
import { type DockerThings, openDocker } from '../support/docker-things.ts'
import { outlast, startOutlast, temporaryFolders } from '../support/outlast.ts'

const docker = runtimes.get('docker')!
const reason = await docker.probe()
if (reason) console.log(`kill -9 of a harness with containers skipped: ${reason}`)

const faults = await discover<Fault>(new URL('../../harness/faults/', import.meta.url))
const kinds = [...faults.values()].filter(({ needs }) => needs.every((need) => docker.offers.includes(need)))
const [atMs, windowMs] = [500, 3000]
const mark = `${process.pid}-${Date.now().toString(36)}`

/** What a kind cannot do without. */
const given: Readonly<Record<string, string>> = { latency: ', delay: 2s' }

/** Every kind at the same time, each on a target of its own; callbacks have one link, which takes them together. */
function entry({ name, acts, links }: Fault, i: number): string {
  const [at, more] = links
    ? [`${links[0]}-0`, ', compose: true']
    : [`${acts === 'node' ? 'api' : 'client->api'}-${i}`, '']
  return `    - { fault: ${name}, target: "${at}", at: ${atMs / 100}s, for: ${windowMs / 100}s${given[name] ?? ''}${more} }`
}

const scenario = `
name: everything
question: What is left of any fault when the harness dies?
seed: 7
timeScale: 10
profile: smoke
patterns: [webhook]
load: { tasks: 120, arrivals: uniform, rate: 60/min }
grace: 1m
replicas: { api: ${kinds.length}, executor: ${kinds.length} }
arms:
  all:
${kinds.map(entry).join('\n')}
health: { pacerLagP99: 5s, eventLoopDelayP99: 5s }
`

type State = 'arming' | 'active' | 'healing' | 'healed'

/** What is known about each kind from what is on the disk; `healing` is from the end of its window on. */
type Sight = ReadonlyMap<string, { readonly state: State; readonly endsInMs: number }>

/** Kinds by the state in which they were when a harness died. */
const seen = new Map<State, Set<string>>()
const unseen = (state: State): readonly string[] =>
  kinds.map(({ name }) => name).filter((name) => !seen.get(state)?.has(name))

interface Moment {
  readonly name: string
  readonly reached: (sight: Sight) => boolean
  readonly needless?: () => boolean
}

const moments: readonly Moment[] = [
  { name: 'at once when faults are written down', reached: (sight) => sight.size === kinds.length },
  { name: 'while some are armed', reached: (sight) => among(sight, 'active') > 0 },
  { name: 'while all are active', reached: (sight) => among(sight, 'active') === kinds.length },
  // Each is healed for another while, and some in a few milliseconds: then those that were not met are waited for.
  ...[0.05, 0.35, 0.65, 1].map((share) => ({
    name: `when ${share * 100} % of the windows are over`,
    reached: (sight: Sight) => over(sight) >= kinds.length * share,
  })),
  ...['one', 'another', 'a third'].map((one) => ({
    name: `while ${one} is healed that was not met so far`,
    needless: () => unseen('healing').length === 0,
    reached: (sight: Sight) =>
      unseen('healing').some((kind) => sight.get(kind)?.state === 'healing') || over(sight) === kinds.length,
  })),
]

function over(sight: Sight): number {
  return [...sight.values()].filter(({ endsInMs }) => endsInMs <= 0).length
}

function among(sight: Sight, wanted: State): number {
  return [...sight.values()].filter(({ state }) => state === wanted).length
}

describe.skipIf(reason !== undefined)('kill -9 of a harness with containers', () => {
  let things: DockerThings
  let foreign: readonly string[]
  beforeAll(async () => {
    things = await openDocker(mark)
    await things.network(`foreign-${mark}-net`, { 'com.example': 'x' })
    const attached = { HostConfig: { NetworkMode: `foreign-${mark}-net` } }
    await (await things.container(`foreign-${mark}`, { 'com.example': 'x' }, attached)).start()
    nft('add', 'table', 'inet', table)
    nft('add', 'set', 'inet', table, 's', '{ type mark; }')
    foreign = await strangers(things)
  })
  afterAll(async () => {
    nft('delete', 'table', 'inet', table)
    await things[Symbol.asyncDispose]()
  })

  it.each(moments)(
    '$name leaves nothing of any fault, and touches nothing of others',
    async ({ reached, needless }) => {
      if (needless?.()) return
      await using folders = await temporaryFolders()
      const file = join(folders.tmp, 'everything.yaml')
      await writeFile(file, scenario)
      const harness = startOutlast(['run', file, '--runtime', 'docker', '--out', folders.out], folders.tmp)
      const exited = once(harness, 'exit')
      let said = ''
      for (const stream of [harness.stdout!, harness.stderr!])
        stream.setEncoding('utf8').on('data', (text: string) => (said += text))
      const sight = await watch(folders, reached, () => expect(harness.exitCode, said).toBeNull())
      const run = await runIn(folders.tmp)
      expect(await kept(run)).not.toEqual([])
      harness.kill('SIGKILL')
      const killedAt = performance.now()
      await exited
      for (const [kind, { state }] of sight) seen.set(state, (seen.get(state) ?? new Set()).add(kind))

      const left = async () => [...(await kept(run)), ...(await standing(run, folders.tmp))]
      while ((await left()).length > 0 && performance.now() - killedAt < windowMs + 10_000) await sleep(100)
      const tookMs = performance.now() - killedAt
      expect(await left()).toEqual([])
      console.log(`nothing left ${Math.round(tookMs)} ms after the kill; ${tell(sight)}`)
      expect(foreign).toHaveLength(3)
      expect(await strangers(things)).toEqual(foreign)
      expect((await outlast(['doctor'], folders.tmp)).stdout).toMatch(/Leftovers: none/)
    },
  )

  it('met every kind of fault while it was armed, while it was active and, but for a few, while it was healed', () => {
    expect(unseen('arming')).toEqual([])
    expect(unseen('active')).toEqual([])
    const unmet = unseen('healing')
    if (unmet.length > 0) console.log(`healed too soon to be met: ${unmet.join(', ')}`)
    expect(unmet.length).toBeLessThanOrEqual(2)
  })
})

const table = `foreign_${mark.replace('-', '_')}`

function nft(...args: readonly string[]): string {
  return execFileSync('nft', args, { encoding: 'utf8' })
}

/** Look until the moment is there. */
async function watch(
  folders: { readonly tmp: string; readonly out: string },
  reached: Moment['reached'],
  check: () => void,
): Promise<Sight> {
  for (;;) {
    const sight = await look(folders)
    if (sight.size > 0 && reached(sight)) return sight
    check()
    await sleep(2)
  }
}

async function look({ tmp, out }: { readonly tmp: string; readonly out: string }): Promise<Sight> {
  const journal = readJournal(join(tmp, `outlast-${await runIn(tmp)}`))
  const planned = journal.filter((entry) => entry.kind === 'fault')
  if (planned.length === 0) return new Map()
  const healed = new Set(journal.flatMap(({ kind, name }) => (kind === 'healed' ? [name] : [])))
  // The load's zero: written down a moment before its faults were to begin.
  const epoch = Math.min(...planned.map(({ until }) => Date.parse(until))) - windowMs - atMs
  const armed = armedIn(await readHistory(out))
  return new Map(
    planned.map(({ name }) => {
      const at = armed.get(name)
      const endsInMs = at === undefined ? Infinity : epoch + at + windowMs - Date.now()
      const state = healed.has(name) ? 'healed' : at === undefined ? 'arming' : endsInMs > 0 ? 'active' : 'healing'
      return [name.replace(/-1#\d+$/, ''), { state, endsInMs }]
    }),
  )
}

/** When each was known to be armed. */
function armedIn(history: string): ReadonlyMap<string, number> {
  const lines = history.matchAll(/"at":([\d.]+),"f":"fault".*?"id":"([^"]+)".*?"state":"armed"/g)
  return new Map(Array.from(lines, ([, at, id]) => [id!, Number(at)]))
}

async function runIn(tmp: string): Promise<string> {
  const folder = (await readdir(tmp)).find((name) => name.startsWith('outlast-'))
  return folder?.replace(/^outlast-/, '') ?? ''
}

async function readHistory(out: string): Promise<string> {
  const files = (await readdir(out, { recursive: true })).filter((file) => file.endsWith('history.ndjson'))
  return (await Promise.all(files.map((file) => readFile(join(out, file), 'utf8')))).join('')
}

/** What the engine keeps of a run. */
async function kept(run: string): Promise<readonly string[]> {
  return (await docker.traces()).filter((trace) => trace.run === run).map(({ kind, name }) => `${kind} ${name}`)
}

/** What else there could be of it. */
async function standing(run: string, tmp: string): Promise<readonly string[]> {
  const folders = (await readdir(tmp)).filter((name) => name.startsWith('outlast-'))
  const tables = nft('list', 'tables').split('\n')
  const namespaces = await readdir('/run/netns').catch(() => [])
  const ours = [...tables, ...namespaces].filter((name) => name.includes('outlast'))
  return [...findLabelled(run).map(({ command }) => command), ...folders, ...ours]
}

async function strangers(things: DockerThings): Promise<readonly string[]> {
  return [...(await things.names(`foreign-${mark}`)), nft('list', 'table', 'inet', table)]
}

function tell(sight: Sight): string {
  const groups = Map.groupBy(sight, ([, { state }]) => state)
  return [...groups].map(([state, some]) => `${state}: ${some.map(([kind]) => kind).join(' ')}`).join('; ')
}
