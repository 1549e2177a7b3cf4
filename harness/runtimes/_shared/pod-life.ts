import { HarnessError } from '../../core/errors.ts'
import { lastWords, portTakenWords } from '../../os/log-tail.ts'
import { type IsOurs, PortTaken, type Readiness, waitUntilReady } from '../../os/readiness.ts'

const crashLoopCap = 6
/** In restart delays: Kubernetes waits 10 s and forgets after 10 min. */
const steadyAfter = 60
/** A node that is not ready by then is not going to be. */
const startLimitMs = 60_000

/**
 * How long to wait before a node that ended by itself is started again, by how long it had lived: doubles with every crash in
 * a row, as an orchestrator's crash-loop backoff does; a long life ends the row.
 */
export function countCrashes(restartDelayMs: number): (livedMs: number) => number {
  let crashes = 0
  return (livedMs) => {
    if (livedMs > steadyAfter * restartDelayMs) crashes = 0
    return restartDelayMs * 2 ** Math.min(crashes++, crashLoopCap)
  }
}

/**
 * Resolves when a node that was started can do its work. Rejects with its log's name when it ends before, or never can; with
 * PortTaken when that is because somebody else has its port.
 */
export async function becomeReady(
  node: {
    readonly name: string
    readonly logFile: string
    /** The log is gone when the error is read. */
    readonly isTransient?: true
    readonly ready: Readiness
    readonly ended: Promise<unknown>
    readonly isOurs?: IsOurs
  },
  signal: AbortSignal,
): Promise<void> {
  const { name, ready, ended, isOurs } = node
  const limit = AbortSignal.timeout(startLimitMs)
  const probed = waitUntilReady(ready, AbortSignal.any([signal, limit]), isOurs).catch(async (error: unknown) => {
    if (error instanceof PortTaken) throw new PortTaken(`${name}: ${error.message}`)
    if (!limit.aborted) throw error
    throw await startFailure(`${name} was not ready within ${startLimitMs / 1000} s`, node)
  })
  const isReady = await Promise.race([probed, ended.then(() => false)])
  if (isReady) return
  const failure = await startFailure(`${name} ended while it was starting`, node)
  const taken = await portTakenWords(node.logFile)
  throw taken === undefined ? failure : new PortTaken(`${name} could not have its port: ${taken}`)
}

async function startFailure(
  what: string,
  { logFile, isTransient }: { readonly logFile: string; readonly isTransient?: true },
): Promise<HarnessError> {
  const said = await lastWords(logFile)
  const where = isTransient ? '' : ` (${logFile})`
  return new HarnessError(`${what}${said === undefined ? '' : `: ${said}`}${where}`)
}
