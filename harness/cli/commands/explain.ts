import { exposures } from '../../analysis/exposure.ts'
import { exitCodes, UsageError } from '../../core/errors.ts'
import type { CellPlan } from '../../model/plan.ts'
import { traceOf, type CellTrace, type TaskTrace } from '../../analysis/trace.ts'
import { visible, visibleLine } from '../../core/visible.ts'
import { didYouMean } from '../../core/did-you-mean.ts'
import { readCell } from '../../run/judge.ts'
import { cellBegan, readPlan, type RunFolder } from '../../store/run-folder.ts'
import { openRecord } from '../../store/run-record.ts'
import { decideFate } from '../../verdict/outcomes.ts'
import type { CommandFile } from '../command.ts'
import { print, say } from '../output.ts'
import { editedOption, findRun, runArgument, takenAs } from '../arguments.ts'
import { timelineFrame, timelineOf } from '../../verdict/timeline.ts'

const examples = `
Examples:
  outlast explain latest t-00017 --cell webhook.kill.1
  outlast explain latest 17 --cell webhook.kill.1`

export default {
  name: 'explain',
  summary: "one task's whole story in the order of time, with the faults that touched it",
  declare(command, { done }) {
    command
      .argument('<run>', runArgument)
      .argument('<task>', 'its name, for example t-00017, or its number')
      .option('--cell <id>', 'which cell: needed where several have such a task')
      .option(...editedOption)
      .addHelpText('after', examples)
      .action(async (name: string, task: string, options: { readonly cell?: string; readonly edited?: true }) => {
        const run = await findRun(name)
        const record = await openRecord(run, takenAs(options))
        const cell = await pickCell(run, options.cell)
        const { id } = cell
        const trace = traceOf((await readCell(run, cell, record)) ?? [])
        for (const sentence of record.close().record ?? []) say(visibleLine(sentence))
        print(narrate(id, trace, pickTask(trace, task, id)))
        done(exitCodes.pass)
      })
  },
} satisfies CommandFile

async function pickCell(run: RunFolder, wanted: string | undefined): Promise<CellPlan> {
  const planned = (await readPlan(run)).cells
  const began = await Promise.all(planned.map(({ id }) => cellBegan(run, id)))
  const cells = planned.filter((_, i) => began[i])
  const ids = cells.map(({ id }) => id)
  const named = cells.find(({ id }) => id === wanted)
  if (named) return named
  if (wanted === undefined && cells.length === 1) return cells[0]!
  const list = `cells of this run: ${ids.join(', ') || 'none'}`
  if (wanted === undefined)
    throw new UsageError(`name a cell with --cell, since each has tasks of the same names; ${list}`)
  throw new UsageError(`there is no cell "${wanted}"${didYouMean(wanted, ids)}; ${list}`)
}

function pickTask(trace: CellTrace, wanted: string, cell: string): TaskTrace {
  const found = trace.byTask.get(/^\d+$/.test(wanted) ? `t-${wanted.padStart(5, '0')}` : wanted)
  if (found) return found
  const [first, last] = [trace.tasks[0]?.task, trace.tasks.at(-1)?.task]
  throw new UsageError(
    `${cell} has no task "${wanted}"; ${first === undefined ? 'it has none' : `they are ${first} to ${last}`}`,
  )
}

function narrate(cell: string, trace: CellTrace, task: TaskTrace): string {
  const fate = decideFate(task, trace.complete, trace.cell)
  const { head, end } = timelineFrame(cell, task, exposures(trace).get(task)?.length ?? 0, fate)
  const lines = timelineOf(trace, task).map(
    ({ at, text }) => `${offset(at - task.intent.intendedAt)}  ${visibleLine(text)}`,
  )
  return [visible(head), '', ...lines, '', visible(end)].join('\n')
}

/** `+1.234 s`, aligned. */
function offset(ms: number): string {
  return `${ms < 0 ? '-' : '+'}${(Math.abs(ms) / 1000).toFixed(3)} s`.padStart(12)
}
