import { type CellTrace, taskEnd, traceOf } from '../analysis/trace.ts'
import { type Harmed, sicknessOf } from '../analysis/sickness.ts'
import { nodesAmong } from '../model/place.ts'
import type { Checker } from '../model/checker.ts'

/**
 * The harness did its work. It sent every task on time, and to the system alone. Its event loop stayed responsive. It
 * recorded every task once and lost no line of the ledger. And the machine gave the harness and every node their turn.
 * If they did not, the cell says nothing about the system.
 */
const checker: Checker = {
  name: 'harness-healthy',
  summary: 'the harness kept its schedule and its records, and the machine starved nobody',
  check(history) {
    const trace = traceOf(history)
    const starved = [...sickMachine(trace), ...latenesses(trace)]
    const problems = [...strangersMet(trace), ...ownRecords(trace), ...starved]
    const counts = { problems: problems.length, tasks: trace.tasks.length }
    const witnesses = [...trace.strangers, ...trace.extraEnds, ...(trace.health ? [trace.health] : [])]
      .map(({ index }) => index)
      .slice(0, 20)
    if (problems.length > 0)
      return {
        status: 'fail',
        summary: [...problems, ...(starved.length > 0 ? [cure] : [])].join('; '),
        counts,
        witnesses,
      }
    if (!trace.complete || !trace.cell)
      return { status: 'unknown', summary: 'the history ends before the cell did', counts, witnesses: [] }
    if (!trace.health)
      return { status: 'unknown', summary: 'the harness left no measurement of itself', counts, witnesses: [] }
    if (trace.cell.health.machine && !trace.health.value.machine)
      return { status: 'unknown', summary: 'the harness left no measurement of the machine', counts, witnesses: [] }
    return { status: 'pass', summary: 'all tasks were sent on time and all records are whole', counts, witnesses: [] }
  },
}
export default checker

/** Whatever a stranger answered, or kept from a node by having its port, was not the system's doing. */
function strangersMet({ strangers: [first, ...more] }: CellTrace): readonly string[] {
  if (!first) return []
  const { place, who } = first.value
  const others = more.length > 0 ? ` (${more.length} more such meetings)` : ''
  return [`${place} was not this system's: ${who}${others}`]
}

function ownRecords(trace: CellTrace): readonly string[] {
  const { cell, complete, tasks, extraEnds, health } = trace
  const { notOffered = 0, ledgerGaps = 0 } = health?.value ?? {}
  const skipped = tasks.filter((task) => taskEnd(task)?.reason === 'not-offered').length
  const problems: string[] = []
  if (skipped > 0) problems.push(`${skipped} of ${tasks.length} tasks were not sent`)
  if (cell && (complete ? tasks.length !== cell.tasks : tasks.length > cell.tasks))
    problems.push(`${tasks.length} tasks were recorded and ${cell.tasks} planned`)
  if (extraEnds.length > 0) problems.push(`${extraEnds.length} tasks were recorded to end more than once`)
  if (notOffered > 0) problems.push(`${notOffered} tasks were not offered`)
  if (ledgerGaps > 0) problems.push(`${ledgerGaps} effects are missing from the ledger's file`)
  return problems
}

function latenesses({ cell, health }: CellTrace): readonly string[] {
  if (!cell || !health) return []
  const { pacerLagP99Ms, eventLoopDelayP99Ms } = health.value
  const { health: limits } = cell
  return [
    ...beyond('pacer lag', pacerLagP99Ms, limits.pacerLagP99Ms),
    ...beyond('event-loop delay', eventLoopDelayP99Ms, limits.eventLoopDelayP99Ms),
  ]
}

function beyond(what: string, ms: number, limitMs: number): readonly string[] {
  return ms > limitMs ? [`p99 ${what} was ${ms.toFixed(1)} ms, the limit is ${limitMs} ms`] : []
}

/** What the user should change, whatever was starved. */
const cure =
  'end what else runs here, or use a smaller timeScale, fewer patterns at once (sideBySide) or more processors'

function sickMachine({ cell, health, faults, endAt }: CellTrace): readonly string[] {
  const machine = health?.value.machine
  if (!cell || !machine) return []
  const acted = faults.filter(({ armedAt }) => armedAt !== undefined)
  const nodes = acted.flatMap(({ places, armedAt = 0, healedAt = endAt }): readonly Harmed[] =>
    nodesAmong(places).map((node) => ({ node, from: armedAt, until: healedAt })),
  )
  return sicknessOf(machine, cell.health.machine, { nodes, memory: acted.some(({ fault }) => fault === 'oom') })
}
