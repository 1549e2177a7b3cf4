import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Container as Handle, ContainerInspectInfo } from 'dockerode'
import { monotonicMs } from '../../../../patterns/contract/types/timer.ts'
import { describeError, HarnessError } from '../../../core/errors.ts'
import type { ContainerSpec } from './configured-container.ts'
import type { Ending } from '../../_shared/pod.ts'
import type { OnLost } from '../../../os/child.ts'

/** A container that runs, and by which the daemon can be asked about it. */
export interface Container {
  readonly handle: Handle
  readonly spec: ContainerSpec
}

// Imported where they are needed: they take longer to load than all of the rest.
const client = async () => (await import('testcontainers')).getContainerRuntimeClient()

/** Make and start a container. It is not waited for: who knows what it does, knows when it is ready. */
export async function startContainer(spec: ContainerSpec): Promise<Container> {
  const { ConfiguredContainer } = await import('./configured-container.ts')
  const started = await new ConfiguredContainer(spec).start().catch(async (error: unknown) => {
    // It may have been made, and not have started.
    await removeContainer({ handle: (await client()).container.getById(spec.name) })
    throw new HarnessError(`the container ${spec.name} could not be started: ${reasonOf(error)}`)
  })
  const handle = (await client()).container.getById(started.getId())
  await followLog({ handle, spec })
  return { handle, spec }
}

/** Start a container of the harness's own. `onLost` hears when it ends before it is disposed of. */
export async function startHelper(
  spec: ContainerSpec,
  onLost: OnLost = () => {},
): Promise<Container & AsyncDisposable> {
  const container = await startContainer(spec)
  let isWanted = true
  const ended = (how: string): void => {
    const { name, logFile } = spec
    if (isWanted) onLost(new HarnessError(`the container ${name} ended while it was needed (${how}); see ${logFile}`))
  }
  container.handle.wait().then(
    ({ StatusCode }: { StatusCode: number }) => ended(`exit code ${StatusCode}`),
    () => ended('it is gone'),
  )
  return {
    ...container,
    [Symbol.asyncDispose]: async () => {
      isWanted = false
      await removeContainer(container)
    },
  }
}

export async function restartContainer(container: Container): Promise<void> {
  const since = Math.floor(Date.now() / 1000)
  await container.handle.start()
  await followLog(container, since)
}

/** Resolves with its standard output; rejects with what it said when it fails. */
export async function execIn({ handle }: Container, command: readonly string[]): Promise<string> {
  const { output, stdout, exitCode } = await (await client()).container.exec(handle, [...command])
  if (exitCode !== 0) throw new HarnessError(`${command[0]} in a container failed (${exitCode}): ${output.trim()}`)
  return stdout
}

/** End it at once and take away all that it had. One that is gone is fine. */
export async function removeContainer({ handle }: Pick<Container, 'handle'>): Promise<void> {
  await handle.remove({ force: true, v: true }).catch((error: { statusCode?: number }) => {
    // 404: gone; 409: it is being removed already.
    if (error.statusCode !== 404 && error.statusCode !== 409) throw error
  })
}

/** The daemon's sentence, without what it says of its own parts. */
function reasonOf(error: unknown): string {
  const { json } = error as { readonly json?: { readonly message?: string } }
  const [said] = (json?.message ?? describeError(error)).split('\n') as [string]
  return said.replace(/^.*unable to start container process: /, '').replaceAll('\\"', '"')
}

export async function stateOf({ handle }: Pick<Container, 'handle'>): Promise<ContainerInspectInfo['State']> {
  return (await handle.inspect()).State
}

/**
 * Resolves when it has ended, with when that was. The daemon takes away its network before it tells: that takes a tenth of
 * a second, and more on a busy machine.
 */
export async function endingOf(container: Pick<Container, 'handle'>): Promise<Ending> {
  const bornMs = monotonicMs()
  const status = container.handle.wait().then(({ StatusCode }: { StatusCode: number }) => StatusCode)
  // Taken away while it ran: that is an end as well.
  const code = await status.catch(() => 137)
  const [toldMs, now] = [monotonicMs(), Date.now()]
  const finishedAt = await stateOf(container).then(
    ({ FinishedAt }) => Date.parse(FinishedAt),
    () => NaN,
  )
  const endedMs = toldMs - (now - finishedAt)
  return { code, signal: signalOf(code), ...(endedMs > bornMs && endedMs < toldMs && { endedMs }) }
}

/** 128 and the signal's number is how the daemon reports an end by a signal. */
function signalOf(code: number): string | null {
  return code === 137 ? 'SIGKILL' : code === 143 ? 'SIGTERM' : null
}

/** What it writes goes to its log file, through all its lives. */
async function followLog({ handle, spec }: Container, since?: number): Promise<void> {
  await mkdir(dirname(spec.logFile), { recursive: true })
  const log: Readable = await (await client()).container.logs(handle, { ...(since !== undefined && { since }) })
  // What cannot be written is lost: a log must not end a run.
  pipeline(log, createWriteStream(spec.logFile, { flags: 'a' })).catch(() => {})
}
