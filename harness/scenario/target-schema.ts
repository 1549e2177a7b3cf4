import { z } from 'zod'
import { nodeRoles } from '../../patterns/contract/types/engine.ts'
import { promises, type Promised } from '../../patterns/contract/types/promises.ts'
import { targetStates } from '../model/target.ts'
import { composeShape } from './compose.ts'
import { describe, section } from './problems.ts'
import { positiveDuration } from './units.ts'

const variable = z.string().regex(/^[A-Za-z_]\w*$/, { error: 'the name of a variable: A-Z, 0-9 and _' })
const texts = z.record(variable, z.coerce.string())
const headerName = z
  .string()
  .regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: ({ input }) => `${describe(input)} is no name of a header` })
const headerText = z.string().regex(/^[\t\x20-\x7e]*$/, { error: 'a header has visible ASCII characters only' })
/** As YAML has it: true and 200 are words, too. */
const word = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const command = z
  .array(z.string(), {
    error: ({ input }) => `${describe(input)} is no command; write a list: [python3, service.py, '{port}']`,
  })
  .min(1)
/** `POST /jobs`; `GET {id}` where the id is an address. */
export const requestLine = z.string().regex(/^(?:(?:GET|POST|PUT|PATCH) )?\/\S*$|^(?:GET )?\{id\}\S*$/, {
  error: ({ input }) => `${describe(input)} is no request; write POST /jobs, or GET /jobs/{id}`,
})
const jsonPath = z
  .string()
  .regex(/^\$/, { error: ({ input }) => `${describe(input)} is no JSONPath; write one such as $.result` })
const portCount = z.int().min(1).max(65_535)

/** Links lead to a host and a port, and what else is in an address would be left out; a password would be written down. */
function isHostAlone(text: string): boolean {
  if (!URL.canParse(text)) return true
  const { pathname, search, hash, username, password } = new URL(text)
  return pathname === '/' && search + hash + username + password === ''
}

/** What runs as one kind of node. Exactly one of the first four. */
const programShape = {
  start: command.optional().describe('A command, one process group per replica; {port} is where it is to listen'),
  image: z.string().min(1).optional().describe('A container image (--runtime docker)'),
  server: z.string().min(1).optional().describe('A server of outlast that can be a store, for role store'),
  url: z
    .url({ protocol: /^http$/, error: 'write an address such as http://127.0.0.1:8080' })
    .refine(isHostAlone, { error: 'write host and port alone: http://127.0.0.1:8080; paths are those of api.submit' })
    .optional()
    .describe('It runs already'),
  command: command.optional().describe('With image: instead of its own'),
  port: portCount.optional().describe('With image: where it listens; 8080 unless given'),
  kill: command.optional().describe('With url: takes it down as SIGKILL would'),
  restart: command.optional().describe('With url: brings it back'),
  env: texts.default({}).describe('Its environment, beside PATH and HOME'),
  passEnv: z
    .array(variable)
    .default([])
    .describe('Variables of yours that it gets too; their values are written nowhere'),
  ready: z
    .string()
    .regex(/^\/|^(?:tcp|none)$/, { error: 'write a path that answers 200, tcp or none' })
    .optional()
    .describe('A path that answers 200; tcp: it accepts connections; none: it runs'),
}

export const dialled = z.enum(['api', 'worker', 'engine', 'store', 'tools'])
const processShape = section({
  ...programShape,
  replicas: z.int().min(1).max(64).optional().describe('How many; 1 unless given'),
  dials: z
    .array(dialled)
    .default([])
    .describe('What it connects to; each is a link that faults act on: {store}, {api}, {tools}'),
})

export const mappingShape = section({
  submit: requestLine.describe('POST /jobs'),
  status: requestLine
    .optional()
    .describe('GET /jobs/{id}; GET {id} where the id is an address. None: only callbacks tell'),
  headers: z.record(headerName, headerText).default({ authorization: 'Bearer {token}' }).describe('Of every request'),
  body: z
    .unknown()
    .optional()
    .describe('With {key}, {callback} and {input} in its texts; the input alone unless given'),
  key: headerName
    .optional()
    .describe('Header that carries the key of a task; none: what is in doubt is not sent again'),
  id: z
    .union([jsonPath, section({ header: headerName })], { error: 'write a JSONPath, or header: location' })
    .default('$.id')
    .describe('Where the id of an accepted task is'),
  state: jsonPath.default('$.status').describe('Where the state is'),
  states: section(
    Object.fromEntries(
      targetStates.map((state) => [state, z.array(word).default([]).describe(`The service's words for ${state}`)]),
    ),
  ).describe('Its words for the states of a task; any other word is a task that still runs'),
  callback: section({ id: jsonPath.default('$.id'), state: jsonPath.default('$.status') })
    .optional()
    .describe('Where they are in a callback'),
})

const workShape = section({
  type: z.string().default('agent').describe('Type of the task, where the service speaks the task API'),
  input: z
    .record(z.string(), z.unknown())
    .default({ job: '{key}' })
    .describe('What is submitted; {key} and {seed} differ by task'),
  takes: positiveDuration.describe('How long one task takes at best'),
  steps: z.int().min(1).default(1).describe('How many effects each posts to {tools}'),
  right: z
    .string()
    .regex(/^\$/, { error: 'write a JSONPath, or $.path == JSON' })
    .optional()
    .describe(
      'What the last document of a task has: a JSONPath that finds something, or path == JSON; {key} is the task’s',
    ),
})

const ourPromises = Object.keys(promises) as [Promised, ...Promised[]]

export const targetShape = section({
  ...programShape,
  ...composeShape,
  processes: z.partialRecord(z.enum(nodeRoles), processShape).optional().describe('Several kinds of node, by role'),
  cwd: z.string().default('.').describe('Where commands start, from the folder of this file'),
  replicas: z.partialRecord(z.enum(nodeRoles), z.int().min(1).max(64)).default({}).describe('Nodes per role'),
  client: z.string().default('polling').describe('How its client waits: a delivery of outlast list deliveries'),
  sticky: z.boolean().default(false).describe('A task is known to the replica alone that accepted it'),
  api: mappingShape.optional().describe('Its API, where it is not the task API'),
  adapter: z.string().optional().describe('The same as a TypeScript file: outlast/adapter'),
  work: workShape,
  promises: z.array(z.enum(ourPromises)).default([]).describe('What it is held to'),
  patience: positiveDuration
    .optional()
    .describe(
      'The shortest silence after which one of its processes takes another for dead: a lease, a limit of heartbeats',
    ),
  durable: z.boolean().default(false).describe('Accepted tasks outlive its processes'),
})
export type Written = z.output<typeof targetShape>
export type WrittenProgram = Pick<Written, keyof typeof programShape>
