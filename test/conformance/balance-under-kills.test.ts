import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { canonical } from '../../patterns/contract/types/canonical.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import { startCluster } from '../support/engine-cluster.ts'
import { keepsAccounts, presentEnginesOfOwnCode } from '../support/engines.ts'
import { untilAccepted } from '../support/until-accepted.ts'

// @busy: thousands of calls at once keep all processors at work.

/** Tasks of one step that costs one credit, and for how many of them there is enough. */
const [tasks, paidFor] = [1000, 300]
const balances = { crowd: paidFor }

/** Workers die in the middle of many steps. In real time: shorter leases would be lost for want of a processor. */
const profile = 'work/1/100-2400'
const timeScale = 1

const present = await presentEnginesOfOwnCode()
const wanted = present.filter((engine) => engine.durable && keepsAccounts(engine))

/** The work of a dead worker waits for one of its name, as a pod that comes back has. */
const goesOnByName = new Set(['dbos'])

/** It knows its workers by address: one at a time can have that. */
function isAtOneAddress({ services }: Engine): boolean {
  return services.some(({ dials }) => dials.includes('worker'))
}

describe.each(wanted)('engine $name', (engine) => {
  test('a thousand tasks at once spend what pays for three hundred, and two workers are killed', async () => {
    await using cluster = await startCluster(engine, timeScale, { settings: { balances } })
    const isAlone = isAtOneAddress(engine)
    const workers = await Promise.all(Array.from({ length: isAlone ? 1 : 3 }, () => cluster.startWorker()))
    await using backend = await cluster.openApi()
    const submit = async (ordinal: number) => {
      const key = `crowd-${process.pid}-${engine.name}-${ordinal}`
      const request = { type: 'agent' as const, input: { seed: ordinal, profile, job: key } }
      const access = { principal: 'crowd', tools: ['*'] }
      return (await untilAccepted(backend, { key, request, fingerprint: canonical(request), access })).task.task_id
    }
    const submitted = submitAll(tasks, submit)
    submitted.catch(() => {})
    for (const i of [0, 1]) {
      // Somewhere in the work: some steps are paid, others are only held.
      while (paidIn(cluster.effects) < 60 * (i + 1)) await delay(10)
      const worker = workers[i]!
      worker.signal('SIGKILL')
      expect(await worker.ended).toBe('SIGKILL')
      if (isAlone || goesOnByName.has(engine.name)) workers.push(await cluster.startWorker(worker.node))
    }
    const ids = await submitted
    const statuses = async (): Promise<ReadonlyMap<string, number>> =>
      countOf(await Promise.all(ids.map(async (id) => (await backend.read(id))!.status)))
    const settled = { completed: paidFor, input_required: tasks - paidFor }
    for (const signal = AbortSignal.timeout(180_000); ; await delay(500, undefined, { signal })) {
      const now = await statuses()
      if (now.get('completed') === paidFor && now.get('input_required') === tasks - paidFor) break
      expect(now.get('completed') ?? 0).toBeLessThanOrEqual(paidFor)
    }
    await delay(2000)
    expect(Object.fromEntries(await statuses())).toEqual(settled)
    expect(paidIn(cluster.effects)).toBe(paidFor)
    expect(await backend.accounts!.read('crowd')).toEqual({
      principal: 'crowd',
      credits: 0,
      held: 0,
      spent: paidFor,
    })
  }, 300_000)
})

/** In a few lanes: a busy database cannot take a thousand calls at once. */
async function submitAll(count: number, submit: (ordinal: number) => Promise<string>): Promise<readonly string[]> {
  const ids: string[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) {
      const ordinal = next++
      ids[ordinal] = await submit(ordinal)
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  return ids
}

/** Steps that have an effect, each once: what is done again after a crash has the same key. */
function paidIn(effects: readonly { readonly taskId: string; readonly step: number }[]): number {
  return new Set(effects.map(({ taskId, step }) => `${taskId}/${step}`)).size
}

function countOf(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
