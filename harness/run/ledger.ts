import { randomBytes, createHmac } from 'node:crypto'
import { request } from 'undici'
import type { Amount } from '../core/allowance.ts'
import { HarnessError } from '../core/errors.ts'
import { killGroup, readFirstLine, spawnChild, watchChild, type OnLost, entryPath } from '../os/child.ts'
import { readLines } from '../store/line-file.ts'
import { resolutionMs } from '../core/numbers.ts'
import type { Effect } from '../../patterns/agent/step.ts'

/** One line of `ledger.ndjson`; times on the monotonic clock of the machine. */
export interface LedgerEffect extends EffectBody {
  readonly receivedAt: number
}

/** What was sent to the tool server as an effect and is none: why, and how it began. */
export interface LedgerRefusal {
  readonly refused: string
  readonly said: string
  readonly receivedAt: number
}

export interface Ledger extends AsyncDisposable {
  /** `host:port` of the tool server. */
  readonly address: string
  /** What it answers for the effect of a job's step. Only the two of us know it: no node can make it up. */
  nonceOf(job: string, step: number): string
  /** Wait until everything received is on disk, then read it all; `gaps` counts lines that are missing. */
  readAll(): Promise<Recorded & { readonly gaps: number }>
}

interface Recorded {
  readonly effects: readonly LedgerEffect[]
  readonly refusals: readonly LedgerRefusal[]
}

export interface LedgerEvents {
  /** It cannot do its work any more. */
  readonly onLost?: OnLost
  /** Ends the names of this system's work, where it tells of effects itself: no other work's counts. */
  readonly nameEnd?: string | undefined
  /** Of every effect as it happens. */
  readonly onEffect?: ((effect: LedgerEffect) => void) | undefined
  /** How much it writes: far more than the largest load does in twelve steps. Who floods it must not fill disk and memory. */
  readonly room?: Amount
}

const ownRoom: Amount = { count: 1_000_000, bytes: 256 * 2 ** 20 }

/** Start the ledger in its own process, listening on `host`. */
export async function openLedger(
  file: string,
  logFile: string,
  host: string,
  { onLost = () => {}, onEffect, nameEnd, room = ownRoom }: LedgerEvents = {},
): Promise<Ledger> {
  const args = [
    entryPath('./ledger-server', import.meta.url),
    file,
    host,
    String(room.count),
    String(room.bytes),
    ...(onEffect ? ['--announce'] : []),
    ...(nameEnd === undefined ? [] : [`--names-end=${nameEnd}`]),
  ]
  const secret = randomBytes(32).toString('base64url')
  const child = await spawnChild({ command: process.execPath, args, logFile, stdout: 'pipe', nice: 2 })
  child.stdin!.write(`${secret}\n`)
  const { listening } = await readFirstLine<{ listening: number }>(child, 'the ledger', logFile)
  const address = `${host}:${listening}`
  const onLine = onEffect && ((line: string): void => onEffect(JSON.parse(line) as LedgerEffect))
  const watched = watchChild(child, { what: 'the ledger', logFile, onLost, ...(onLine && { onLine }) })
  return {
    address,
    nonceOf: (job, step) => nonceFor(secret, job, step),
    readAll: async () => {
      const expected = await flush(address)
      const { effects, refusals } = await readRecord(file)
      // Effects may arrive between the two: more lines than counted is no gap.
      return { effects, refusals, gaps: Math.max(0, expected - effects.length - refusals.length) }
    },
    [Symbol.asyncDispose]: async () => {
      watched[Symbol.dispose]()
      await killGroup(child, 'SIGTERM')
    },
  }
}

async function flush(address: string): Promise<number> {
  const response = await request(`http://${address}/flush`, { method: 'POST', reset: true })
  const body = (await response.body.json()) as { effects?: number; error?: string }
  if (response.statusCode !== 200 || body.effects === undefined)
    throw new HarnessError(body.error ?? 'the ledger did not flush')
  return body.effects
}

