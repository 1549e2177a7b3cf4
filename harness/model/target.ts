import { z } from 'zod'
import { nodeRoles } from '../../patterns/contract/types/engine.ts'
import { promised } from './promised.ts'
import { count, optional, stored, type Stored } from './stored.ts'

/** States that a service of somebody else's is mapped to. */
export const targetStates = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const
export type TargetState = (typeof targetStates)[number]

const texts = z.record(z.string(), z.string())

/** A request of an API, as a mapping writes it. */
const requestLine = stored({ method: z.enum(['GET', 'POST', 'PUT', 'PATCH']), path: z.string() })

/** Where something is in an answer: a JSONPath (RFC 9535) of its body, or a header. */
const whereFound = z.union([stored({ path: z.string() }), stored({ header: z.string() })])
export type WhereFound = Stored<typeof whereFound>

/** An API described: requests with placeholders, and where the parts of a task are in what comes back. */
const mapping = stored({
  submit: requestLine,
  /** Absent: nobody can ask, and only a callback tells. */
  status: optional(requestLine),
  headers: texts,
  /** With placeholders; absent: the input of the work. */
  body: optional(z.unknown()),
  /** The header that carries the key of a job; absent: the API has none, and a submission in doubt is not repeated. */
  key: optional(z.string()),
  id: whereFound,
  state: z.string(),
  /** State by the service's own word; a word that is not here is a task that still runs. */
  states: z.record(z.string(), z.enum(targetStates)),
  callback: optional(stored({ id: z.string(), state: z.string() })),
})
export type Mapping = Stored<typeof mapping>

/** How its API is spoken to: outlast's own, one that is described, or one that a file of the user's translates. */
const speech = z.union([
  stored({ kind: z.literal('task-api') }),
  stored({ kind: z.literal('mapping'), mapping }),
  /** `sha256` of its text: another text is another target. */
  stored({ kind: z.literal('adapter'), file: z.string(), sha256: z.string() }),
])
export type Speech = Stored<typeof speech>

/** What runs as a node. Commands and variables have placeholders: `{port}`, `{data}`... */
const program = z.union([
  stored({ kind: z.literal('start'), command: z.array(z.string()), cwd: z.string() }),
  stored({
    kind: z.literal('image'),
    image: z.string(),
    command: optional(z.array(z.string())),
    port: count,
    /** Instead of the image's: its entry point, its user, and where it starts. */
    entrypoint: optional(z.array(z.string())),
    user: optional(z.string()),
    workdir: optional(z.string()),
  }),
  /** A server that outlast knows. */
  stored({ kind: z.literal('server'), server: z.string() }),
  /** It runs already. The commands take it down, and bring it back. */
  stored({
    kind: z.literal('url'),
    url: z.string(),
    cwd: z.string(),
    kill: optional(z.array(z.string())),
    restart: optional(z.array(z.string())),
  }),
])

const targetProcess = stored({
  role: z.enum(nodeRoles),
  program,
  /** Absent: as many as the scenario says. */
  replicas: optional(count),
  dials: z.array(z.enum([...nodeRoles, 'tools', 'receiver'])),
  env: texts,
  /** Names of variables that it gets from whoever starts the run. Their values are written nowhere. */
  passEnv: z.array(z.string()),
  /** Roles by the names under which a container looks for them. */
  hosts: optional(z.record(z.string(), z.enum(nodeRoles))),
  /** Names of volumes by where a container has them: empty at the start of a cell, and the same for all that name them. */
  volumes: optional(z.record(z.string(), z.string())),
  /** A path that answers 200; `tcp`: it accepts connections; `none`: it runs. */
  ready: z.string(),
})
export type TargetProcess = Stored<typeof targetProcess>

/** Durations in the task's world: milliseconds. */
const work = stored({
  type: z.string(),
  /** With placeholders, as every text in it. */
  input: z.record(z.string(), z.unknown()),
  takesMs: z.number().positive(),
  steps: count,
  /** What the last document of a task has, with placeholders: a JSONPath that finds something, or `path == JSON`. Absent: any is right. */
  right: optional(z.string()),
})

/** A service under test that is not outlast's own, as its scenario describes it. */
export const targetSchema = stored({
  name: z.string(),
  /** The delivery whose client waits for the outcome. */
  client: z.string(),
  speech,
  processes: z.array(targetProcess).min(1),
  work,
  promises: z.array(promised),
  durable: z.boolean(),
  /** The shortest silence after which one of its processes takes another for dead. Absent: nobody said. */
  patienceMs: optional(z.number().positive()),
  /** Tasks live in one process: clients stay with the replica that accepted theirs. */
  sticky: z.boolean(),
})
export type Target = Stored<typeof targetSchema>
