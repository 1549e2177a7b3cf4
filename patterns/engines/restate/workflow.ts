import * as restate from '@restatedev/restate-sdk'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import type { Executor } from './executor.ts'
import { cancelPromise, eventKey, workflowName, type Accepted, type Snapshot, type State } from './protocol.ts'
import { performTask } from './run.ts'

type Shared = restate.WorkflowSharedContext<State>
const { shared, workflow } = restate.handlers.workflow
/** Questions leave no trace in the server. */
const asked = { journalRetention: 0 }

/** One workflow per task: `run` performs it, the other handlers read its log, wait for more of it, or ask `run` to stop. */
export function taskWorkflow(executor: Executor) {
  return restate.workflow({
    name: workflowName,
    options: executor.options,
    handlers: {
      run: workflow({}, (ctx: restate.WorkflowContext<State>, accepted: Accepted) =>
        performTask(ctx, accepted, executor),
      ),
      read: shared(asked, readSnapshot),
      // It reads no state, so none is sent to it.
      event: shared({ ...asked, enableLazyState: true }, awaitEvent),
      cancel: shared(asked, askToCancel),
    },
  })
}

async function readSnapshot(ctx: Shared): Promise<Snapshot> {
  const log: TaskEvent[] = []
  for (let event = await ctx.get(eventKey(1)); event; event = await ctx.get(eventKey(log.length + 1))) log.push(event)
  return { log, fingerprint: await ctx.get('fingerprint') }
}

/** Event `seq`, as soon as there is one. */
function awaitEvent(ctx: Shared, seq: number): Promise<TaskEvent> {
  return ctx.promise<TaskEvent>(eventKey(seq)).get()
}

async function askToCancel(ctx: Shared, { time }: { time: string }): Promise<void> {
  const request = ctx.promise<string>(cancelPromise)
  if ((await request.peek()) !== undefined) return
  await withFaultPoints('restate.ask', async () => request.resolve(time))
}
