import { promises, type Promised } from '../patterns/contract/types/promises.ts'
import { allVisible } from '../harness/core/visible.ts'
import type { GateResult } from '../harness/model/judgements.ts'
import { effectNote, effectOf, type GateEffect } from '../harness/model/gate-effect.ts'
import { type CellPlan, metricName } from '../harness/model/plan.ts'
import { missesIn } from '../harness/model/task-shares.ts'
import { metricOf } from '../harness/model/metrics.ts'
import type { CellResult, RunResults, RunVerdict } from '../harness/model/results.ts'
import { unmeasuredBy } from '../harness/model/verification.ts'
import { gateInterval, gateLimit, gateObserved } from './gates.ts'
import { count, neededText, plural } from './numbers.ts'
import { explainCommand, replayOf } from './replay.ts'

/** One thing that a CI server counts: a promise of a pattern under an arm, a gate, the contract of a pattern, or the run itself. */
export interface Finding {
  /** Absent: it is about the run. */
  readonly pattern?: string
  /** Absent: it is about the pattern under whatever arm. */
  readonly arm?: string
  /** `promise no-lost-task`, `gate success ≥ 99.0%`, `contract`. */
  readonly about: string
  readonly state: FindingState
  /** One line: what was found, and for what failed also the tasks and the command that replays it. Empty where it holds. */
  readonly message: string
  /** The same line by line, with what it means. */
  readonly details: readonly string[]
}

/**
 * The worst first: of several repetitions the first that any of them has is said. `warned`: a gate that changes nothing about the
 * run does not hold, or is open. `allowed`: one is open, and may be.
 */
const states = ['failed', 'invalid', 'open', 'warned', 'allowed', 'holds', 'not tested', 'n/a'] as const
export type FindingState = (typeof states)[number]

/**
 * In the order of the plan. Together they are never better than the run: where none of them shows its verdict, the last one
 * is about the run itself and does.
 */
export function findingsOf(raw: RunResults): readonly Finding[] {
  const results = allVisible(raw)
  const found = [
    ...contracts(results),
    ...placesOf(results).flatMap((place) => [...promisesAt(results, place), ...gatesAt(results, place)]),
  ]
  return [...found, ...unshown(results, found)]
}

interface Place {
  readonly pattern: string
  readonly arm: string
}

/** Each pattern under each arm that is planned, does not apply, or has a gate. Patterns as the scenario lists them. */
function placesOf({ plan, gates }: RunResults): readonly Place[] {
  const all = [...plan.cells, ...plan.notApplicable, ...gates.map(({ gate }) => gate)]
  const arms = [...new Set(all.map(({ arm }) => arm))]
  const patterns = [...new Set([...(plan.patterns ?? []), ...all.map(({ pattern }) => pattern)])]
  const known = new Set(all.map(keyOf))
  return arms.flatMap((arm) => patterns.map((pattern) => ({ pattern, arm }))).filter((place) => known.has(keyOf(place)))
}

function keyOf({ pattern, arm }: Place): string {
  return JSON.stringify([pattern, arm])
}

function at<T extends Place>(place: Place, all: readonly T[]): readonly T[] {
  return all.filter((one) => keyOf(one) === keyOf(place))
}

function contracts({ verification }: RunResults): readonly Finding[] {
  const broken = new Map(unmeasuredBy(verification).map(({ pattern, reason }) => [pattern, reason]))
  return (verification?.patterns ?? []).map(({ pattern, cases }): Finding => {
    const reason = broken.get(pattern)
    const unsure = cases.find(({ outcome }) => outcome === 'undecided')
    const given = { pattern, about: 'contract' }
    if (reason !== undefined) return { ...given, state: 'failed', message: reason, details: failuresOf(cases) }
    if (!unsure) return { ...given, state: 'holds', message: '', details: [] }
    const message = `${unsure.case}: ${unsure.reason ?? 'it could not be told'}`
    return { ...given, state: 'not tested', message, details: [message] }
  })
}

