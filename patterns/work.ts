/**
 * An executor node of the engine that the environment names (`contract/server/settings.ts`). `GET /healthz` answers 200
 * on the node's own port once it takes work. SIGTERM: takes no more, hands over what it holds, exits 0. What its
 * starter may ask for beside that: `contract/server/starter.ts`.
 */
import { loadDeliveryServer, openNotify } from './contract/server/plugins.ts'
import { loadWorker } from './contract/engine/backend.ts'
import { logError } from './contract/engine/log-error.ts'
import { readSettings } from './contract/server/settings.ts'
import { heedStarter } from './contract/server/starter.ts'
import { timingAt } from './contract/types/timing.ts'

await heedStarter(({ OUTLAST_ENGINE: engine = '', OUTLAST_DELIVERY: delivery = '' }) =>
  Promise.all([loadWorker(engine), loadDeliveryServer(delivery)]),
)
const settings = readSettings(process.env)
process.on('uncaughtException', (error) => {
  logError(settings.node, 'process', error)
  process.exit(1)
})

const { startWorker } = await loadWorker(settings.engine)
const worker = await startWorker(settings, await openNotify(settings))
process.once('SIGTERM', () => void drain(worker))

async function drain(worker: AsyncDisposable): Promise<void> {
  // A database or engine that cannot be reached must not hold up the exit: leases run out by themselves.
  setTimeout(leave, Math.max(2000, 2 * timingAt(settings.timeScale).drainMs))
  await Promise.resolve(worker[Symbol.asyncDispose]()).catch((error: unknown) =>
    logError(settings.node, 'drain', error),
  )
  leave()
}

function leave(): void {
  process.exit(0)
}
