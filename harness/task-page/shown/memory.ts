import type { LoggedEvent } from './event.ts'
import { isObject, patched, type Operation } from './json-patch.ts'

/** What the agent remembers, and what it remembered before the last patch. */
export interface Memory {
  readonly version: number
  readonly document: unknown
  /** Undefined: nothing has changed yet, or nobody knows what was before. */
  readonly before: unknown
  /** What the log says that the document comes to; undefined of version 1, of which it says nothing. */
  readonly digest: string | undefined
  /** Whose patch it was: a command's id, or the step that the agent did. */
  readonly by: string
}

/** The memory after one more event. Undefined: the task has none. Throws DoesNotApply, or Error where versions are missing. */
export function memoryAfter(memory: Memory | undefined, { type, data }: LoggedEvent): Memory | undefined {
  if (type === 'task.created') return openMemory(data)
  if (type !== 'context.patch' || !memory) return memory
  const { base, version, digest, patch, command, step } = data as unknown as Patched
  // The whole document was fetched, and had this already.
  if (version <= memory.version) return memory
  if (base !== memory.version) throw new Error(`a patch of version ${base} does not continue version ${memory.version}`)
  const document = patched(memory.document, patch)
  return { version, document, before: memory.document, digest, by: command ?? `step ${step}` }
}

function openMemory(data: LoggedEvent['data']): Memory | undefined {
  const { memory } = (data['request'] ?? {}) as { readonly memory?: unknown }
  if (!isObject(memory)) return undefined
  return { version: 1, document: memory, before: undefined, digest: undefined, by: 'the submission' }
}

interface Patched {
  readonly base: number
  readonly version: number
  readonly digest: string
  readonly patch: readonly Operation[]
  readonly command?: string
  readonly step?: number
}
