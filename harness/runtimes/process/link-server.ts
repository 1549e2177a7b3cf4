import { join } from 'node:path'
import type { DeployRequest, CellContext } from '../../model/runtime.ts'
import { killGroup, readFirstLine, spawnChild } from '../../os/child.ts'
import { entryPath } from '../../os/entry.ts'
import { heedChild } from '../../os/heed.ts'

/** Start the embedded link server in a process of its own; disposing ends it, and every fault on it with it. */
export async function startLinkServer(
  request: CellContext & DeployRequest,
): Promise<AsyncDisposable & { readonly url: string }> {
  const logFile = join(request.folder, 'logs', 'links.log')
  const child = await spawnChild({
    command: process.execPath,
    args: [
      entryPath('../../links/embedded/main', import.meta.url),
      '--listen',
      '127.0.0.1:0',
      '--evidence',
      join(request.folder, 'evidence.ndjson'),
      '--seed',
      String(request.seed),
    ],
    env: request.env,
    logFile,
    stdout: 'pipe',
    nice: 2,
  })
  const { listening } = await readFirstLine<{ listening: string }>(child, 'the link server', logFile)
  const { lost: onLost = () => {} } = request
  const heeded = heedChild(child, { what: 'the link server', logFile, onLost })
  return {
    url: listening,
    [Symbol.asyncDispose]: async () => {
      heeded[Symbol.dispose]()
      await killGroup(child, 'SIGTERM')
    },
  }
}