function failuresOf(cases: readonly { readonly case: string; readonly outcome: string; readonly reason?: string }[]) {
  return cases.filter(({ outcome }) => outcome === 'fail').map((one) => `${one.case}: ${one.reason ?? 'it fails'}`)
}

/** What one repetition has to say of a promise. */
interface Part {
  readonly state: FindingState
  readonly text: string
  /** Which show it, and the cell that has them. */
  readonly tasks: readonly string[]
  readonly cell: string
}

function promisesAt(results: RunResults, place: Place): readonly Finding[] {
  const planned = at(place, results.plan.cells)
  const made = [...new Set(planned.flatMap((cell) => cell.promises))]
  const absent = at(place, results.plan.notApplicable).map(({ reason }): Finding => {
    return { ...place, about: 'promises', state: 'n/a', message: reason, details: [reason] }
  })
  if (planned.length === 0) return absent
  if (made.length === 0) return [pooled(results, place, 'no promise made', planned.map(partOf(results)))]
  return made.map((promise) => {
    const found = pooled(results, place, `promise ${promise}`, planned.map(partOf(results, promise)))
    const meaning = `${promise}: ${promises[promise]}`
    return found.state === 'failed' ? { ...found, details: [meaning, ...found.details] } : found
  })
}

function pooled(results: RunResults, place: Place, about: string, parts: readonly Part[]): Finding {
  const state = states.find((one) => parts.some((part) => part.state === one)) ?? 'not tested'
  if (state === 'holds') return { ...place, about, state, message: '', details: [] }
  const those = parts.filter((part) => part.state === state)
  const texts = those.map(({ cell, text }) => `${cell}: ${text}`)
  if (state !== 'failed') return { ...place, about, state, message: fewOf(texts, '; '), details: texts }
  const shown = those.flatMap(({ cell, tasks }) => tasks.map((task) => ({ task, cell })))
  return failure(results, { ...place, about }, { message: `${about} is broken: ${fewOf(texts, '; ')}`, texts, shown })
}

function partOf(results: RunResults, promise?: Promised): (cell: CellPlan) => Part {
  return (planned) => {
    const result = results.cells.find(({ cell }) => cell.id === planned.id)
    const part = (state: FindingState, text: string, tasks: readonly string[] = []): Part => {
      return { state, text, tasks, cell: planned.id }
    }
    if (!result) return part(...withoutResult(results, planned))
    if (result.verdict === 'INVALID') return part('invalid', reasonsOf(result))
    if (result.verdict === 'INCONCLUSIVE') return part('open', reasonsOf(result))
    if (promise === undefined) return part('holds', '')
    const checks = result.checks.filter((check) => check.judges === promise && check.promised)
    const worst = (['fail', 'unknown', 'pass', 'unexercised'] as const)
      .map((status) => checks.find((check) => check.status === status))
      .find((check) => check !== undefined)
    if (!worst) return part('not tested', 'nothing judges it')
    return part(stateOfCheck[worst.status], worst.summary, worst.tasks)
  }
}

const stateOfCheck = { fail: 'failed', unknown: 'open', pass: 'holds', unexercised: 'not tested' } as const

function withoutResult({ verification }: RunResults, { pattern }: CellPlan): readonly [FindingState, string] {
  const broken = unmeasuredBy(verification).find((one) => one.pattern === pattern)
  return broken ? ['not tested', broken.reason] : ['open', 'it was planned and has no result']
}

function reasonsOf({ cell, verdict, reasons }: CellResult): string {
  return reasons.map((reason) => reason.replace(`${cell.id}: `, '')).join('; ') || verdict
}

const stateOfEffect: Readonly<Record<GateEffect, FindingState>> = {
  fails: 'failed',
  open: 'open',
  warning: 'warned',
  none: 'allowed',
}

