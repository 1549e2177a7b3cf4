import { readdirSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { discover } from '../../harness/core/discover.ts'
import type { Fault } from '../../harness/model/fault.ts'
import { leftBehindBy, type Leftover, listLeftovers } from '../../harness/cleanup/supervise.ts'
import docker from '../../harness/runtimes/docker.ts'
import { dieOf, type LastWords, type Moment, type Progress, readFaultStates, readReaperLog } from '../support/death.ts'
import { windowMs } from '../support/death-scenario.ts'
import { type ForeignThings, foreignThings } from '../support/foreign-things.ts'
import { outlast, temporaryFolders } from '../support/outlast.ts'
import { isWhole } from '../support/whole.ts'

const reason = await docker.probe()
if (reason) console.log(`kill -9 of the harness on Docker skipped: ${reason}`)

const limitMs = windowMs + 10_000
/** In each, a history has so many lines of a fault: none, `armed`, and `armed` and its proof. */
const order = ['arming', 'active', 'healing'] as const
/** By then it has them for certain: what is younger may be in memory only. */
const writtenMs = 500

/** Arming and healing take some kinds milliseconds, others seconds: what was asked of the daemon differs. */
const moments: readonly Moment[] = [
  { state: 'arming', afterMs: 20 },
  { state: 'arming', afterMs: writtenMs },
  { state: 'active', afterMs: writtenMs },
  { state: 'healing', afterMs: 20 },
  ...(isWhole ? moreMoments() : []),
]

function moreMoments(): readonly Moment[] {
  return [
    { state: 'arming', afterMs: 0 },
    { state: 'healing', afterMs: 0 },
    { state: 'healing', afterMs: writtenMs },
  ]
}

const all = await discover<Fault>(new URL('../../harness/faults/', import.meta.url))
const offered = [...all.values()].filter(({ needs }) => needs.every((need) => docker.offers.includes(need)))
/** What needs callbacks alone acts in the harness: it asks nothing of the daemon, and its arming and healing take no time. */
const faults = offered.filter(({ needs }) => needs.some((need) => need !== 'callbacks'))

describe.skipIf(reason !== undefined)('kill -9 of the harness on Docker', () => {
  const { TMPDIR } = process.env
  const mark = `${process.pid}-${Date.now().toString(36)}`
  const runs: string[] = []
  /** `kill active`, once for each time. */
  const met: string[] = []
  let folders: Awaited<ReturnType<typeof temporaryFolders>>
  let foreign: ForeignThings
  let [foreignBefore, before]: [string, readonly Leftover[]] = ['', []]
  beforeAll(async () => {
    folders = await temporaryFolders()
    process.env['TMPDIR'] = folders.tmp
    foreign = await foreignThings(mark)
    foreignBefore = await foreign.look()
    before = await listLeftovers(mark, [docker])
  })
  afterAll(async () => {
    if (TMPDIR === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = TMPDIR
    await foreign?.[Symbol.asyncDispose]()
    await folders?.[Symbol.asyncDispose]()
  })

  async function die(some: readonly Fault[], moment: Moment): ReturnType<typeof dieOf> {
    const words = await dieOf(some, moment, folders)
    expect(words.folder).toMatch(/^outlast-./)
    const run = words.folder.replace('outlast-', '')
    runs.push(run)
    met.push(...Object.entries(words.states).map((one) => one.join(' ')))
    tell(moment, words, await untilNothingIsLeft(run, before))
    return words
  }

  it.each(moments)('leaves nothing of ours when all are $state, $afterMs ms on', async (moment) => {
    const { out, states, noted } = await die(faults, moment)
    const recorded = await readFaultStates(out)
    for (const [kind, state] of Object.entries(states).filter(isUnderWay)) {
      const [lines, most] = [recorded.get(kind) ?? [], order.indexOf(state)]
      expect(noted, `journal on ${kind}, ${state}`).toContainEqual(expect.stringMatching(`^${kind}-1\\b`))
      expect(lines.length, `history of ${kind}, ${state}`).toBeLessThanOrEqual(most)
      if (moment.afterMs >= writtenMs && state === moment.state) expect(lines).toHaveLength(most)
    }
    expect(await readReaperLog(out)).toBe('')
    expect(await foreign.look()).toBe(foreignBefore)
  })

  it('met every kind of fault in every state', async () => {
    const missing = (state: string) => faults.filter(({ name }) => !met.includes(`${name} ${state}`))
    for (const state of order)
      for (let more = 0; more < 2 && missing(state).length > 0; more++) await die(missing(state), { state, afterMs: 0 })
    const times = (one: string) => met.filter((other) => other === one).length
    for (const { name } of faults)
      console.log(`${name}: ${order.map((state) => `${state} ${times(`${name} ${state}`)}`).join(', ')}`)
    expect(order.flatMap((state) => missing(state).map(({ name }) => `${name} was never ${state}`))).toEqual([])
  })

  it('leaves nothing that the doctor finds, and what is somebody else’s as it was', async () => {
    const { stdout } = await outlast(['doctor'], folders.tmp)
    expect(stdout).toMatch(/Leftovers: /)
    expect(runs.length).toBeGreaterThanOrEqual(moments.length)
    expect(runs.filter((run) => stdout.includes(run))).toEqual([])
    // Nor did the daemon finish anything later.
    expect((await Promise.all(runs.map((run) => whatIsLeft(run, before)))).flat()).toEqual([])
    expect(await foreign.look()).toBe(foreignBefore)
  })
})

function isUnderWay(one: [string, Progress]): one is [string, Moment['state']] {
  return order.some((state) => state === one[1])
}

function tell({ state, afterMs }: Moment, words: LastWords, tookMs: number): void {
  const seen = Map.groupBy(Object.values(words.states), (one) => one)
  const counts = [...seen].map(([one, some]) => `${some.length} ${one}`).join(', ')
  console.log(`${state} + ${afterMs} ms: ${counts}; nothing left after ${(tookMs / 1000).toFixed(1)} s`)
  for (const failure of words.failures) console.log(`  ${failure}`)
}

/** Resolves with how long it took; rejects, naming what is left, when the time is up. */
async function untilNothingIsLeft(run: string, before: readonly Leftover[]): Promise<number> {
  const startedAt = performance.now()
  let found = await whatIsLeft(run, before)
  while (found.length > 0 && performance.now() - startedAt < limitMs) {
    await sleep(100)
    found = await whatIsLeft(run, before)
  }
  expect(found).toEqual([])
  return performance.now() - startedAt
}

/** By our own audit; and whatever has the run's name, whether or not the audit looks for it: the reaper, too. */
async function whatIsLeft(run: string, before: readonly Leftover[]): Promise<readonly string[]> {
  const things = [
    ...(await docker.resources()).map(({ kind, name }) => `${kind} ${name}`),
    ...(await readdir(tmpdir())),
  ]
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const named = [...things, ...processes.map((pid) => `process ${pid}: ${commandOf(pid)}`)]
  return [
    ...leftBehindBy(run, before, await listLeftovers(run, [docker])),
    ...named.filter((name) => name.includes(run)),
  ]
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
