import { executionsOf } from '../analysis/executions.ts'
import { isTerminal } from '../../patterns/contract/types/task.ts'
import type { TaskTrace } from '../analysis/trace.ts'

/**
 * The first sign that something was wrong with a task. A call of its client failed or was repeated. Or its stream
 * broke, or went silent before the terminal event. Or another life of an executor took it over.
 */
export function findSymptoms(task: TaskTrace): readonly number[] {
  const calls = [...task.submits, ...task.polls].filter(({ type }) => type === 'fail' || type === 'info')
  const again = task.submits.filter(({ type, value }) => type === 'invoke' && value.attempt > 1)
  const ops = [...calls, ...again, ...brokenStreams(task)]
  return [...ops.map(({ at }) => at), ...takeovers(task)]
}

function brokenStreams(task: TaskTrace): TaskTrace['streams'] {
  const terminal = task.events.find(({ value }) => isTerminal(value.status))
  return task.streams.filter(({ index, value }) => {
    if (value.state === 'heartbeat-missed' || value.state === 'fallback') return true
    return value.state === 'closed' && (!terminal || index < terminal.index)
  })
}

function takeovers(task: TaskTrace): readonly number[] {
  const executions = executionsOf(task)
  return executions
    .filter((one, i) => i > 0 && one.attempt > executions[i - 1]!.attempt)
    .map(({ startedAt }) => startedAt)
}
