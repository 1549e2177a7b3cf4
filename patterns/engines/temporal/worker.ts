import { refuseAccounts } from '../../contract/engine/accounts.ts'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import { sleep } from '../../contract/types/timer.ts'
import { logFailure } from '../../contract/engine/log-error.ts'
import { timeoutsAt } from '../../contract/types/timeouts.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { defaultSpawnLimits } from '../../contract/engine/sub-tasks.ts'
import { openWorkplace } from '../../contract/engine/workplace.ts'
import { openActivities } from './activities.ts'
import { workflowBundle } from './bundle.ts'
import { Frontend } from './frontend.ts'
import { placeOf } from './protocol.ts'
import { timeouts } from './engine.ts'

/** Polls for decisions and steps. Disposing stops the polls, gives steps a moment to end, and hands the others back. */
export async function startWorker(own: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  refuseAccounts(own)
  const settings = withAddresses(own, 'engineUrl', 'toolsUrl')
  const { engineUrl, node } = settings
  const timing = timingAt(settings.timeScale)
  const { heartbeatMs, stickyMs } = timeoutsAt(timeouts, settings)
  const place = openWorkplace(settings, timing, 128)
  const { address, namespace, taskQueue } = placeOf(engineUrl)
  const frontend = new Frontend(placeOf(engineUrl), timing)
  const readLog = async (taskId: string) => (await frontend.read(taskId))!.events
  const isCancelled = (taskIds: readonly string[]) => frontend.hasNoted(taskIds)
  const family = { limits: settings.spawnLimits ?? defaultSpawnLimits, isCancelled }
  failuresOnly(node)
  const connection = await connect(node, address)
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    identity: node,
    workflowBundle: await workflowBundle(),
    activities: openActivities({ place, pace: settings, notify, readLog, family }),
    // A step waits for most of its time: as shipped a hundred of them would fill the worker.
    maxConcurrentActivityTaskExecutions: 1000,
    maxHeartbeatThrottleInterval: heartbeatMs,
    stickyQueueScheduleToStartTimeout: stickyMs,
    shutdownGraceTime: timing.drainMs,
  })
  // When it gives up, so does the process: its runtime starts it again.
  const running = worker.run()
  const health = await answerHealth(settings)
  return {
    [Symbol.asyncDispose]: async () => {
      health.close()
      if (worker.getState() === 'RUNNING') worker.shutdown()
      await running
      await Promise.all([frontend[Symbol.asyncDispose](), place.dispatcher.destroy(), connection.close()])
    },
  }
}

/** Until the server answers: a worker may start before it. */
async function connect(node: string, address: string): Promise<NativeConnection> {
  for (;;) {
    try {
      return await NativeConnection.connect({ address, tls: false })
    } catch (error) {
      logFailure(node, 'connection', error)
    }
    await sleep(250, new AbortController().signal)
  }
}

/** The library retries by itself; our log has unexpected failures only. */
function failuresOnly(node: string): void {
  const logger = new DefaultLogger('WARN', ({ message, meta }) => {
    logFailure(node, 'temporal', `${message} ${JSON.stringify(meta?.['error'] ?? meta?.['message'] ?? '')}`)
  })
  // Its own handlers would end the process before the steps have.
  Runtime.install({ logger, shutdownSignals: [] })
}
