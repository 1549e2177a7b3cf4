import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { createReadStream } from 'node:fs'
import { request } from 'undici'
import { HarnessError } from '../core/errors.ts'
import { killGroup, readFirstLine, spawnChild } from '../os/child.ts'
import { entryPath } from '../os/entry.ts'
import type { EffectBody } from './effect-body.ts'
import { nonceFor } from './nonce.ts'

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

/** Start the ledger in its own process, listening on `host`. `onEffect` hears of every effect as it happens, if given. */
export async function openLedger(
  file: string,
  logFile: string,
  host: string,
  onEffect?: (effect: LedgerEffect) => void,
): Promise<Ledger> {
  const args = [entryPath('./ledger-server', import.meta.url), file, host, ...(onEffect ? ['--announce'] : [])]
  const secret = randomBytes(32).toString('base64url')
  const child = await spawnChild({ command: process.execPath, args, logFile, stdout: 'pipe', nice: 2 })
  child.stdin!.write(`${secret}\n`)
  const { listening } = await readFirstLine<{ listening: number }>(child, 'the ledger', logFile)
  const address = `${host}:${listening}`
  if (onEffect) createInterface({ input: child.stdout! }).on('line', (line) => onEffect(JSON.parse(line)))
  return {
    address,
    nonceOf: (job, step) => nonceFor(secret, job, step),
    readAll: async () => {
      const expected = await flush(address)
      const { effects, refusals } = await readRecord(file)
      // Effects may arrive between the two: more lines than counted is no gap.
      return { effects, refusals, gaps: Math.max(0, expected - effects.length - refusals.length) }
    },
    [Symbol.asyncDispose]: () => killGroup(child, 'SIGTERM'),
  }
}

async function flush(address: string): Promise<number> {
  const response = await request(`http://${address}/flush`, { method: 'POST', reset: true })
  const body = (await response.body.json()) as { effects?: number }
  if (response.statusCode !== 200 || body.effects === undefined) throw new HarnessError('the ledger did not flush')
  return body.effects
}

async function readRecord(file: string): Promise<Recorded> {
  const [effects, refusals]: [LedgerEffect[], LedgerRefusal[]] = [[], []]
  for await (const text of createInterface({ input: createReadStream(file) })) {
    const line = JSON.parse(text) as LedgerEffect | LedgerRefusal
    if ('refused' in line) refusals.push(line)
    else effects.push(line)
  }
  return { effects, refusals }
}
