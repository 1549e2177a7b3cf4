import { CommanderError } from 'commander'
import { monotonicMs, startTimer } from '../../patterns/contract/types/timer.ts'
import { HarnessError, describeError, type ExitCode, exitCodes, Interrupted, UsageError } from '../core/errors.ts'
import { type Annotation, workflowCommand } from '../../reports/workflow-command.ts'
import { isGithub, say, sayCommand, tint } from './output.ts'
import { visibleLine } from '../core/visible.ts'

/** A terminal signals a whole group and npm passes signals on: one Ctrl-C can arrive several times. */
const echoMs = 500

/** When a run is to end by itself, and how that was written. */
export interface TimeLimit {
  readonly ms: number
  readonly text: string
}

/** An interrupt that no caller waits for any more is no failure. */
function isAbandoned(reason: unknown, { aborted, reason: why }: AbortSignal): boolean {
  if (reason instanceof Error && reason.name === 'AbortError') return true
  return aborted && (reason === why || (reason instanceof Error && reason.cause === why))
}

export interface Interrupts extends Disposable {
  readonly signal: AbortSignal
  /** It was a signal that aborted it, and not the end of the time. */
  isByUser(): boolean
}

/** The first signal, or the end of the time, aborts with its name as reason; a second signal ends this process. */
export function listenForInterrupts(limit?: TimeLimit): Interrupts {
  const controller = new AbortController()
  let signalledAt = -Infinity
  const interrupt = (by: string, more: string): void => {
    say(`${by}: healing faults and ending nodes${more}`)
    controller.abort(new HarnessError(by))
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (monotonicMs() - signalledAt < echoMs) return
    if (controller.signal.aborted) leaveAtOnce(`left at once by a second ${signal}`, exitCodes.interrupted)
    signalledAt = monotonicMs()
    interrupt(signal, '; once more to leave at once')
  }
  const onRejection = (reason: unknown): void => {
    if (!isAbandoned(reason, controller.signal)) crash(reason)
  }
  const timer = limit && startTimer(() => controller.signal.aborted || interrupt(limit.text, ''), limit.ms)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  process.on('unhandledRejection', onRejection)
  return {
    signal: controller.signal,
    isByUser: () => signalledAt > -Infinity,
    [Symbol.dispose]() {
      timer?.cancel()
      for (const signal of signals) process.off(signal, onSignal)
      process.off('unhandledRejection', onRejection)
    },
  }
}

type LastAct = (why: string) => void

const lastActs = new Set<LastAct>()

/** What is to be done when this process crashes. It must wait for nothing: there is no later. */
export function atCrash(act: LastAct): Disposable {
  lastActs.add(act)
  return { [Symbol.dispose]: () => void lastActs.delete(act) }
}

/** The exit code of this process, once it is known. */
let decided: ExitCode | undefined

/** This process ends with this code, whatever else would set another. */
export function conclude(code: ExitCode): void {
  process.exitCode = decided = code
}

/**
 * A command that has not concluded has no verdict, however the process ends: code that is not ours, as an adapter's, may call
 * `process.exit`, or leave nothing to wait for.
 */
export function guardExit(): void {
  decided = undefined
  process.on('exit', (code) => {
    if (decided === undefined) breakOff(code)
    process.exitCode = decided
  })
}

function breakOff(code: number): void {
  const error = new HarnessError(
    `something else ended this process with code ${code}, as an adapter’s process.exit does`,
  )
  conclude(reportError(error))
  for (const act of lastActs) act(error.message)
}

/** End this process at once, for a reason that says nothing about the systems under test. What it started, its reaper ends. */
function leaveAtOnce(why: string, code: ExitCode): never {
  conclude(code)
  for (const act of lastActs) act(why)
  process.exit(code)
}

/** What nobody caught. Node's own exit code for it is 1, which would read as a verdict. */
export function crash(error: unknown): never {
  try {
    reportError(error)
  } finally {
    leaveAtOnce(describeError(error), exitCodes.invalid)
  }
}

/** Says what went wrong in one sentence per problem, and of a mistake of ours also where; OUTLAST_STACK=1 shows all of where. */
export function reportError(error: unknown): ExitCode {
  // Commander has said what is wrong, or has shown the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.pass : exitCodes.usage
  if (error instanceof UsageError) {
    for (const problem of error.problems) say(visibleLine(problem))
    annotate(error.problems.map(annotationOf))
    return exitCodes.usage
  }
  if (error instanceof Interrupted) {
    say(visibleLine(error.message))
    return exitCodes.interrupted
  }
  const failed = tint('red', 'outlast failed, which says nothing about the systems under test:')
  say(`${failed} ${visibleLine(describeError(error))}${placeOf(error)}`)
  annotate([{ level: 'error', title: 'failed', message: visibleLine(describeError(error)) }])
  if (process.env['OUTLAST_STACK'] && error instanceof Error && error.stack)
    for (const line of error.stack.split('\n')) say(line)
  return exitCodes.invalid
}

/** GitHub shows so many for one step; the log has all. */
const mostAnnotated = 10

function annotate(annotations: readonly Annotation[]): void {
  if (!isGithub()) return
  for (const one of annotations.slice(0, mostAnnotated)) sayCommand(workflowCommand(one))
}

/** Of a scenario that is wrong, at the line that is. */
function annotationOf(problem: string): Annotation {
  const message = visibleLine(problem)
  const [, file, line, col] = /^([^:]+):(\d+):(\d+): /.exec(message) ?? []
  const at = file === undefined ? undefined : { file, line: line!, col: col! }
  return { level: 'error', title: 'usage', message, ...(at && { at }) }
}

/** Where in our own code, of what should not have happened. */
function placeOf(error: unknown): string {
  if (error instanceof HarnessError || !(error instanceof Error)) return ''
  const place = /\b(?:harness|patterns|reports)\/[^\s()]+:\d+:\d+/.exec(error.stack ?? '')?.[0]
  return place === undefined ? '' : ` (at ${place}; OUTLAST_STACK=1 shows more)`
}
