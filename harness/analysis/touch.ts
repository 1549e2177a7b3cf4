import type { Execution } from './executions.ts'
import type { Place } from '../model/place.ts'
import { mayBe, overlap, roleOf, type Span } from './places.ts'
import { lifeEndOf, type TaskTrace } from './trace.ts'

/** What must be known of a cell to say where its clients' requests went. */
export interface Routes {
  /** Tasks live in the API node that accepted them, and their clients stay with it. */
  readonly sticky: boolean
  /** API nodes; undefined where no plan says. */
  readonly apis: number | undefined
  /** Clients hear of the end by a callback: between their submission and that they need not be connected. */
  readonly callbacks: boolean
  /** They may hear of it so, whether or not any callback ever came. */
  readonly called: boolean
  /** API nodes execute steps, and share the tasks. */
  readonly worksInApi: boolean
}

/**
 * Whether what happened to a node or a link during `window`, which overlaps the task's life, could have touched the task.
 * - A node that executes steps: the task ran there at the onset or during the window. A task without any effect so far
 *   may have been in its first step anywhere: it counts, unless its first effect shows that it started elsewhere or later.
 * - An API node: a request or a stream of the task was on the way to it, or it had just accepted the task. Where tasks live
 *   in the API node that accepted them, also all that it accepted.
 * - A node of the role `store` or `engine`: always. The link from the engine to one worker: as that worker.
 * - A link between clients and one API node: a request or a stream of the task was on it.
 * - The link to the receiver, where clients are called back: a callback of the task was due or on its way. The link to the tools: a call was.
 * - Any other link: always, since leases, heartbeats and progress of a task under way are on it.
 */
export function isTouched(place: Place, task: TaskTrace, window: Span, routes: Routes): boolean {
  if ('link' in place) return isLinkTouched(place.link, task, window, routes)
  const { node } = place
  const role = roleOf(node)
  if (role === 'store' || role === 'engine') return true
  if (role === 'api' && (livesIn(node, task, window, routes) || requestedFrom(node, task, window, routes))) return true
  const executes = role === 'worker' || (role === 'api' && routes.worksInApi)
  return ranOn(node, task, window) || (executes && mayHaveStartedOn(task, window))
}

function isLinkTouched(link: string, task: TaskTrace, window: Span, routes: Routes): boolean {
  if (link.startsWith('client->')) return requestedFrom(link.slice('client->'.length), task, window, routes)
  if (link.startsWith('sender->receiver')) return routes.called && meets(callbackSpan(task), window)
  if (link.startsWith('worker->tools')) return calledTools(task, window)
  if (link.startsWith('engine->worker'))
    return ranOn(link.slice('engine->'.length), task, window) || mayHaveStartedOn(task, window)
  return true
}

/** Real milliseconds. Who accepts a task may answer before all is written down: that is what kills just after it are for. */
const acceptingMs = 250

/** Its fate was in this API node: throughout where nobody else knows it, else for a moment after the answer. */
function livesIn(api: string, task: TaskTrace, window: Span, { sticky }: Routes): boolean {
  if (sticky) return submittedThrough(api, task)
  return task.submits.some(({ type, at, value }) => {
    return type === 'ok' && value.api?.endsWith(api) === true && meets([at, at + acceptingMs], window)
  })
}

function submittedThrough(api: string, { submits }: TaskTrace): boolean {
  return submits.some(({ value }) => value.api?.endsWith(api))
}

/** One of the task's own requests or streams was on the way to this API node. */
function requestedFrom(api: string, task: TaskTrace, window: Span, routes: Routes): boolean {
  const alone = routes.apis === 1
  const any = alone || !routes.sticky
  return (
    submitted(api, task, window) ||
    held(api, task, window, routes) ||
    (task.streams.length > 0 && streamed(api, task, window, any)) ||
    (task.polls.length > 0 && (any || submittedThrough(api, task)) && polled(task, window))
  )
}

/** A task of which no submission is known may have gone anywhere. */
function submitted(api: string, task: TaskTrace, window: Span): boolean {
  if (task.submits.length === 0) return true
  let begunAt: number | undefined
  for (const { type, at, value } of task.submits) {
    const here = value.api === undefined || value.api.endsWith(api)
    if (type === 'invoke') begunAt = at
    else if (here && meets([begunAt ?? at, at], window)) return true
    if (type !== 'invoke') begunAt = undefined
  }
  const last = task.submits.at(-1)!
  const open = last.type === 'invoke' && (last.value.api === undefined || last.value.api.endsWith(api))
  return open && meets([last.at, lifeEndOf(task)], window)
}

