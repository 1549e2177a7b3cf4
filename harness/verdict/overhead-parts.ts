import { type Execution, ranOnce } from '../analysis/executions.ts'
import type { TaskTrace } from '../analysis/trace.ts'
import { resolutionMs } from '../core/numbers.ts'
import { type Breakdown, partNames, type Parts, type PartsOfGroup } from '../model/overhead-parts.ts'

const nothing = Object.fromEntries(partNames.map((name) => [name, 0])) as unknown as Parts

/**
 * Where the overhead of a task went whose client saw the right result at `seenAt`. The parts add up to it. Where its history
 * misses a step, or has two at once, all of it is `untold`.
 */
export function partsOf(task: TaskTrace, seenAt: number): Parts {
  const { intendedAt, idealMs } = task.intent
  const wholeMs = seenAt - intendedAt - idealMs
  const told = tellApart(task, seenAt)
  return told && Math.abs(sumOf(told) - wholeMs) < 1e-6 ? told : { ...nothing, untold: wholeMs }
}

export function sumOf(parts: Parts): number {
  return partNames.reduce((sum, name) => sum + parts[name], 0)
}

/** Undefined where no task has a result. */
export function breakDown(all: readonly Parts[]): Breakdown | undefined {
  if (all.length === 0) return undefined
  const sorted = all.map((parts) => ({ parts, ms: sumOf(parts) })).toSorted((a, b) => a.ms - b.ms)
  const n = sorted.length
  return {
    tasks: n,
    untold: all.filter(({ untold }) => untold !== 0).length,
    typical: meansOf(sorted.slice(Math.floor((2 * n) / 5), n - Math.floor((2 * n) / 5))),
    slowest: meansOf(sorted.slice(n - Math.ceil(n / 20))),
  }
}

function meansOf(some: readonly { readonly parts: Parts; readonly ms: number }[]): PartsOfGroup {
  const mean = (valueOf: (one: (typeof some)[number]) => number): number =>
    some.reduce((sum, one) => sum + valueOf(one), 0) / some.length
  const parts = Object.fromEntries(partNames.map((name) => [name, mean((one) => one.parts[name])]))
  return { tasks: some.length, totalMs: mean(({ ms }) => ms), parts: parts as unknown as Parts }
}

type Growing = { -readonly [P in keyof Parts]: Parts[P] }

function tellApart(task: TaskTrace, seenAt: number): Parts | undefined {
  const chain = chainOf(task)
  if (!chain || chain.at(-1)!.endedAt > seenAt + resolutionMs) return undefined
  const parts: Growing = { ...nothing }
  const workedMs = chain.reduce((sum, { startedAt, endedAt }) => sum + endedAt - startedAt, 0)
  parts.execution = workedMs - task.intent.idealMs
  if (parts.execution < -resolutionMs * chain.length || !addBeginning(parts, task, chain[0]!)) return undefined
  const others = chain === task.executions ? [] : task.executions.filter((one) => !chain.includes(one))
  for (let i = 1; i < chain.length; i++) addGap(parts, chain[i - 1]!, chain[i]!, others)
  addEnd(parts, chain.at(-1)!, seenAt, others)
  return parts
}

/**
 * Of each step the execution that ended first: what the result is made from, where a repetition comes to the same. Undefined
 * unless all steps are there, one after another.
 */
function chainOf(task: TaskTrace): readonly Execution[] | undefined {
  const { executions } = task
  const chain = ranOnce(task) ? executions : firstEnded(executions, task.intent.steps)
  if (chain.length === 0 || chain.length < task.intent.steps) return undefined
  return chain.every((one, i) => i === 0 || one.startedAt >= chain[i - 1]!.endedAt - resolutionMs) ? chain : undefined
}

function firstEnded(executions: readonly Execution[], steps: number): readonly Execution[] {
  const byStep = new Map<number, Execution>()
  for (const one of executions) {
    const known = byStep.get(one.step)
    if (!known || one.endedAt < known.endedAt) byStep.set(one.step, one)
  }
  const chain = Array.from({ length: steps }, (_, i) => byStep.get(i + 1))
  return chain.filter((one) => one !== undefined)
}

/** Until the first step began. False where that came before the client sent anything. */
function addBeginning(parts: Growing, { intent, submits }: TaskTrace, first: Execution): boolean {
  const { intendedAt } = intent
  const begunAt = first.startedAt
  const sent = submits.find(({ type }) => type === 'invoke')
  const accepted = submits.find(({ type }) => type === 'ok')
  if (!sent || sent.at > begunAt + resolutionMs) return false
  const sentAt = Math.max(intendedAt, Math.min(sent.at, begunAt))
  const acceptedAt = Math.max(sentAt, Math.min(accepted?.at ?? Infinity, begunAt))
  parts.sending += sentAt - intendedAt
  parts.accept += acceptedAt - sentAt
  const isFirst = first.attempt === 1 && (!accepted || accepted.value.taskId === first.op.value.taskId)
  parts[isFirst ? 'queueing' : 'interrupted'] += begunAt - acceptedAt
  return true
}

/** Between two steps. */
function addGap(parts: Growing, before: Execution, next: Execution, others: readonly Execution[]): void {
  const [from, to] = [before.endedAt, next.startedAt]
  const again = others.filter(({ startedAt }) => startedAt >= from && startedAt < to)
  const cut = again.length > 0 || next.attempt !== before.attempt || next.op.value.taskId !== before.op.value.taskId
  const toolsMs = toolsUntil(before, again[0]?.startedAt ?? to)
  const againMs = coveredMs(again, to)
  parts.tools += toolsMs
  parts.again += againMs
  parts[cut ? 'interrupted' : 'persistence'] += to - from - toolsMs - againMs
}

/** After the last step. Work may have begun anew, because the end was not kept. */
function addEnd(parts: Growing, last: Execution, seenAt: number, others: readonly Execution[]): void {
  const again = others.filter(({ startedAt, endedAt }) => startedAt >= last.endedAt && endedAt <= seenAt)
  const latest = again.reduce((found, one) => (one.endedAt > found.endedAt ? one : found), last)
  if (latest !== last) {
    const toolsMs = toolsUntil(last, again[0]!.startedAt)
    const againMs = coveredMs(again, latest.endedAt)
    parts.tools += toolsMs
    parts.again += againMs
    parts.interrupted += latest.endedAt - last.endedAt - toolsMs - againMs
  }
  const toolsMs = toolsUntil(latest, seenAt)
  parts.tools += toolsMs
  parts.delivery += seenAt - latest.endedAt - toolsMs
}

function toolsUntil({ op, endedAt }: Execution, until: number): number {
  return Math.max(0, Math.min(op.at, until) - endedAt)
}

/** The time in which at least one of these, in the order of their start, was at work. */
function coveredMs(executions: readonly Execution[], until: number): number {
  let [covered, free] = [0, -Infinity]
  for (const { startedAt, endedAt } of executions) {
    covered += Math.max(0, Math.min(endedAt, until) - Math.max(startedAt, free))
    free = Math.max(free, Math.min(endedAt, until))
  }
  return covered
}
