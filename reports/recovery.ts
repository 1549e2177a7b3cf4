import type { RecoveryResult, WaitingTime } from '../harness/model/judgements.ts'
import type { RunResults } from '../harness/model/results.ts'
import { count, duration, shareWithInterval } from './numbers.ts'
import { armGroups, patternOrder } from './arm-groups.ts'

export const recoveryHeads = [
  'under',
  'pattern',
  'outages',
  'interrupted',
  'went on',
  'resubmitted',
  'takeover median',
  'p90',
  'service restored',
] as const

/** One line for under the table: what its words mean. */
export const recoveryMeaning =
  'Interrupted: tasks whose step in flight an outage cut. Went on: with how many of them somebody did; resubmitted: of these, their client under a new id. Takeover: from the cut until then, over all interrupted; ' +
  '∞: nobody ever. Service restored: from the onset until tasks that begin after it are on time again and stay so, median over outages; ' +
  'none seen: they always were, in so many of those that tell; too few: too few tasks to tell, as for the outages that do not. > x: not by then, and what came later is not known; ≤ x: no later than that.'

/** What each pattern made of each arm's outages: a row per arm and pattern; empty where there was no outage. */
export function recoveryRows(results: RunResults): readonly (readonly string[])[] {
  const order = patternOrder(results)
  return armGroups(results).flatMap(({ arm }) => {
    const rows = results.recovery.filter((one) => one.arm === arm)
    const sorted = rows.toSorted((a, b) => order.indexOf(a.pattern) - order.indexOf(b.pattern))
    return sorted.map((one, i) => [i === 0 ? arm : '', ...fieldsOf(one)])
  })
}

function fieldsOf(one: RecoveryResult): readonly string[] {
  const { pattern, outages, interrupted, takeover } = one
  return [
    pattern,
    count(outages),
    one.attemptsUntold ? 'not told' : count(interrupted),
    wentOn(one),
    one.wentOn ? count(one.resubmitted) : '–',
    takeover ? waitingTime(takeover.p50) : '–',
    takeover ? waitingTime(takeover.p90) : '–',
    restored(one),
  ]
}

function wentOn({ wentOn: share }: RecoveryResult): string {
  return share ? `${count(share.successes)}/${count(share.n)}, ${shareWithInterval(share)}` : '–'
}

/** `1.35 s`, `∞` for never, `> 4.00 s` where what came later is not known. */
export function waitingTime(time: WaitingTime): string {
  if ('beyondMs' in time) return `> ${duration(time.beyondMs)}`
  return `${time.atMost ? '≤ ' : ''}${duration(time.ms)}`
}

function restored({ outages, restored: time, tooFew, unbroken, untouching = 0 }: RecoveryResult): string {
  if (!time) return 'too few'
  const told = outages - tooFew - untouching
  const some = unbroken < told ? ` in ${count(unbroken)}/${count(told)}` : ''
  const said = 'ms' in time && time.ms === 0 ? `none seen${some}` : waitingTime(time)
  return told < outages ? `${said} (${count(told)}/${count(outages)} tell)` : said
}
