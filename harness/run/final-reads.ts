import { Agent, buildConnector, request } from 'undici'
import { mostAnswerBytes } from '../../patterns/contract/client/answer-size.ts'
import { withoutInterim } from '../../patterns/contract/client/interim.ts'
import { describeAnswer, problemOf } from '../../patterns/contract/client/meaning.ts'
import type { Vocabulary } from '../model/history.ts'
import type { Service } from '../../patterns/contract/types/protocol.ts'
import { isStatus, type Task } from '../../patterns/contract/types/task.ts'
import { monotonicMs, sleep } from '../../patterns/contract/types/timer.ts'
import type { Node } from '../model/runtime.ts'
import type { CellParts } from './cell-context.ts'

type Final = Vocabulary['final']['value']

type Access = Pick<CellParts, 'deployment' | 'token' | 'watch' | 'recorder'> & {
  /** Of who does not serve the task API: rejects where it cannot say. */
  readonly readTask: ((service: Service, taskId: string, key: string) => Promise<Task | undefined>) | undefined
}
type Reading = Pick<Access, 'token' | 'watch' | 'readTask'>

interface Truth {
  readonly task_id: string
  readonly status: NonNullable<Final['status']>
  readonly version: number
  readonly result?: { readonly digest: string }
}

/**
 * Ask the system under test, over paths without faults, what became of each task that its client did not see end well.
 * `ok` with `found: false`: every API node answered that it does not know the task. `info`: nobody could say. Tasks
 * without any known id are recorded as not found, since no node ever named one.
 */
export async function readFinals(
  jobs: readonly string[],
  taskIds: ReadonlyMap<string, readonly string[]>,
  { deployment, recorder, ...access }: Access,
): Promise<void> {
  const apis = deployment.nodes.filter(({ role }) => role === 'api')
  const queue = [...jobs]
  const readNext = async (): Promise<void> => {
    for (let job = queue.pop(); job; job = queue.pop()) {
      const askedAt = monotonicMs()
      const truth = await readTruth(job, taskIds.get(job) ?? [], { apis, access })
      recorder.record({ f: 'final', process: 'harness', task: job, ...truth })
      await sleep(Math.min(longestPauseMs, monotonicMs() - askedAt))
    }
  }
  await Promise.all(Array.from({ length: readersAtOnce }, readNext))
}

/** Cells that end together read together. Without pauses their reads would starve the nodes that answer them. */
const readersAtOnce = 4
const longestPauseMs = 100

async function readTruth(
  job: string,
  ids: readonly string[],
  { apis, access }: { readonly apis: readonly Node[]; readonly access: Reading },
): Promise<{ type: 'ok' | 'info'; value: Final; error?: string }> {
  let error: string | undefined
  let best: Truth | undefined
  for (const id of ids)
    for (const api of apis) {
      const answer = await (access.readTask ? readOwn(api, id, { ...access, job }) : readTask(api, id, access))
      if (typeof answer === 'string') error = answer
      else if (answer?.status === 'completed') return { type: 'ok', value: describeTruth(answer) }
      else best ??= answer
    }
  if (best) return { type: 'ok', value: describeTruth(best) }
  const value = { taskId: ids[0] ?? '', found: false }
  return error === undefined ? { type: 'ok', value } : { type: 'info', value, error }
}

function describeTruth(task: Truth): Final {
  const { task_id: taskId, status, version } = task
  return { taskId, found: true, status, version, digest: task.result?.digest ?? null }
}

/** What is no task must not be recorded as one: a record that does not fit its schema reads as a damaged file. */
function asTruth(answer: unknown): Truth | string {
  const { task_id, status, version, result } = (answer ?? {}) as Partial<Truth>
  const digest: unknown = result?.digest ?? ''
  const fits = typeof task_id === 'string' && isStatus(status) && Number.isSafeInteger(version) && version! >= 0
  return fits && typeof digest === 'string' ? (answer as Truth) : 'it answered with something that is no task'
}

async function readOwn(
  { url }: Node,
  id: string,
  { token, readTask: read, job }: Reading & { readonly job: string },
): Promise<Truth | undefined | string> {
  const signal = AbortSignal.timeout(readLimitMs)
  try {
    const task = await read!({ url, token, signal }, id, job)
    return task && asTruth(task)
  } catch (error) {
    return String(error)
  }
}

const readLimitMs = 5_000
/** A node that goes on and on would otherwise be all memory. */
const straight = new Agent({ maxResponseSize: mostAnswerBytes, connect: withoutInterim(buildConnector({})) })

/** The task, undefined when the node does not know it, or the reason why it could not say. */
async function readTask(
  { name, url }: Node,
  id: string,
  { token, watch }: Reading,
): Promise<Truth | undefined | string> {
  try {
    const response = await request(`${url}/v1/tasks/${id}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(readLimitMs),
      dispatcher: straight,
    })
    const { statusCode: status, headers } = response
    watch({ status, header: (header) => headers[header]?.toString() }, () => name)
    if (status === 200) return asTruth(await response.body.json())
    const answer = { status, header: (header: string) => headers[header]?.toString(), text: await response.body.text() }
    // Without a problem document it is somebody else's word, who knows of no tasks.
    const isAbsent = (status === 404 || status === 410) && problemOf(answer) !== undefined
    return isAbsent ? undefined : describeAnswer(answer)
  } catch (error) {
    return String(error)
  }
}
