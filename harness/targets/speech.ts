import { randomBytes } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { Agent, buildConnector } from 'undici'
import { loadModule } from '../../patterns/contract/server/plugins.ts'
import { mostAnswerBytes } from '../../patterns/contract/client/answer-size.ts'
import type { Dialect, Inbox, Job, RunJob } from '../../patterns/contract/client/client.ts'
import { taskApi } from '../../patterns/contract/client/dialect.ts'
import { exchange, mediaTypeOf, type Answer } from '../../patterns/contract/client/http.ts'
import { withoutInterim } from '../../patterns/contract/client/interim.ts'
import { describeAnswer, problemOf } from '../../patterns/contract/client/meaning.ts'
import type { Service } from '../../patterns/contract/types/protocol.ts'
import type { Task } from '../../patterns/contract/types/task.ts'
import { startTimer } from '../../patterns/contract/types/timer.ts'
import { describeError, HarnessError } from '../core/errors.ts'
import type { Target } from '../model/target.ts'
import type { OnLost } from '../os/child.ts'
import type { Adapter, AdapterJob } from './adapter.ts'
import { dialectOf, namedTask } from './dialect.ts'
import { guarded } from './guard.ts'
import { adapterOf } from './mapping.ts'
import { type Judge, judged, judgeOf } from './judge.ts'
import { fillIn } from '../model/template.ts'

/** How one target is spoken to: its work, its client, and what it says itself of a task. */
export interface TargetSpeech {
  readonly type: string
  /** Ends the names of its work: a service that was there before knows no work of this cell. */
  readonly nameEnd: string
  readonly dialect: Dialect
  readonly runJob: RunJob
  /** What is submitted for a job. */
  inputOf(key: string, seed: number): Readonly<Record<string, unknown>>
  /** An inbox whose tasks have the digests of this target. */
  hear(inbox: Inbox): Inbox
  /** The task as a node knows it; undefined: it knows none of this id. Rejects where it cannot say. */
  readTask(service: Service, taskId: string, key: string): Promise<Task | undefined>
}

/** Ends the names of what belongs to one cell alone. */
export function drawEnd(): string {
  return `-${randomBytes(4).toString('hex')}`
}

/** Rejects with HarnessError where the target's adapter cannot be used. */
export async function openSpeech(
  target: Target,
  { timeScale, onLost }: { readonly timeScale: number; readonly onLost: OnLost },
): Promise<TargetSpeech> {
  const { work, client, name } = target
  const written = await loadAdapter(target)
  const adapter = written && guarded(name, written, onLost)
  const nameEnd = drawEnd()
  const nameOf = (key: string): string => key + nameEnd
  const inputs = new Map<string, Readonly<Record<string, unknown>>>()
  const inputOf = (key: string, seed: number) => {
    const input = fillIn(work.input, { key: nameOf(key), seed, timeScale }) as Readonly<Record<string, unknown>>
    inputs.set(key, input)
    return input
  }
  // Whether a result is right may depend on what was submitted.
  const submitted = (key: string) => inputs.get(key) ?? {}
  const judge = judgeOf(target, adapter, onLost)
  const dialect = adapter ? dialectOf(adapter, judge, nameOf) : namedWork(nameOf)
  const { default: run } = await loadModule<{ default: RunJob }>(client, 'client')
  const told = (key: string): AdapterJob => ({ key: nameOf(key), input: submitted(key), token: '' })
  return {
    type: work.type,
    nameEnd,
    dialect,
    inputOf,
    runJob: adapter ? run : judging(run, told, judge),
    hear: (inbox) => (adapter ? inbox : judgingInbox(inbox, told, judge)),
    async readTask(service, taskId, key) {
      const task = await readFinal(dialect, service, { taskId, job: jobFor(key, submitted(key)), isTaskApi: !adapter })
      return task && !adapter ? judged(task, told(key), judge) : task
    },
  }
}

