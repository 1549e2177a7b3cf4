import { appendFile, stat } from 'node:fs/promises'
import { annotationsOf } from '../../reports/annotations.ts'
import { stepSummary } from '../../reports/step-summary.ts'
import { workflowCommand } from '../../reports/workflow-command.ts'
import { plural } from '../../reports/numbers.ts'
import { describeError, exitCodes } from '../core/errors.ts'
import { visibleLine } from '../core/visible.ts'
import type { RunResults } from '../model/results.ts'
import { isGithub, say, sayCommand } from './output.ts'

/** GitHub refuses the summary of a step that is larger than 1 MiB: the whole of it, with what others wrote. */
const summaryBytes = 1_000_000
/** Less than this is no report. */
const leastBytes = 2_000

/**
 * Where GitHub Actions runs this: annotations on standard error, and the report in the summary of the step. Never rejects: that
 * a summary cannot be written says nothing about the run, and is one warning.
 */
export async function tellGithub(results: RunResults, leftBehind: readonly string[] = []): Promise<void> {
  if (isGithub()) for (const line of [...annotationsOf(results), ...leftBehindBy(leftBehind)]) sayCommand(line)
  const path = process.env['GITHUB_STEP_SUMMARY']
  if (!path) return
  const problem = await appendSummary(path, results).catch(describeError)
  if (problem === undefined) return
  const message = `no step summary in ${path}: ${problem}`
  if (isGithub()) sayCommand(workflowCommand({ level: 'warning', title: 'summary', message }))
  else say(`warning: ${message}`)
}

const mostNamed = 3

/** Beside a verdict that passes, nothing else would say why the step is red. */
function leftBehindBy(things: readonly string[]): readonly string[] {
  if (things.length === 0) return []
  const more = things.length > mostNamed ? [`and ${things.length - mostNamed} more`] : []
  const named = [...things.slice(0, mostNamed), ...more].map(visibleLine).join('; ')
  const message = `${plural(things.length, 'thing')} stayed, and the exit code is ${exitCodes.leftBehind}: ${named}. outlast clean removes what it can`
  return [workflowCommand({ level: 'error', title: 'left behind', message })]
}

/** Resolves with why there is none. */
async function appendSummary(path: string, results: RunResults): Promise<string | undefined> {
  const written = await stat(path).catch(() => undefined)
  if (written && !written.isFile()) return 'it is no file'
  const room = summaryBytes - (written?.size ?? 0)
  if (room < leastBytes) return 'other parts of this step have filled it'
  await appendFile(path, `\n${stepSummary(results, room - 1)}`)
  return undefined
}
