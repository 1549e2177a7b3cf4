import { hash } from 'node:crypto'
import { applyPatch, type Operation } from 'rfc6902'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import type { Target } from './case.ts'
import { Breach, must, mustBe, show } from './expect.ts'
import { mustBeFresh } from './headers.ts'
import { mustHaveStatus, send, type Reply, type SendOptions } from './http.ts'
import { isPosition } from '../../patterns/contract/types/task.ts'
import { pathOf } from './tasks.ts'

/** What an agent remembers at a version. */
export interface Snapshot {
  readonly version: number
  readonly digest: string
  readonly document: object
}

/** What one event says of a memory. */
interface Patched {
  readonly base: number
  readonly version: number
  readonly digest: string
  readonly patch: readonly Operation[]
}

export function readContext(target: Target, taskId: string, query = '', options: SendOptions = {}): Promise<Reply> {
  return send(target, `${pathOf(taskId)}/context${query}`, options)
}

/** The memory as it is; its digest is that of the document. */
export async function readSnapshot(target: Target, taskId: string): Promise<Snapshot> {
  const reply = await readContext(target, taskId)
  mustHaveStatus('the memory', reply, 200)
  mustBeFresh('the memory', reply.headers)
  const { version, digest, document } = reply.json ?? {}
  const isDocument = typeof document === 'object' && document !== null && !Array.isArray(document)
  if (!isPosition(version) || !isDocument)
    throw new Breach(`a memory has a version and a document; got ${show(reply.text)}`, { exchange: reply.exchange })
  mustBe(`the digest of version ${version}`, digest, digestOf(document))
  return { version, digest: digest as string, document }
}

/** Every version of a memory as its log makes it: each patch continues the one before, and comes to the digest that it says. */
export function foldMemory(first: object, events: readonly TaskEvent[]): readonly Snapshot[] {
  const versions: Snapshot[] = [{ version: 1, digest: digestOf(first), document: first }]
  for (const { seq, type, data } of events) {
    if (type !== 'context.patch') continue
    const { base, version, digest, patch } = patchIn(data, seq)
    const last = versions.at(-1)!
    mustBe(`base and version of event ${seq}`, [base, version], [last.version, last.version + 1])
    const document = patched(last.document, patch, seq)
    mustBe(`the digest of event ${seq}`, digest, digestOf(document))
    versions.push({ version, digest, document })
  }
  return versions
}

/** The patches of a log, as `?after=` shows them. */
export function patchesIn(events: readonly TaskEvent[]): readonly Patched[] {
  return events.flatMap(({ seq, type, data }) => (type === 'context.patch' ? [patchIn(data, seq)] : []))
}

/** Of an answer to `?after=`: what the contract names of each. */
export function patchesOf(reply: Reply): readonly Patched[] {
  const list = reply.json?.['patches']
  if (!Array.isArray(list)) throw new Breach(`an answer to ?after has a list "patches"; got ${show(reply.text)}`)
  return list.map((one: unknown) => patchIn(one as TaskEvent['data'], undefined))
}

function patchIn(data: TaskEvent['data'], seq: number | undefined): Patched {
  const { base, version, digest, patch } = data as Partial<Record<keyof Patched, unknown>>
  const isWhole = isPosition(base) && isPosition(version) && typeof digest === 'string' && Array.isArray(patch)
  must(
    isWhole,
    `${seq === undefined ? 'a patch' : `event ${seq}`} has base, version, digest and patch; got ${show(data)}`,
  )
  return { base, version, digest, patch: patch as readonly Operation[] }
}

function patched(document: object, patch: readonly Operation[], seq: number): object {
  const next = structuredClone(document)
  try {
    const wrong = applyPatch(next, [...patch]).findIndex((error) => error !== null)
    if (wrong < 0) return next
    throw new Breach(`operation ${wrong + 1} of event ${seq} does not apply: ${show(patch[wrong])}`)
  } catch (error) {
    if (error instanceof Breach) throw error
    throw new Breach(`the patch of event ${seq} is none: ${show(patch)}`, { cause: error })
  }
}

/** SHA-256 of the canonical JSON (RFC 8785). Not the servers' own: what judges them must not share their faults. */
function digestOf(document: object): string {
  return hash('sha256', canonical(document), 'hex')
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const names = Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1))
  const members = names.map((name) => `${JSON.stringify(name)}:${canonical((value as Record<string, unknown>)[name])}`)
  return `{${members.join(',')}}`
}
