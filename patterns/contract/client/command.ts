import { askUntilAnswered } from './ask.ts'
import { commonHeaders, jsonOf, taskAddress, type Answer } from './http.ts'
import type { Talk } from './talk.ts'
import type { Command, CommandAck } from '../types/command.ts'
import type { Memory } from '../types/context.ts'
import { isPosition } from '../types/task.ts'

/**
 * Send a command until it is acknowledged: its id makes every repetition the same one. Resolves when it is on record; what
 * comes of it, the task's log says. Rejects as `askUntilAnswered` does.
 */
export async function sendCommand(talk: Talk, taskId: string, command: Command): Promise<CommandAck> {
  const body = JSON.stringify(command)
  return askUntilAnswered(talk, {
    operation: 'command',
    call: (url) => {
      const headers = { ...commonHeaders(talk), 'content-type': 'application/json' }
      return { method: 'POST', url: `${taskAddress(url, taskId)}/commands`, headers, body }
    },
    take: (answer) => ackIn(answer, command),
  })
}

/** What an agent remembers at a version. */
export interface ContextSnapshot {
  readonly version: number
  /** Of the document: SHA-256 in hexadecimal of its canonical JSON. */
  readonly digest: string
  readonly document: Memory
}

/** The memory of a task's agent as it is. Rejects as `askUntilAnswered` does: with `gone` also for an agent that has none. */
export async function readContext(talk: Talk, taskId: string): Promise<ContextSnapshot> {
  return askUntilAnswered(talk, {
    operation: 'read',
    call: (url) => ({ method: 'GET', url: `${taskAddress(url, taskId)}/context`, headers: commonHeaders(talk) }),
    take: snapshotIn,
    isCertain: false,
  })
}

function ackIn(answer: Answer, { id }: Command): CommandAck | undefined {
  const said = fieldsOf(answer)
  return said['id'] === id ? { replayed: said['replayed'] === true } : undefined
}

function snapshotIn(answer: Answer): ContextSnapshot | undefined {
  const { version, digest, document } = fieldsOf(answer)
  if (!isPosition(version) || typeof digest !== 'string') return undefined
  const isObject = typeof document === 'object' && document !== null && !Array.isArray(document)
  return isObject ? { version, digest, document: document as Memory } : undefined
}

/** Of the JSON document in a success; none where there is none. */
function fieldsOf(answer: Answer): Readonly<Record<string, unknown>> {
  const value = answer.status >= 200 && answer.status < 300 ? jsonOf(answer) : undefined
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
