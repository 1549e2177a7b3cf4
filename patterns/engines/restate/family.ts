import * as restate from '@restatedev/restate-sdk'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { acceptSpawned, spawnFor, type SubTasks } from '../../contract/engine/sub-tasks.ts'
import { ancestorsOf } from '../../contract/types/family.ts'
import type { SpawnLimits } from '../../contract/types/settings.ts'
import type { WorkPlan } from '../../contract/engine/workplace.ts'
import { type Accepted, familyName, workflowName } from './protocol.ts'
import type { RunLog } from './run-log.ts'

type State = { isCancelled: boolean }
type Run = Pick<restate.WorkflowContext, 'key' | 'objectClient' | 'genericSend'>

/** Whether a task is cancelled, asked at `at`, in milliseconds since 1970. */
export interface Heard {
  readonly isCancelled: boolean
  readonly at: number
}

const { exclusive, shared } = restate.handlers.object

/** An object by a task's id: it says whether somebody has asked to cancel the task, also when that has ended. */
export function familyObject() {
  return restate.object({
    name: familyName,
    options: { journalRetention: 0, enableLazyState: true },
    handlers: {
      cancel: exclusive((ctx: restate.ObjectContext<State>) =>
        withFaultPoints('restate.family-cancel', async () => ctx.set('isCancelled', true)),
      ),
      read: shared(async (ctx: restate.ObjectSharedContext<State>): Promise<Heard> => {
        const at = await ctx.date.now()
        return { at, isCancelled: (await ctx.get('isCancelled')) ?? false }
      }),
    },
  })
}
type FamilyObject = ReturnType<typeof familyObject>

/** What the run of a sub-task hears of the tasks above it. Undefined: there are none. */
export async function askAbove(ctx: Run): Promise<Heard | undefined> {
  const above = ancestorsOf(ctx.key)
  if (above.length === 0) return undefined
  const read = (id: string) => ctx.objectClient<FamilyObject>({ name: familyName }, id).read()
  const heard = await withFaultPoints('restate.ask-above', async () => restate.RestatePromise.all(above.map(read)))
  return { isCancelled: heard.some(({ isCancelled }) => isCancelled), at: Math.min(...heard.map(({ at }) => at)) }
}

/** Those of the next step: in the log first. The server starts each once, by its key, however often the run is replayed. */
export async function startSubTasks(ctx: Run, { log, plan, limits, timeScale }: Spawning): Promise<void> {
  await log.write(() => spawnFor(log, plan, limits, new Date(log.head.time)))
  if (log.head.status !== 'running') return
  const accept: SubTasks['accept'] = async ({ taskId: key, created, fingerprint }) => {
    const parameter: Accepted = { created, fingerprint }
    const inputSerde = restate.serde.json as restate.Serde<Accepted>
    ctx.genericSend({ service: workflowName, method: 'run', key, parameter, inputSerde })
  }
  await acceptSpawned({ accept }, log.events[0]!, log, timeScale)
}

interface Spawning {
  readonly log: RunLog
  readonly plan: WorkPlan
  readonly limits: SpawnLimits
  readonly timeScale: number
}
