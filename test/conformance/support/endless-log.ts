import { planTask } from '../../../patterns/agent/plan.ts'
import { loadDeliveryServer } from '../../../patterns/contract/server/plugins.ts'
import type { Backend } from '../../../patterns/contract/engine/backend.ts'
import { createdEvent } from '../../../patterns/contract/engine/log.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import { listenWith, timeScale, token } from './api-node.ts'
import { closeServer } from './tool-server.ts'

export interface EndlessLog extends AsyncDisposable {
  readonly url: string
  readonly eventBytes: number
  /** Events handed out so far. */
  readonly produced: () => number
  /** Resolves when the server takes no more events for the reader, or said that it will not. */
  readonly readerCut: Promise<void>
}

/** The API of a delivery over a backend whose one task, `endless`, has events without end, each 64 KiB. */
export async function startEndlessLog(delivery: string): Promise<EndlessLog> {
  const eventBytes = 65_536
  const input = { seed: 1, profile: 'smoke', job: 'endless' }
  const created = createdEvent('endless', { type: 'agent', input }, planTask(input, timeScale), new Date())
  const event = { ...created, data: { padding: 'x'.repeat(eventBytes) } }
  let produced = 0
  const cut = Promise.withResolvers<void>()
  async function* follow(_: string, __: number, signal: AbortSignal) {
    signal.addEventListener('abort', () => cut.resolve())
    try {
      for (; !signal.aborted; produced++) yield event
    } finally {
      cut.resolve()
    }
  }
  const backend = { follow, read: async () => foldEvents([created]) } as unknown as Backend
  const listen = { host: '127.0.0.1', port: 0 }
  const settings = { node: 'api-0', listen, delivery, engine: 'none', timeScale, tuning: 'default' as const, token }
  const half = await loadDeliveryServer(delivery)
  const app = half.routes(backend, settings, new AbortController().signal)
  const { server, url } = await listenWith(app, settings, half.openSockets?.())
  return {
    url,
    eventBytes,
    produced: () => produced,
    readerCut: cut.promise,
    [Symbol.asyncDispose]: () => closeServer(server),
  }
}
