import type { Testbed, CellContext, Runtime } from '../model/runtime.ts'
import type { Service } from '../../patterns/contract/types/engine.ts'
import { whyNoPackages } from '../../servers/_kit/npm.ts'
import { describeServers, endSignalOf, serversOf } from './_shared/servers.ts'
import { deploy, loopback } from './process/deploy.ts'

/** Child processes on loopback, below the harness in priority, every connection through the embedded link server. */
const runtime: Runtime = {
  name: 'process',
  summary: 'child processes on loopback, links through the embedded proxy: no Docker, no root',
  offers: [
    'kill',
    'stop',
    'pause',
    'toxics',
    'stall',
    'refuse',
    'idle-timeout',
    'response-lost',
    'callbacks',
    'block',
    'host-files',
  ],
  probe: async () => (process.platform === 'win32' ? 'process groups and POSIX signals are needed' : undefined),
  whyNot,
  describe: describeServers,
  open: async (place) => testbed(place),
  // Processes carry the run's label in their environments, whatever runtime started them: the harness ends those itself.
  resources: async () => [],
  sweep: async () => [],
  endSignalOf,
}
export default runtime

async function whyNot(services: readonly Service[]): Promise<string | undefined> {
  const missing = whyNoPackages(services.flatMap(({ packages = [] }) => packages))
  if (missing !== undefined) return missing
  const asked = serversOf(services).map(async ({ title, service, whyNot }) =>
    service.process ? whyNot?.() : `${title} runs in containers only: use --runtime docker`,
  )
  return (await Promise.all(asked)).find((reason) => reason !== undefined)
}

function testbed(place: CellContext): Testbed {
  return {
    host: loopback,
    network: '127.0.0.0/8',
    deploy: (request, signal) => deploy({ ...place, ...request }, signal),
    [Symbol.asyncDispose]: async () => {},
  }
}
