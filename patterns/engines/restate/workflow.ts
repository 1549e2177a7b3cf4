import * as restate from '@restatedev/restate-sdk'
import type { TaskEvent } from '../../contract/events.ts'
import { isTerminal } from '../../contract/task.ts'
import type { Executor } from './executor.ts'
import {
  type Accepted,
  cancelPromise,
  eventPromise,
  type News,
  type Snapshot,
  type State,
  workflowName,
} from './protocol.ts'
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
      next: shared(asked, awaitNews),
      cancel: shared(asked, askToCancel),
    },
  })
}

async function readSnapshot(ctx: Shared): Promise<Snapshot> {
  return { log: (await ctx.get('log')) ?? [], fingerprint: await ctx.get('fingerprint') }
}

/** What follows event `after`; when there is nothing yet, it waits for the durable promise of the next event. */
async function awaitNews(ctx: Shared, { after, waitMs }: { after: number; waitMs: number }): Promise<News> {
  const log = (await ctx.get('log')) ?? []
  const last = log.at(-1)
  if (log.length > after || (last && isTerminal(last.status)))
    return { events: log.slice(after), ended: isTerminal(last!.status) }
  try {
    const event = await ctx
      .promise<TaskEvent>(eventPromise(after + 1))
      .get()
      .orTimeout(waitMs)
    return { events: [event], ended: isTerminal(event.status) }
  } catch (error) {
    if (error instanceof restate.TimeoutError) return { events: [], ended: false }
    throw error
  }
}

async function askToCancel(ctx: Shared, { time }: { time: string }): Promise<void> {
  const request = ctx.promise<string>(cancelPromise)
  if ((await request.peek()) === undefined) await request.resolve(time)
}
