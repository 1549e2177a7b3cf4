import type { Op, TaskIntent } from '../../harness/model/history.ts'
import { findTask, loseTask, revalue, rewrite } from './mutations.ts'
import { broken, calm, type Mutant, polling, streaming } from './worlds.ts'
import { keptFor, lose, under } from './wrong-excuses.ts'

/** The last step of the first so many tasks that fit is done when their clients give up, and the result is kept. */
function late(history: readonly Op[], many: number, fits: (ordinal: number) => boolean = () => true): Op[] {
  const intents = history.filter((op) => op.f === 'task' && op.type === 'invoke')
  const names = intents.flatMap(({ task }, ordinal) => (fits(ordinal) ? [task!] : [])).slice(0, many)
  return names.reduce<readonly Op[]>((rest, task) => {
    const { giveUpAt } = findTask(rest, task).value as TaskIntent
    // With the event of a takeover its log has one more.
    const lost = loseTask(rest, task, { taskId: `id-${task}`, found: true, ...keptFor(task), version: 7 })
    return rewrite(lost, (op) => {
      if (op.task !== task) return [op]
      if (op.f === 'poll' && op.value.status === 'completed') return []
      if (op.f !== 'effect' || op.value.step < 4) return [op]
      return [{ ...op, at: giveUpAt + 5, value: { ...op.value, startedAt: giveUpAt - 250, endedAt: giveUpAt + 4 } }]
    })
  }, history) as Op[]
}

/** A takeover that lasts longer than any client waits, as the plan said that it might. */
function slowTakeover(history: readonly Op[]): Op[] {
  return revalue(
    history,
    'cell',
    () => true,
    () => ({ takeoverMs: 4000 }),
  )
}

/** Tasks of the killed worker that were under way. */
const ofTheKilled = (ordinal: number): boolean => ordinal % 4 === 0 && ordinal < 30

/** Late is not lost. But where nothing explains that most are late, nobody saw whether the promise is kept. */
export const lateResults: readonly Mutant[] = [
  {
    name: 'all but one result are late without any fault',
    history: late(polling(calm), 119),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['anti-vacuity', 'no-lost-task'],
    outcomes: { late: 119 },
  },
  {
    name: 'seven of 120 results are late, and no outage held them up',
    history: late(polling(calm), 7),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['no-lost-task'],
    outcomes: { late: 7 },
  },
  {
    name: 'results of workers that nobody harmed are late under a kill',
    history: late(slowTakeover(polling(broken)), 20, (ordinal) => ordinal % 4 !== 0 && ordinal > 60),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['liveness-after-heal', 'no-lost-task'],
    outcomes: { late: 20 },
  },
]

/** Clients that stop after two thirds of the time in which they are to wait. */
function impatient(history: readonly Op[]): Op[] {
  return rewrite(history, (op) => {
    if (op.f !== 'task' || op.type !== 'info') return [op]
    const { intendedAt, giveUpAt } = findTask(history, op.task!).value as TaskIntent
    return [{ ...op, at: intendedAt + ((giveUpAt - intendedAt) * 2) / 3 }]
  })
}

/** A client that stops before it is to give up was let down by no time, and by no outage. */
export const impatientClients: readonly Mutant[] = [
  {
    name: 'clients stop early, and the results come when they were to give up',
    history: impatient(late(polling(calm), 6)),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
    outcomes: { lost_result: 6 },
  },
  {
    name: 'clients stop early in an outage that lasts for longer',
    history: impatient(
      under(
        lose(polling(calm), 3, (ordinal) => ordinal > 30, keptFor),
        { fault: 'refuse', on: 'client->api-0, client->api-1, client->api-2, client->api-3', from: 900, to: 8000 },
      ),
    ),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
    outcomes: { lost_result: 3 },
  },
]

/** What must pass, and how many results are late in it. */
export const lateAndKept: readonly (readonly [name: string, history: readonly Op[], late: number])[] = [
  ['six of 120 are late for no reason', late(polling(calm), 6), 6],
  ['grace is just short of a takeover', late(slowTakeover(polling(broken)), 8, ofTheKilled), 8],
]

/** A callback's receiver is away, and clients that are never called lose their results. */
export const uncalled: Mutant = {
  name: 'results are not delivered to who streams while a receiver of callbacks is away',
  history: under(
    lose(streaming({ ...calm, tasks: 100 }), 5, (ordinal) => ordinal > 30, keptFor),
    { fault: 'receiver-down', on: 'sender->receiver', from: 900, to: 8000 },
  ),
  verdict: 'FAIL',
  caughtBy: ['anti-vacuity', 'no-lost-task'],
}
