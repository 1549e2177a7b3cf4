/**
 * Preloaded into `outlast run`, which dies of it: by SIGKILL, when all of these faults are in one state at once. They wait
 * for each other, as they might on a machine that is slow in the right places; nothing else about them is changed.
 *
 * usage: OUTLAST_TEST_DEATH=(a Death as JSON) node --import ./dying-harness.ts bin/outlast.js run ...
 */
import { writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { discover } from '../../harness/core/discover.ts'
import { describeError } from '../../harness/core/errors.ts'
import type { ActiveFault, Fault } from '../../harness/model/fault.ts'
import { readJournal, unhealed } from '../../harness/cleanup/journal.ts'
import { listTemp } from '../../harness/cleanup/temp-folder.ts'
import type { Death, LastWords, Progress } from './death.ts'

const { state: wanted, afterMs, kinds, late } = JSON.parse(process.env['OUTLAST_TEST_DEATH']!) as Death
const order: readonly Progress[] = ['waiting', 'arming', 'active', 'healing', 'healed', 'failed']
/** Deployed, armed and held by then, or never. */
const limitMs = 90_000

const states = new Map<string, Progress>(kinds.map((kind) => [kind, 'waiting']))
const failures: string[] = []
const [all, early] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]

// The harness will import the same modules.
for (const [kind, fault] of await discover<Fault>(new URL('../../harness/faults/', import.meta.url)))
  if (kinds.includes(kind)) watch(fault)
// At 0 the first request of each is on its way, and not answered.
void all.promise.then(() => (afterMs === 0 ? setImmediate(die) : setTimeout(die, afterMs)))
setTimeout(die, limitMs).unref()

function watch(fault: Fault): void {
  const { name, arm } = fault
  const watchedArm: Fault['arm'] = async (...given) => {
    if (late.includes(name) && wanted === 'healing') await early.promise
    reach(name, 'arming')
    if (wanted === 'arming') await all.promise
    try {
      const active = await arm.apply(fault, given)
      reach(name, 'active')
      return watchActive(name, active)
    } catch (error) {
      failures.push(`${name}: ${describeError(error)}`)
      reach(name, 'failed')
      throw error
    }
  }
  Object.assign(fault, { arm: watchedArm })
}

function watchActive(name: string, active: ActiveFault): ActiveFault {
  return {
    evidence: active.evidence,
    prove: async () => {
      if (wanted === 'active') await new Promise(() => {})
      return active.prove()
    },
    heal: async () => {
      reach(name, 'healing')
      if (wanted === 'healing') await all.promise
      await active.heal()
      reach(name, 'healed')
    },
  }
}

function reach(kind: string, state: Progress): void {
  states.set(kind, state)
  const missing = kinds.filter((one) => order.indexOf(states.get(one)!) < order.indexOf(wanted))
  if (missing.every((one) => late.includes(one))) early.resolve()
  if (missing.length === 0) all.resolve()
}

function die(): void {
  const [folder] = listTemp()
  const noted = unhealed(readJournal(join(tmpdir(), folder ?? ''))).map(({ name }) => name)
  const words: LastWords = { folder: folder ?? '', states: Object.fromEntries(states), failures, noted }
  writeSync(1, `${JSON.stringify(words)}\n`)
  process.kill(process.pid, 'SIGKILL')
}
