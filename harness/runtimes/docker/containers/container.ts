import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Container, ContainerInspectInfo } from 'dockerode'
import { HarnessError } from '../../../core/errors.ts'
import type { OnLost } from '../../../os/heed.ts'

/** One container as we want it. */
export interface BoxSpec {
  readonly image: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Its own place in the cell's network, or the namespace of another container. */
  readonly network: { readonly name: string; readonly address: string } | { readonly joins: string }
  readonly env?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  /** It keeps none of the kernel's but these, and can gain none. */
  readonly capabilities?: readonly string[]
  /** Instead of the image's. */
  readonly user?: string
  /** Folders in memory that it may write: all else of its image is read-only. Without them it may write everywhere. */
  readonly writable?: readonly string[]
  readonly memoryBytes: number
  readonly cpus: number
  readonly logFile: string
  /** Content by path: there before it starts. */
  readonly files?: Readonly<Record<string, string>>
}

/** A container that runs, and what the daemon can be asked about it. */
export interface Box {
  readonly container: Container
  readonly spec: BoxSpec
}

const engine = async () => {
  const { getContainerRuntimeClient } = await import('testcontainers')
  return getContainerRuntimeClient()
}

/** Make and start a container. It is not waited for: who knows what it does, knows when it is ready. */
export async function startBox(spec: BoxSpec): Promise<Box> {
  const { ConfiguredContainer } = await import('./configured-container.ts')
  const started = await new ConfiguredContainer(spec).start()
  const container = (await engine()).container.getById(started.getId())
  await followLog({ container, spec })
  return { container, spec }
}

/**
 * Start a container of the harness's own, which is to live until it is disposed of. `onLost` hears when it ends before: what
 * is measured through it then says nothing about anybody.
 */
export async function startHelper(spec: BoxSpec, onLost: OnLost = () => {}): Promise<Box & AsyncDisposable> {
  const box = await startBox(spec)
  let isWanted = true
  const ended = (how: string): void => {
    const { name, logFile } = spec
    if (isWanted) onLost(new HarnessError(`the container ${name} ended while it was needed (${how}); see ${logFile}`))
  }
  box.container.wait().then(
    ({ StatusCode }: { StatusCode: number }) => ended(`exit code ${StatusCode}`),
    () => ended('it is gone'),
  )
  return {
    ...box,
    [Symbol.asyncDispose]: async () => {
      isWanted = false
      await removeBox(box)
    },
  }
}

/** Start a container that has ended, as the same one. */
export async function restartBox(box: Box): Promise<void> {
  const since = Math.floor(Date.now() / 1000)
  await box.container.start()
  await followLog(box, since)
}

/** Resolves with its standard output; rejects with what it said when it fails. */
export async function execIn(container: Container, command: readonly string[]): Promise<string> {
  const { output, stdout, exitCode } = await (await engine()).container.exec(container, [...command])
  if (exitCode !== 0) throw new HarnessError(`${command[0]} in a container failed (${exitCode}): ${output.trim()}`)
  return stdout
}

/** End it at once and take away all that it had. One that is gone is fine. */
export async function removeBox({ container }: Box): Promise<void> {
  await container.remove({ force: true, v: true }).catch((error: { statusCode?: number }) => {
    // 404: gone; 409: somebody is removing it already.
    if (error.statusCode !== 404 && error.statusCode !== 409) throw error
  })
}

export async function stateOf({ container }: Box): Promise<ContainerInspectInfo['State']> {
  return (await container.inspect()).State
}

/** What it writes goes to its log file, through all its lives. */
async function followLog({ container, spec }: Box, since?: number): Promise<void> {
  await mkdir(dirname(spec.logFile), { recursive: true })
  const client = await engine()
  const log: Readable = await client.container.logs(container, { ...(since !== undefined && { since }) })
  // What cannot be written is lost: a log must not end a run.
  pipeline(log, createWriteStream(spec.logFile, { flags: 'a' })).catch(() => {})
}