function gatesAt(results: RunResults, place: Place): readonly Finding[] {
  return results.gates
    .filter(({ gate }) => keyOf(gate) === keyOf(place))
    .map((result): Finding => {
      const about = `gate ${metricName(result.gate)} ${gateLimit(result.gate)}`
      const given = { ...place, about }
      if (result.verdict === 'PASS') return { ...given, state: 'holds', message: '', details: [] }
      const state = stateOfEffect[effectOf(result)]
      const text = observed(result)
      if (state === 'failed') return failedGate(results, given, result, text)
      const message = result.verdict === 'FAIL' ? `${about} does not hold: ${text}` : text
      return { ...given, state, message, details: [message] }
    })
}

function failedGate(
  results: RunResults,
  given: Place & { readonly about: string },
  result: GateResult,
  text: string,
): Finding {
  const what = result.verdict === 'FAIL' ? 'does not hold' : 'is not settled'
  const shown = result.verdict === 'FAIL' ? missesOf(results, result) : []
  return failure(results, given, { message: `${given.about} ${what}: ${text}`, texts: [text], shown })
}

function observed(result: GateResult): string {
  const { gate, interval, n, needed, note } = result
  const effect = effectNote(result)
  const terms = effect === '' ? [] : [effect]
  if (n === 0) return [note ?? 'no task of it could be judged', ...terms].join('; ')
  const range = interval ? ` ${gateInterval(result)}` : ''
  const { over } = metricOf(gate.metric)
  return [
    `observed ${gateObserved(result)}${range} over ${over === undefined ? plural(n, 'task') : `${count(n)} ${over}`}`,
    ...(note === undefined ? [] : [note]),
    ...(needed ? [`${neededText(needed)} would settle it in 4 of 5 runs`] : []),
    ...terms,
  ].join('; ')
}

interface ShownTask {
  readonly task: string
  readonly cell: string
}

/** Tasks that count against a gate, of the cells that it is judged by. */
function missesOf(results: RunResults, { gate }: GateResult): readonly ShownTask[] {
  return results.cells
    .filter(({ cell, verdict }) => keyOf(cell) === keyOf(gate) && (verdict === 'PASS' || verdict === 'FAIL'))
    .flatMap(({ cell, tasks }) => missesIn(tasks, gate).map(({ task }) => ({ task, cell: cell.id })))
}

interface Evidence {
  readonly message: string
  readonly texts: readonly string[]
  readonly shown: readonly ShownTask[]
}

function failure(
  results: RunResults,
  given: Place & { readonly about: string },
  { message, texts, shown }: Evidence,
): Finding {
  const replay = replayOf(results)
  const named = fewOf([...new Set(shown.map(({ task }) => task))], ', ', 6)
  const [first] = shown
  const details = [
    ...texts,
    ...(first ? [`tasks: ${named}`, `the story of one: ${explainCommand(results, first.task, first.cell)}`] : []),
    `replay: ${replay}`,
  ]
  const tasks = first ? `; tasks ${named}` : ''
  return { ...given, state: 'failed', message: `${message}${tasks}; replay: ${replay}`, details }
}

function fewOf(texts: readonly string[], between: string, most = 3): string {
  const more = texts.length - most
  return texts.slice(0, most).join(between) + (more > 0 ? `${between}and ${more} more` : '')
}

const stateOfRun: Readonly<Record<RunVerdict, FindingState>> = {
  PASS: 'holds',
  FAIL: 'failed',
  INCONCLUSIVE: 'open',
  INVALID: 'invalid',
}

function unshown({ verdict, reasons }: RunResults, found: readonly Finding[]): readonly Finding[] {
  const state = stateOfRun[verdict]
  if (found.some((one) => one.state === state)) return []
  if (verdict === 'PASS' && found.length > 0) return []
  return [{ about: 'run', state, message: fewOf(reasons, '; ') || verdict, details: reasons }]
}
