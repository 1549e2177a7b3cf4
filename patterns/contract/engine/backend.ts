import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { AccountStore } from './accounts.ts'
import type { CallbackDelivery, DeliveryStatus, Notify } from '../types/callback.ts'
import type { Command, CommandAck } from '../types/command.ts'
import type { TaskEvent } from '../types/events.ts'
import type { NodeSettings } from '../types/settings.ts'
import type { Task, TaskRequest } from '../types/task.ts'
import type { Engine } from '../types/engine.ts'

/** A submission as the API hands it to an engine. `key` is the client's idempotency key. */
export interface Submission {
  readonly key: string
  /** SHA-256 of the canonical request: the same key with another fingerprint is refused. */
  readonly fingerprint: string
  readonly request: TaskRequest
  /** Absent: there is one principal, and nobody checks what a task uses. */
  readonly access?: TaskAccess
}

/** Whose a task is to be, and which tools it may use. It goes into the task's first event. */
export interface TaskAccess {
  readonly principal: string
  /** Their names; `*`: every one. */
  readonly tools: readonly string[]
  /** The grant of the task that gets this id (`types/grant.ts`). Absent: no gateway asks for any. */
  readonly mint?: (taskId: string, acceptedAt: Date) => string
}

/**
 * The one port between the two axes: a delivery's server talks to a `Backend` and to nothing else of an engine.
 * A task is its event log: `read` is the fold of `events`.
 */
export interface Backend extends AsyncDisposable {
  /**
   * Accept a task: when this resolves, the engine holds it as durably as it ever will, so the API may answer 202.
   * The same key gives the same task (`replayed`). Throws the problem `idempotency-key-reused` for another fingerprint.
   */
  submit(submission: Submission): Promise<{ readonly task: Task; readonly replayed: boolean }>
  /** The task now, or undefined when this engine does not know it. */
  read(taskId: string): Promise<Task | undefined>
  /** Events with `seq > after`, gapless and in order; undefined for an unknown task. */
  events(taskId: string, after: number): Promise<readonly TaskEvent[] | undefined>
  /**
   * Events with `seq > after` as they happen, gapless and in order, ending after the terminal event.
   * Attaches before it reads the log, so that none is lost in between. Ends quietly on abort or for an unknown task.
   */
  follow(taskId: string, after: number, signal: AbortSignal): AsyncIterable<TaskEvent>
  /** Ask for cancellation; resolves with the task as it is then; undefined when unknown. Idempotent. */
  cancel(taskId: string): Promise<Task | undefined>
  /**
   * Put a command for the agent on record; when this resolves, it is durable and in order, and its answer follows in the log.
   * The same id and body is the same command. Undefined for an unknown task. Throws the problems `command-id-reused`,
   * `task-ended`, `validation`. Absent: this engine takes no commands.
   */
  command?(taskId: string, command: Command): Promise<CommandAck | undefined>
  /** Absent: what becomes of a callback is known to the engine alone. */
  readonly deliveries?: Deliveries
  /** Absent: nobody's tasks are paid from a balance here. */
  readonly accounts?: ShownAccounts
}

/** What the API shows of accounts, and adds to them. */
export type ShownAccounts = Pick<AccountStore, 'read' | 'topUp'>

/** The callbacks that an engine keeps on record. */
export interface Deliveries {
  /** Those of a task, none before it has ended; undefined for an unknown task. */
  ofTask(taskId: string): Promise<readonly CallbackDelivery[] | undefined>
  /** Up to `most`, of this status or of any, by task id from the first after `after` on; with `principal` of its tasks alone. */
  list(filter: {
    readonly status?: DeliveryStatus
    readonly principal?: string
    readonly after: string
    readonly most: number
  }): Promise<readonly CallbackDelivery[]>
  /**
   * Ask for one attempt beside the schedule, which goes on as it is. Asked again before it was made, it is made once.
   * False: the task owes no callback, or not yet.
   */
  replay(taskId: string): Promise<boolean>
}

/** `backend.ts` of an engine. Runs in the API node. */
export interface BackendModule {
  openBackend(settings: NodeSettings, notify: Notify): Promise<Backend>
}

/** `worker.ts` of an engine whose executor is a node of its own. */
export interface WorkerModule {
  startWorker(settings: NodeSettings, notify: Notify): Promise<AsyncDisposable>
}

const engines = new URL('../../engines/', import.meta.url)
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

/** What opens an engine's backend: in its folder, or the module that the settings name. */
export async function loadBackend(node: {
  readonly engine: string
  readonly backend?: string | undefined
}): Promise<BackendModule> {
  const module = node.backend === undefined ? await engineModule(node.engine, 'backend') : pathToFileURL(node.backend)
  return (await import(module.href)) as BackendModule
}

export async function loadWorker(engine: string): Promise<WorkerModule> {
  return (await import((await engineModule(engine, 'worker')).href)) as WorkerModule
}

/**
 * The address of a module in an engine's folder. A variant has the modules of the engine that declares it, and its name begins
 * with the name of that engine: `queue-memo` is in `queue`. Throws when there is no engine of this name.
 */
export async function engineModule(name: string, file: 'backend' | 'worker'): Promise<URL> {
  const parts = /^[a-z][a-z0-9-]*$/.test(name) ? name.split('-') : []
  for (let length = parts.length; length > 0; length--) {
    const folder = parts.slice(0, length).join('-')
    const declaration = new URL(`${folder}/engine.${extension}`, engines)
    if (!existsSync(declaration)) continue
    const { default: engine } = (await import(declaration.href)) as { readonly default: Engine }
    if ([engine, ...(engine.variants ?? [])].some((one) => one.name === name))
      return new URL(`${folder}/${file}.${extension}`, engines)
  }
  throw new Error(`there is no engine "${name}" in patterns/engines`)
}
