import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { HarnessError } from '../core/errors.ts'
import { entryPath, killGroup, type OnLost, spawnChild, watchChild } from '../os/child.ts'

export interface GatewayPlace {
  /** Where it listens: an address of this machine that executors reach. */
  readonly host: string
  /** Where what is granted goes on to, `host:port`. */
  readonly tools: string
  /** The secret of the API nodes' grants. */
  readonly grantKey: string
  /** Its log goes into `logs` there. */
  readonly folder: string
  readonly onLost?: OnLost
}

/**
 * The tool gateway (`patterns/gateway.ts`) between executors and the tool server, in a process of its own. It is no node: no
 * fault takes it down, but what lies before it, `worker->tools`, is a link like any other.
 */
export async function openGateway(place: GatewayPlace): Promise<AsyncDisposable & { readonly address: string }> {
  const { host, tools, grantKey, folder, onLost = () => {} } = place
  const logFile = join(folder, 'logs', 'gateway.log')
  const env = {
    OUTLAST_NODE: 'gateway-0',
    OUTLAST_HOST: host,
    OUTLAST_PORT: '0',
    OUTLAST_GRANT_KEY: grantKey,
    OUTLAST_TOOLS_URL: `http://${tools}`,
    OUTLAST_PARENT_PIPE: '1',
  }
  const args = [entryPath('../../patterns/gateway', import.meta.url)]
  const child = await spawnChild({ command: process.execPath, args, env, logFile, stdout: 'pipe', nice: 2 })
  const lines = createInterface({ input: child.stdout! })
  const gone = once(child, 'exit').then(() => [''])
  const [said] = (await Promise.race([once(lines, 'line'), gone])) as [string]
  lines.close()
  const [, address] = / at http:\/\/(\S+)$/.exec(said) ?? []
  if (address === undefined) throw new HarnessError(`the tool gateway ended while it was starting; see ${logFile}`)
  const watched = watchChild(child, { what: 'the tool gateway', logFile, onLost })
  return {
    address,
    [Symbol.asyncDispose]: async () => {
      watched[Symbol.dispose]()
      await killGroup(child, 'SIGTERM')
    },
  }
}
