import { exposuresInTime } from '../analysis/exposure.ts'
import { type CellTrace, taskEnd, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * The cell put something to the test. It needs five things. Tasks were sent. The control arm works: half of its tasks
 * succeed. The ledger has effects where there are results, of who tells of them. Every other arm has a fault that touched tasks for long
 * enough to be felt. The server answers for every task whose client cannot.
 */
const checker: Checker = {
  name: 'anti-vacuity',
  summary: 'something was put to the test: tasks ran, faults touched them, and their fate is known',
  check(history) {
    const trace = traceOf(history)
    const counts = countEvidence(trace)
    const give = (status: 'pass' | 'fail' | 'unknown', summary: string) => ({ status, summary, counts, witnesses: [] })
    const { sent, exposed, ok, unread } = counts
    if (!trace.complete) return give('unknown', 'the history ends before the cell did')
    if (sent === 0) return give('fail', 'no task was sent')
    const control = trace.cell?.arm === 'none'
    if (control && ok < leastWorking * sent) {
      const few = ok === 0 ? 'no task' : `only ${ok} of ${sent} tasks`
      return give('fail', `${few} succeeded although nothing was broken${exampleIn(trace)}`)
    }
    const tellsEffects = trace.cell?.ownWork?.tellsEffects ?? true
    if (ok > 0 && counts.effects === 0 && tellsEffects)
      return give('fail', 'there are results, but the ledger knows of no effect')
    if (!control && exposed === 0) return give('fail', `no proven fault touched any of ${sent} tasks`)
    if (unread > 0) return give('unknown', `nobody could say what became of ${unread} of ${sent} tasks`)
    return give('pass', `${sent} tasks were sent, ${ok} got results, ${exposed} were exposed to a proven fault`)
  },
}
export default checker

/** Of a system of which fewer tasks succeed unharmed nothing is shown by what it does not lose. */
const leastWorking = 0.5

/** Most have one cause, as a description of the service that is wrong: the first tells it. */
function exampleIn({ tasks }: CellTrace): string {
  const first = tasks.find(({ end }) => end !== undefined && end.type !== 'ok' && end.error !== undefined)
  return first ? `; ${first.task}: ${first.end!.error!.slice(0, 300)}` : ''
}

function countEvidence(trace: CellTrace) {
  const sent = trace.tasks.filter((task) => taskEnd(task)?.reason !== 'not-offered')
  return {
    sent: sent.length,
    ok: sent.filter(({ end }) => end?.type === 'ok').length,
    exposed: exposuresInTime(trace).size,
    effects: sent.reduce((sum, { effects }) => sum + effects.length, 0),
    unread: sent.filter(isUnread).length,
  }
}

function isUnread({ end, finals }: TaskTrace): boolean {
  if (end?.type === 'ok' || end?.type === 'fail') return false
  return !finals.some(({ type }) => type === 'ok')
}