/** The task API, with work under other names than it has in the history. */
function namedWork(nameOf: (key: string) => string): Dialect {
  const submission: Dialect['submission'] = (job, ...rest) =>
    taskApi.submission({ ...job, key: nameOf(job.key) }, ...rest)
  return { ...taskApi, submission }
}

/** What a client of the task API delivers, with the digest that this target gives it. */
function judging(run: RunJob, told: (key: string) => AdapterJob, judge: Judge): RunJob {
  return async (job, ports, signal) => {
    const { task, via } = await run(job, ports, signal)
    return { task: judged(task, told(job.key), judge), via }
  }
}

function judgingInbox(inbox: Inbox, told: (key: string) => AdapterJob, judge: Judge): Inbox {
  return {
    urlFor: inbox.urlFor,
    wait: (key, signal, open) =>
      inbox.wait(key, signal, (request) => {
        const task = open ? open(request) : (JSON.parse(request.body.toString('utf8')) as Task)
        if (task.status !== 'completed' || judge.isWhole(task, told(key), true)) return judged(task, told(key), judge)
        const { result: _, ...news } = task
        return { ...news, isThin: true }
      }),
  }
}

function jobFor(key: string, input: object): Job {
  return { key, ordinal: 0, input, giveUpAt: Infinity }
}

interface Asked {
  readonly taskId: string
  readonly job: Job
  readonly isTaskApi: boolean
}

const readLimitMs = 5_000
const straight = new Agent({
  headersTimeout: readLimitMs,
  bodyTimeout: readLimitMs,
  maxResponseSize: mostAnswerBytes,
  connect: withoutInterim(buildConnector({})),
})

async function readFinal(
  dialect: Dialect,
  { url, token, signal }: Service,
  { taskId, job, isTaskApi }: Asked,
): Promise<Task | undefined> {
  const asked = namedTask(taskId)
  const call = dialect.read(asked, url, { token }, { etag: undefined, waitMs: undefined })
  const answer = await exchange(straight, call, readLimitMs, signal)
  const task = dialect.taskOf(answer, job, asked)
  if (task) return task
  if (isAbsent(answer, isTaskApi)) return undefined
  throw new HarnessError(isPage(answer) ? `HTTP ${answer.status}, a page` : describeAnswer(answer))
}

/**
 * Whether an answer proves that the service knows no such task. The task API says so by a problem document. How another API
 * says it nobody knows, but a page for people is a gateway's word, or a proxy's: it proves no loss.
 */
function isAbsent(answer: Answer, isTaskApi: boolean): boolean {
  if (answer.status !== 404 && answer.status !== 410) return false
  return isTaskApi ? problemOf(answer) !== undefined : !isPage(answer)
}

function isPage(answer: Answer): boolean {
  const type = mediaTypeOf(answer.header('content-type'))
  return type === 'text/html' || type === 'application/xhtml+xml' || /^\s*<(?:!doctype\s|html[\s>])/i.test(answer.text)
}

async function loadAdapter({ speech, name }: Target): Promise<Adapter | undefined> {
  if (speech.kind === 'task-api') return undefined
  if (speech.kind === 'mapping') return adapterOf(speech.mapping)
  const { file } = speech
  const module = await inTime(import(pathToFileURL(file).href)).catch((error: unknown) => {
    throw new HarnessError(`the adapter of ${name}, ${file}, cannot be loaded: ${describeError(error)}`)
  })
  const adapter = (module as { default?: Adapter }).default
  const missing = ['submit', 'read'].filter((part) => typeof adapter?.[part as 'submit'] !== 'function')
  if (!adapter || missing.length > 0)
    throw new HarnessError(
      `the adapter of ${name}, ${file}, has no ${missing.join(', no ')}: its default export is an Adapter of outlast/adapter`,
    )
  return adapter
}

const loadLimitMs = 10_000

/** A module may wait at its top for what never comes, and nothing can call it off. */
async function inTime<T>(loading: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  using _ = startTimer(() => late.reject(new Error(`it was not done after ${loadLimitMs / 1000} s`)), loadLimitMs)
  return await Promise.race([loading, late.promise])
}