async function readRecord(file: string): Promise<Recorded> {
  const [effects, refusals]: [LedgerEffect[], LedgerRefusal[]] = [[], []]
  // A last line that a full disk has torn is left out.
  await readLines(file, (value) => {
    const line = value as LedgerEffect | LedgerRefusal
    if ('refused' in line) refusals.push(line)
    else effects.push(line)
  })
  return { effects, refusals }
}

/** What an executor says of one execution of a step, and whose idempotency key it sent. Times on the machine's monotonic clock. */
export interface EffectBody extends Effect {
  readonly idempotencyKey: string
  /** Whose effect it is, where the call says so (`Outlast-Tool`). */
  readonly tool?: string
}

const texts = ['task', 'taskId', 'executor', 'idempotencyKey'] as const
const ordinals = ['step', 'attempt'] as const
const times = ['startedAt', 'endedAt'] as const

/** The effect in a request, or the sentence why it is none: a wrong system must not look like a damaged record. */
export function readEffectBody(body: string, idempotencyKey: unknown, receivedAt: number): EffectBody | string {
  const said = parse(body)
  if (said === undefined) return 'it is no JSON object'
  const effect: Readonly<Record<string, unknown>> = { ...said, idempotencyKey }
  const missing = texts.find((name) => typeof effect[name] !== 'string' || effect[name] === '')
  if (missing !== undefined) return `its ${missing} is no text`
  const uncounted = ordinals.find((name) => !Number.isSafeInteger(effect[name]) || Number(effect[name]) < 1)
  if (uncounted !== undefined) return `its ${uncounted} is no whole number from 1`
  const timeless = times.find((name) => !Number.isFinite(effect[name]))
  if (timeless !== undefined) return `its ${timeless} is no number`
  const { task, taskId, step, attempt, executor, startedAt, endedAt } = effect as unknown as EffectBody
  if (endedAt < startedAt - resolutionMs) return 'it ended before it started'
  if (endedAt > receivedAt + resolutionMs) return 'it is not over yet'
  return { task, taskId, step, attempt, executor, startedAt, endedAt, idempotencyKey: String(idempotencyKey) }
}

/**
 * An effect that a service of somebody else's tells of: `{task, task_id, step, node, took_ms, attempt}`. `task` is the key of the
 * work, `task_id` what the service calls it. `step` is 1, `node` unknown and `took_ms` 0 unless given. `attempt` numbers the
 * executions of a step from 1: who gives it may tell of one twice. The attempt is 0 where it was not given. `nameEnd` ends the keys of
 * this system's work.
 */
export function readToldEffect(body: string, receivedAt: number, nameEnd: string): EffectBody | string {
  const said = parse(body) as Readonly<Record<string, unknown>> | undefined
  if (said === undefined) return 'it is no JSON object'
  const { task: named, task_id: taskId, step = 1, node: executor = 'unknown', took_ms: tookMs = 0, attempt } = said
  if (typeof named !== 'string' || !named.endsWith(nameEnd)) return 'its task is no {key} of this run'
  const task = named.slice(0, named.length - nameEnd.length)
  const startedAt = typeof tookMs === 'number' && tookMs >= 0 ? receivedAt - tookMs : undefined
  const effect = { task, taskId, step, executor, attempt: attempt ?? 1, startedAt, endedAt: receivedAt }
  const read = readEffectBody(JSON.stringify(effect), `${task}/${String(step)}`, receivedAt)
  if (typeof read !== 'string') return attempt === undefined ? { ...read, attempt: 0 } : read
  return read
    .replace('its taskId', 'its task_id')
    .replace('its executor', 'its node')
    .replace('its startedAt', 'its took_ms')
}

function parse(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * What the tool server answers for the effect of a job's step, for any executor and however often: RFC 2104's HMAC with
 * SHA-256 under a secret of the cell, cut to 96 bits. A node without the answer cannot know it.
 */
export function nonceFor(secret: string, job: string, step: number): string {
  return createHmac('sha256', secret).update(`${job}/${step}`).digest('hex').slice(0, 24)
}