/** Of a client that neither polled nor streamed, and waits for no callback, it is not known when it was connected. */
function held(api: string, task: TaskTrace, window: Span, { callbacks }: Routes): boolean {
  const silent = !callbacks && task.polls.length === 0 && task.streams.length === 0
  return silent && submittedThrough(api, task) && meets([task.submits[0]!.at, lifeEndOf(task)], window)
}

/** The first stream is on the node that accepted the task; where replicas share tasks, a later one may be on any. */
function streamed(api: string, task: TaskTrace, window: Span, any: boolean): boolean {
  const first = task.streams[0]!.at
  const broken = task.streams.find(({ value }) => value.state !== 'open')?.at ?? lifeEndOf(task)
  const accepted = task.submits.findLast(({ type }) => type === 'ok')
  const here = !accepted?.value.api || accepted.value.api.endsWith(api)
  if (here && meets([first, broken], window)) return true
  return (any || here) && meets([broken, lifeEndOf(task)], window)
}

/** A read that never came back was not recorded: it may have been under way when the client gave up. */
function polled(task: TaskTrace, window: Span): boolean {
  for (const { at, value } of task.polls) if (meets([at - value.waitedMs, at], window)) return true
  return task.end?.type !== 'ok' && meets([task.polls.at(-1)!.at, lifeEndOf(task)], window)
}

/** From the end of the work until a callback was accepted, or the client knew or gave up; undefined: none was due. */
function callbackSpan(task: TaskTrace): Span | undefined {
  const accepted = task.callbacks.find(({ value }) => value.httpStatus < 300)
  const first = task.callbacks[0]?.at
  const doneAt = isWorkDone(task) ? lastEffectEnd(task) : first
  if (doneAt === undefined) return undefined
  return [Math.min(doneAt, first ?? doneAt), accepted?.at ?? Math.max(doneAt, lifeEndOf(task))]
}

/** A step calls the tools at its end, and is not done before it is answered. */
function calledTools(task: TaskTrace, window: Span): boolean {
  for (const { at, value } of task.effects) if (meets([value.endedAt, Math.max(at, value.endedAt)], window)) return true
  return !isWorkDone(task) && meets([lastEffectEnd(task) ?? task.intent.intendedAt, lifeEndOf(task)], window)
}

/** Every planned step has left an effect. */
export function isWorkDone({ effects, intent }: TaskTrace): boolean {
  if (effects.length < intent.steps) return false
  if (effects.length === intent.steps && effects.every(({ value }, i) => value.step === i + 1)) return true
  return new Set(effects.map(({ value }) => value.step)).size >= intent.steps
}

/** When the last effect ended, of those that are known. */
export function lastEffectEnd({ effects }: TaskTrace): number | undefined {
  let latest: number | undefined
  for (const { value } of effects) if (latest === undefined || value.endedAt > latest) latest = value.endedAt
  return latest
}

/** As `overlap`, and an instant at the window's beginning meets it too. */
function meets(span: Span | undefined, window: Span): boolean {
  return span !== undefined && span[0] < window[1] && window[0] <= span[1]
}

function ranOn(node: string, task: TaskTrace, window: Span): boolean {
  const { executions } = task
  let latest: (typeof executions)[number] | undefined
  for (const one of executions) {
    if (mayBe(node, one.executor) && overlap([one.startedAt, one.endedAt], window)) return true
    // The latest attempt: one that was taken away may still be at work when that has begun.
    if (one.endedAt <= window[0] && (!latest || isLater(one, latest))) latest = one
  }
  return latest !== undefined && mayBe(node, latest.executor)
}

type Attempted = Pick<Execution, 'attempt' | 'endedAt'>

function isLater(one: Attempted, other: Attempted): boolean {
  return one.attempt > other.attempt || (one.attempt === other.attempt && one.endedAt > other.endedAt)
}

function mayHaveStartedOn(task: TaskTrace, window: Span): boolean {
  const first = task.executions[0]
  if (!first) return true
  return first.startedAt > window[0] && first.attempt > 1
}
