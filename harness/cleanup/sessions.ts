import { join } from 'node:path'
import { z } from 'zod'
import { readOwn } from '../core/own-file.ts'
import type { Owner } from '../model/runtime.ts'
import { isHere } from '../os/label.ts'
import { sessionsFile } from '../os/sessions.ts'

/** A line has about a hundred bytes, and a run starts a few thousand processes at most. */
const maxBytes = 16 * 2 ** 20

const line = z.object({ pid: z.int().min(2), startTicks: z.string().min(1), place: z.string() })

/** Processes that led sessions of a run, as it wrote them down. What is not believed, torn or of another boot counts for nothing. */
export function readSessions(folder: string): readonly Owner[] {
  try {
    return readOwn(join(folder, sessionsFile), maxBytes).split('\n').flatMap(parse).filter(isHere)
  } catch {
    return []
  }
}

function parse(text: string): readonly Owner[] {
  try {
    return [line.parse(JSON.parse(text))]
  } catch {
    return []
  }
}
