import { DBOS } from '@dbos-inc/dbos-sdk'
import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { openAccounts } from '../../contract/engine/accounts.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import { foldEvents, requestOf } from '../../contract/types/fold.ts'
import { openWorkplace } from '../../contract/engine/workplace.ts'
import { openAccountStore } from '../_postgres/accounts.ts'
import { openStore, type Store, createTables, type Statement } from '../_postgres/store.ts'
import { openSubTasks } from '../_postgres/sub-tasks.ts'
import { announcing, journalReader } from './journal.ts'
import { libraryUrl, prepareDatabase } from './database.ts'
import { supervised, timingOf, supervisedTimeouts } from './engine.ts'
import { application, failuresOnly, serializer } from './protocol.ts'
import { openMailbox, workflowHasEnded } from './mailbox.ts'
import { registerWorkflows, type WorkflowParts } from './workflow.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { monotonicMs, sleep } from '../../contract/types/timer.ts'
import { logError } from '../../contract/engine/log-error.ts'
import { storeTimingAt } from '../../contract/engine/store-timeouts.ts'
import { type Pace, timeoutsAt } from '../../contract/types/timeouts.ts'

/**
 * An executor of the library, named as its node: when that comes back under its name, it recovers what it had. Disposing
 * takes nothing more, and gives what is in hand a moment to end; the rest stays with this name. The supervised variant beats
 * from before its first claim until after its last, so that no other one takes what it has.
 */
export async function startWorker(own: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const settings = withAddresses(own, 'storeUrl', 'toolsUrl')
  const { storeUrl, node } = settings
  const timing = timingOf(settings)
  await prepareDatabase({ node, storeUrl, timing }, Infinity)
  // Not disposed where the start fails: the process ends then, also when no database answers.
  const stack = new AsyncDisposableStack()
  const store = stack.use(openStore({ url: storeUrl, timing, connections: 2, patienceMs: Infinity }))
  const mailbox = stack.use(openMailbox({ store, storeUrl, timing }))
  const accounts = await openAccounts(settings, (given) => openAccountStore(store, given, workflowHasEnded))
  const place = { ...openWorkplace(settings, timing, 128), mailbox, accounts, family: openSubTasks(store, settings) }
  stack.defer(() => place.dispatcher.destroy())
  const inHand = new Map<string, string>()
  registerWorkflows({ place, inHand, announce: announcing(store), post: posting(store, notify) })
  DBOS.setConfig({
    name: application.name,
    applicationVersion: application.version,
    executorID: node,
    systemDatabaseUrl: libraryUrl({ storeUrl, timing }),
    serializer,
    logger: failuresOnly(node),
    // They have run, one process at a time.
    runMigrations: false,
  })
  if (settings.engine === supervised.name) stack.use(await supervise(settings, inHand))
  // It claims from here on.
  await DBOS.launch()
  stack.defer(() => DBOS.shutdown({ workflowCompletionTimeoutMS: timing.drainMs }))
  stack.adopt(await answerHealth(settings), async (health) => void health.close())
  return stack
}

function posting(store: Store, notify: Notify): WorkflowParts['post'] {
  const readJournal = journalReader(store)
  return async (taskId, earlier) => {
    const { events } = (await readJournal(taskId))!
    return notify({ task: foldEvents(events), url: requestOf(events).delivery!.webhook_url, earlier })
  }
}

const table = `
  create table if not exists outlast_executor (executor_id text primary key, alive_until timestamptz not null)`

const beat: Statement = {
  name: 'beat',
  text: `
    insert into outlast_executor values ($1, now() + $2 * interval '1 ms')
    on conflict (executor_id) do update set alive_until = excluded.alive_until`,
}

const leave: Statement = {
  name: 'leave',
  text: 'update outlast_executor set alive_until = now() where executor_id = $1',
}

/**
 * Back into the queue, as the library does at its launch for its own name: what silent executors had, and what is claimed
 * for this one ($1) since longer than $3 without being in hand ($2), as the answer to the claim was lost.
 * One statement: the public pair of listing and resuming would revive a workflow that is cancelled between the two.
 */
const handBack: Statement = {
  name: 'hand_back',
  text: `
    update dbos.workflow_status w
    set status = 'ENQUEUED', owner_xid = null, started_at_epoch_ms = null,
      updated_at = (extract(epoch from now()) * 1000)::bigint
    where w.status = 'PENDING' and w.queue_name is not null and case
      when w.executor_id = $1
      then w.workflow_uuid <> all($2::text[]) and w.started_at_epoch_ms < extract(epoch from now()) * 1000 - $3
      else not exists (
        select from outlast_executor e where e.executor_id = w.executor_id and e.alive_until > now()
      )
    end`,
}

/** Beats until disposed, and then leaves: the next executor that beats hands its workflows back. */
export async function supervise(
  { node, storeUrl, ...pace }: Pick<NodeSettings, 'node'> & Pace & { readonly storeUrl: string },
  inHand: ReadonlyMap<string, string>,
): Promise<AsyncDisposable> {
  const store = openStore({ url: storeUrl, timing: storeTimingAt(pace), connections: 1, patienceMs: Infinity })
  await createTables(store, 'executors', table)
  const { silenceMs, beatMs } = timeoutsAt(supervisedTimeouts, pace)
  const pulse = openPulse(store, { node, silenceMs, inHand })
  await pulse()
  const closing = new AbortController()
  const beating = repeat(() => pulse().catch((error: unknown) => logError(node, 'heartbeat', error)))
  async function repeat(act: () => Promise<void>): Promise<void> {
    for (; !closing.signal.aborted; await sleep(beatMs, closing.signal).catch(() => {})) await act()
  }
  return {
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('the executor leaves'))
      await beating
      await withFaultPoints('dbos-supervised.leave', () => store.query(leave, [node]))
      await store[Symbol.asyncDispose]()
    },
  }
}

/** One heartbeat. After an outage all executors seem dead and are alive: none is given up for another silence. */
export function openPulse(
  store: Pick<Store, 'query'>,
  { node, silenceMs, inHand }: { node: string; silenceMs: number; inHand: ReadonlyMap<string, string> },
  nowMs: () => number = monotonicMs,
): () => Promise<void> {
  let beatAt = nowMs()
  let judgesFrom = -Infinity
  return async () => {
    await withFaultPoints('dbos-supervised.beat', () => store.query(beat, [node, silenceMs]))
    const now = nowMs()
    if (now - beatAt > silenceMs) judgesFrom = now + silenceMs
    beatAt = now
    const judge = () => store.query(handBack, [node, [...inHand.values()], silenceMs])
    if (now >= judgesFrom) await withFaultPoints('dbos-supervised.hand-back', judge)
  }
}
