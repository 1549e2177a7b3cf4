import { Hono, type Context } from 'hono'
import type { Backend } from '../engine/backend.ts'
import { controlOf } from '../engine/control.ts'
import { command, type Command, type CommandAck } from '../types/command.ts'
import { digestOf } from '../types/context.ts'
import type { ContextPatched, TaskEvent } from '../types/events.ts'
import { requestOf } from '../types/fold.ts'
import type { TaskScope } from '../types/scopes.ts'
import { ProblemError } from '../types/problems.ts'
import { checkedBy, limitBody, readJson } from './body.ts'
import { may, requireScopes } from './caller.ts'
import { etagOf, holdsTag, requireMatch } from './http-manners.ts'
import type { SeenBy } from './principals.ts'

/** What somebody has a running agent do, and what the agent remembers, under `/v1`. */
export function controlRoutes(seenBy: SeenBy, idPattern: string): Hono {
  const taskPath = `/tasks/:id{${idPattern}}`
  return new Hono()
    .post(`${taskPath}/commands`, limitBody, async (c) => takeCommand(c, seenBy(c)))
    .get(`${taskPath}/context`, may('tasks:read'), async (c) => sendContext(c, seenBy(c)))
}

/** What a token must allow for such a command. */
function scopeOf({ type }: Pick<Command, 'type'>): TaskScope {
  return type === 'top_up' ? 'tasks:topup' : 'tasks:steer'
}

/** A command as it came from outside, put on record, where `requireScope` throws nothing. Throws problems: then it is not, unless the problem says that nobody knows. */
export async function putCommand(
  backend: Backend,
  taskId: string,
  said: unknown,
  requireScope: (scope: TaskScope) => void,
): Promise<{ readonly wanted: Command; readonly ack: CommandAck }> {
  requireCommands(backend)
  const wanted = checkedBy(command, said)
  requireScope(scopeOf(wanted))
  const ack = await backend.command!(taskId, wanted)
  if (!ack) throw new ProblemError('not-found', `task ${taskId} is not known here`, taskId)
  return { wanted, ack }
}

/** 202 in every case: what comes of it, the log says. */
async function takeCommand(c: Context, backend: Backend): Promise<Response> {
  requireCommands(backend)
  const taskId = c.req.param('id')!
  const task = c.req.header('If-Match') === undefined ? undefined : await backend.read(taskId)
  if (task) requireMatch(c, etagOf(task), taskId)
  const { wanted, ack } = await putCommand(backend, taskId, await readJson(c), (scope) => requireScopes(c, [scope]))
  if (ack.replayed) c.header('Command-Replayed', 'true')
  c.header('Cache-Control', 'no-store')
  return c.json({ id: wanted.id, type: wanted.type, task_id: taskId, replayed: ack.replayed }, 202)
}

function requireCommands(backend: Backend): void {
  if (!backend.command) throw new ProblemError('not-supported', 'its tasks take no commands here')
}

/** The memory as it is, or what makes it of an older version. */
async function sendContext(c: Context, backend: Backend): Promise<Response> {
  const taskId = c.req.param('id')!
  const log = await requireMemory(backend, taskId)
  const patches = patchesIn(log)
  const version = patches.at(-1)?.version ?? 1
  const after = c.req.query('after')
  const base = after === undefined ? undefined : requireVersion(after, version)
  const etag = etagOf({ version })
  requireMatch(c, etag, taskId)
  c.header('ETag', etag)
  c.header('Cache-Control', 'no-store')
  if (holdsTag(c.req.header('If-None-Match') ?? '', etag, 'weakly')) return c.body(null, 304)
  if (base !== undefined) return c.json({ base, patches: patches.filter((one) => one.base >= base) })
  const context = controlOf(log).context!
  return c.json({ ...context, digest: digestOf(context) })
}

/** The log of a task that has a memory. */
async function requireMemory(backend: Backend, taskId: string): Promise<readonly TaskEvent[]> {
  const log = await backend.events(taskId, 0)
  if (!log) throw new ProblemError('not-found', `task ${taskId} is not known here`, taskId)
  if (requestOf(log).memory) return log
  throw new ProblemError('not-found', `task ${taskId} has no memory: it was submitted without`, taskId)
}

function patchesIn(log: readonly TaskEvent[]): readonly ContextPatched[] {
  return log.flatMap(({ type, data }) => (type === 'context.patch' ? [data as unknown as ContextPatched] : []))
}

/** A version that the memory had. Throws the problem `validation`, which says where the memory is. */
function requireVersion(text: string, newest: number): number {
  const version = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (version >= 1 && version <= newest) return version
  throw new ProblemError('validation', `after: "${text}" is none of its versions, which are 1 to ${newest}`)
}
