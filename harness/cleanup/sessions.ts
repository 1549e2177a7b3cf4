import { join } from 'node:path'
import { z } from 'zod'
import { readOwn } from '../core/own-file.ts'
import type { Owner } from '../model/runtime.ts'
import { isHere } from '../os/label.ts'
import { sessionsFile } from '../os/sessions.ts'

/** A line has about a hundred bytes, and a run starts a few thousand processes at most. */
const maxBytes = 16 * 2 ** 20

const pid = z.int().min(2)
const line = z.union([z.object({ pid, startTicks: z.string().min(1), place: z.string() }), z.object({ ended: pid })])

/**
 * Processes that led sessions of a run, as it wrote them down, without those that ended and left nobody. What is not believed, torn
 * or of another boot counts for nothing.
 */
export function readSessions(folder: string): readonly Owner[] {
  const open = new Map<number, Owner>()
  for (const one of linesOf(folder)) {
    if ('ended' in one) open.delete(one.ended)
    else open.set(one.pid, one)
  }
  return [...open.values()].filter(isHere)
}

function linesOf(folder: string): readonly z.infer<typeof line>[] {
  try {
    return readOwn(join(folder, sessionsFile), maxBytes).split('\n').flatMap(parse)
  } catch {
    return []
  }
}

function parse(text: string): readonly z.infer<typeof line>[] {
  try {
    return [line.parse(JSON.parse(text))]
  } catch {
    return []
  }
}
