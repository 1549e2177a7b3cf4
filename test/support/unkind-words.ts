import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal, type Task } from '../../patterns/contract/types/task.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'

/** What is changed in the bodies of a server, the same in every channel. */
export interface Rewriting {
  /** Names of actions, in place of the server's own, in turn. */
  readonly words?: readonly string[]
  /** Every character of more than one byte comes in two pieces. */
  readonly splitUtf8?: boolean
  /** The terminal event carries something of this size. */
  readonly artifactBytes?: number
  /** The pieces in which a stream is written; as it comes by default. */
  readonly pieceBytes?: number
  /** At the head of every stream, before what the server sends. */
  readonly preface?: string
  /** In a socket, before each event. */
  readonly chatter?: readonly string[]
  /** `retry:` in place of the server's own. */
  readonly retryMs?: number
  /** The log is kept from this place on: what would begin before it begins with `stream.reset`. */
  readonly keptFrom?: number
}

export function rewritesBodies({ words, artifactBytes }: Rewriting): boolean {
  return words !== undefined || artifactBytes !== undefined
}

/** A task, or a page of events. Anything else stays what it is. */
export function rewriteJson(text: Buffer, how: Rewriting): Buffer {
  if (text.length === 0) return text
  const value = parsed(text) as (Partial<Task> & { events?: TaskEvent[] }) | undefined
  if (value?.events) return bytes({ ...value, events: value.events.map((event) => rewriteEvent(event, how)) })
  if (!value?.current_action) return text
  return bytes({ ...value, current_action: renamed(value.current_action, how) })
}

export function rewriteEvent(event: TaskEvent, how: Rewriting): TaskEvent {
  const { next } = event.data as { next?: { name: string; step: number } | null }
  const data = {
    ...event.data,
    ...(next && { next: renamed(next, how) }),
    ...(how.artifactBytes !== undefined && isTerminal(event.status) && { artifact: 'x'.repeat(how.artifactBytes) }),
  }
  return { ...event, data }
}

function renamed<T extends { readonly step: number }>(action: T, { words }: Rewriting): T {
  return words ? { ...action, name: words[action.step % words.length] } : action
}

/** An event stream, line by line: what a server sends without an empty line after it must not wait. Resolves when it has ended. */
export async function rewriteStream(from: IncomingMessage, to: ServerResponse, how: Rewriting): Promise<void> {
  if (how.preface !== undefined) to.write(how.preface)
  const kept = how.keptFrom === undefined ? undefined : keepingFrom(how.keptFrom, 'event: stream.reset\ndata: {}')
  const keep = kept && ((frame: string) => kept(seqIn(frame), frame).map((one) => `${one}\n\n`))
  let rest = ''
  from.setEncoding('utf8')
  for await (const chunk of from as AsyncIterable<string>) {
    const lines = (rest + chunk).split(keep ? '\n\n' : '\n')
    rest = lines.pop()!
    const whole = (keep ? lines.flatMap(keep) : lines.map((line) => `${rewriteLine(line, how)}\n`)).join('')
    if (whole !== '') await write(to, Buffer.from(whole), how)
  }
}

/** What is sent in the place of what has this place in the log: nothing before that from which the log is kept, and first a reset. */
export function keepingFrom<T>(first: number, reset: T): (seq: number | undefined, sent: T) => readonly T[] {
  let wasReset = false
  return (seq, sent) => {
    if (seq === undefined || seq >= first) return [sent]
    if (wasReset) return []
    wasReset = true
    return [reset]
  }
}

function seqIn(frame: string): number | undefined {
  const [, seq] = /^id: ?(\d+)$/m.exec(frame) ?? []
  return seq === undefined ? undefined : Number(seq)
}

function rewriteLine(line: string, how: Rewriting): string {
  if (line.startsWith('retry:') && how.retryMs !== undefined) return `retry: ${how.retryMs}`
  if (!line.startsWith('data:')) return line
  const value = JSON.parse(line.slice(5)) as Partial<TaskEvent>
  // `stream.reset` is no event of the task.
  return value.data ? `data: ${JSON.stringify(rewriteEvent(value as TaskEvent, how))}` : line
}

/** In pieces that arrive on their own: each waits for the one before to be on its way. */
async function write(to: ServerResponse, text: Buffer, how: Rewriting): Promise<void> {
  for (const piece of piecesOf(text, how)) {
    if (!to.write(piece) && !to.destroyed)
      await new Promise((resolve) => to.once('drain', resolve).once('close', resolve))
    if (piece.length < text.length) await sleep(2)
  }
}

function piecesOf(text: Buffer, { splitUtf8, pieceBytes = text.length }: Rewriting): Buffer[] {
  const cuts = new Set([0])
  for (let at = pieceBytes; at < text.length; at += pieceBytes) cuts.add(at)
  // The first byte of a character stays with what precedes it.
  if (splitUtf8) for (const [i, byte] of text.entries()) if (byte >= 0xc0) cuts.add(i + 1)
  const starts = [...cuts].toSorted((a, b) => a - b)
  return starts.map((start, i) => text.subarray(start, starts[i + 1]))
}

function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString())
  } catch {
    return undefined
  }
}

function bytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
