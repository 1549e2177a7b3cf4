import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { Agent } from 'undici'
import type { NodeSettings } from '../../contract/engine/backend.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import { sleep } from '../../contract/types/retry.ts'
import { reportFailure } from '../../contract/engine/log-error.ts'
import { timeoutsAt } from '../../contract/types/timeouts.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { openActivities } from './activities.ts'
import { workflowBundle } from './bundle.ts'
import { openFrontend } from './frontend.ts'
import { placeOf } from './protocol.ts'
import { timeouts } from './timeouts.ts'

/**
 * A worker: polls the server for decisions and for steps. Disposing stops the polls, gives the steps in flight a moment
 * to end, and hands the others back.
 */
export async function startWorker(settings: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const { engineUrl, toolsUrl, node, timeScale } = settings
  if (!engineUrl || !toolsUrl) throw new Error('the temporal engine needs OUTLAST_ENGINE_URL and OUTLAST_TOOLS_URL')
  const timing = timingAt(timeScale)
  const { heartbeatMs, stickyMs } = timeoutsAt(timeouts, settings)
  const dispatcher = new Agent({ connections: 128, connect: { timeout: Math.max(1000, timing.connectTimeoutMs) } })
  const place = placeOf(engineUrl)
  const frontend = openFrontend(place, timing)
  const readLog = async (taskId: string) => (await frontend.read(taskId))!.events
  const parts = { settings: { ...settings, toolsUrl }, timing, dispatcher, notify, readLog }
  failuresOnly(node)
  const connection = await connect(node, place.address)
  const worker = await Worker.create({
    connection,
    namespace: place.namespace,
    taskQueue: place.taskQueue,
    identity: node,
    workflowBundle: await workflowBundle(),
    activities: openActivities(parts),
    // A step waits for most of its time: as shipped a hundred of them would fill the worker.
    maxConcurrentActivityTaskExecutions: 1000,
    maxHeartbeatThrottleInterval: heartbeatMs,
    stickyQueueScheduleToStartTimeout: stickyMs,
    shutdownGraceTime: timing.drainMs,
  })
  // When it gives up, so does the process: whoever runs it starts it again.
  const running = worker.run()
  const health = await answerHealth(settings)
  return {
    [Symbol.asyncDispose]: async () => {
      health.close()
      if (worker.getState() === 'RUNNING') worker.shutdown()
      await running
      await Promise.all([frontend[Symbol.asyncDispose](), dispatcher.destroy(), connection.close()])
    },
  }
}

/** Until the server answers: a worker may start before it. */
async function connect(node: string, address: string): Promise<NativeConnection> {
  for (;;) {
    try {
      return await NativeConnection.connect({ address, tls: false })
    } catch (error) {
      reportFailure(node, 'connection', error)
    }
    await sleep(250, new AbortController().signal)
  }
}

/** Retries are the library's business; our log says what nobody expected. */
function failuresOnly(node: string): void {
  const logger = new DefaultLogger('WARN', ({ message, meta }) => {
    reportFailure(node, 'temporal', `${message} ${JSON.stringify(meta?.['error'] ?? meta?.['message'] ?? '')}`)
  })
  // Its own handlers would end the process before the steps have.
  Runtime.install({ logger, shutdownSignals: [] })
}
