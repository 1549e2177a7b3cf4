import { randomBytes } from 'node:crypto'
import { request } from 'undici'
import { HarnessError } from '../core/errors.ts'
import { killGroup, readFirstLine, spawnChild } from '../os/child.ts'
import { entryPath } from '../os/entry.ts'
import { heedChild, type OnLost } from '../os/heed.ts'
import { readLines } from '../store/line-file.ts'
import { type EffectBody, nonceFor } from './effects.ts'

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

/** Who hears what. */
export interface LedgerEvents {
  /** It cannot do its work any more. */
  readonly onLost?: OnLost
  /** Of every effect as it happens. */
  readonly onEffect?: ((effect: LedgerEffect) => void) | undefined
}

/** Start the ledger in its own process, listening on `host`. */
export async function openLedger(
  file: string,
  logFile: string,
  host: string,
  { onLost = () => {}, onEffect }: LedgerEvents = {},
): Promise<Ledger> {
  const args = [entryPath('./ledger-server', import.meta.url), file, host, ...(onEffect ? ['--announce'] : [])]
  const secret = randomBytes(32).toString('base64url')
  const child = await spawnChild({ command: process.execPath, args, logFile, stdout: 'pipe', nice: 2 })
  child.stdin!.write(`${secret}\n`)
  const { listening } = await readFirstLine<{ listening: number }>(child, 'the ledger', logFile)
  const address = `${host}:${listening}`
  const onLine = onEffect && ((line: string): void => onEffect(JSON.parse(line) as LedgerEffect))
  const heeded = heedChild(child, { what: 'the ledger', logFile, onLost, ...(onLine && { onLine }) })
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
      heeded[Symbol.dispose]()
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
