import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { sleep, timeLimit } from '../../patterns/contract/types/timer.ts'
import { HarnessError } from '../core/errors.ts'
import { killGroup, signalGroup, spawnChild } from '../os/child.ts'
import { dispatcher } from './http.ts'

/** A way to restart a service. Resolves when it answers again; rejects with HarnessError. */
export type Restart = () => Promise<void>

const restartLimitMs = 120_000
const startLimitMs = 60_000

/** The user's own command, for a POSIX shell: it ends the service and starts it again, and then ends itself. */
export function restartBy(command: string, url: string, signal: AbortSignal): Restart {
  return async () => {
    await carryOut(command, signal)
    await untilAnswers(url, signal, () => false)
  }
}

async function carryOut(command: string, signal: AbortSignal): Promise<void> {
  // A file: what the command leaves running may write to it for ever.
  await using output = await openNameless()
  const { fd } = output
  const child = spawn('/bin/sh', ['-c', command], { detached: true, stdio: ['ignore', fd, fd] })
  const over = AbortSignal.any([signal, timeLimit(restartLimitMs)])
  const stop = (): void => void (child.pid !== undefined && signalGroup(child.pid, 'SIGKILL'))
  over.addEventListener('abort', stop, { once: true })
  const [code, by] = (await once(child, 'exit')) as [number | null, string | null]
  over.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (code !== 0)
    throw new HarnessError(`the restart command ended with ${by ?? code}${lastLineOf(await endOf(output))}`)
}

/** A file that is in no folder any more: nothing of it stays, however this process ends. */
async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'outlast-restart-'))
  try {
    return await open(join(folder, 'output'), 'ax+')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const endBytes = 4_096

async function endOf(file: FileHandle): Promise<string> {
  const { size } = await file.stat()
  const { buffer, bytesRead } = await file.read(Buffer.alloc(endBytes), 0, endBytes, Math.max(0, size - endBytes))
  return buffer.toString('utf8', 0, bytesRead)
}

/** However much a service has printed. */
async function endOfLog(logFile: string): Promise<string> {
  await using file = await open(logFile)
  return await endOf(file)
}

function lastLineOf(text: string): string {
  const line = text.trimEnd().split('\n').at(-1) ?? ''
  return line === '' ? '' : `: ${line.slice(0, 200)}`
}

/** A service that we start, kill and start again. Disposing ends it, and all that it started. */
export interface OwnService extends AsyncDisposable {
  readonly restart: Restart
}

/** Starts it by the user's own command, for a POSIX shell, and waits for its first answer. Rejects with HarnessError. */
export async function startService(
  command: string,
  { url, logFile, signal }: { readonly url: string; readonly logFile: string; readonly signal: AbortSignal },
): Promise<OwnService> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >
  const start = async () => {
    const child = await spawnChild({ command: '/bin/sh', args: ['-c', command], env, logFile })
    try {
      await untilAnswers(url, signal, () => child.exitCode !== null || child.signalCode !== null)
      return child
    } catch (error) {
      await killGroup(child)
      throw error instanceof Ended
        ? new HarnessError(`the start command ended${lastLineOf(await endOfLog(logFile).catch(() => ''))}`)
        : error
    }
  }
  if (await isThere(url)) throw new HarnessError(`${url} answers already: what is there was not started here`)
  let child = await start()
  return {
    restart: async () => {
      await killGroup(child)
      child = await start()
    },
    [Symbol.asyncDispose]: () => killGroup(child),
  }
}

class Ended extends Error {
  override readonly name = 'Ended'
}

/** Whatever answers is there; who is in front of it and answers for it is not. */
async function untilAnswers(url: string, signal: AbortSignal, hasEnded: () => boolean): Promise<void> {
  const limit = timeLimit(startLimitMs)
  for (;;) {
    signal.throwIfAborted()
    if (await isThere(url)) return
    if (hasEnded()) throw new Ended('it ended')
    if (limit.aborted) throw new HarnessError(`${url} does not answer within ${startLimitMs / 1000} s of its start`)
    await sleep(100, signal)
  }
}

const absent: ReadonlySet<number> = new Set([502, 503, 504])

async function isThere(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(5_000)
  const answer = await request(`${url}/v1/tasks/none`, { dispatcher, signal }).catch(() => undefined)
  await answer?.body.dump().catch(() => {})
  return answer !== undefined && !absent.has(answer.statusCode)
}
