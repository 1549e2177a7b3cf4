import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { monotonicMs, sleep } from '../../../patterns/contract/types/timer.ts'
import type { NodeHarm } from '../../model/runtime.ts'
import { entryPath } from '../../os/child.ts'

/** Where the orders of a cell lie. */
export async function blockEnvironment(temp: string): Promise<Readonly<Record<string, string>>> {
  const folder = join(temp, 'block')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const blocker = pathToFileURL(entryPath('./blocker', import.meta.url)).href
  return { OUTLAST_BLOCK: folder, NODE_OPTIONS: `--import=${blocker}` }
}

/** Nodes answer a signal within milliseconds; a starved one may take longer. */
const answerLimitMs = 5_000
const pollMs = 5

/**
 * Keeps the event loop of a node of ours busy: one that has `blockEnvironment`. The evidence is empty where it does not say that it
 * stands still. It goes on when it is healed, and by itself after `expiresMs`.
 */
export async function blockEventLoop(pid: number, folder: string, expiresMs: number): Promise<NodeHarm> {
  const order = join(folder, String(pid))
  await Promise.all(['.began', '.ended'].map((suffix) => rm(order + suffix, { force: true })))
  await writeFile(order, String(monotonicMs() + expiresMs))
  process.kill(pid, 'SIGUSR2')
  const sinceMs = await timeIn(`${order}.began`)
  const heal = async (): Promise<void> => {
    await rm(order, { force: true })
    // A node that was ended meanwhile says nothing any more.
    if (sinceMs !== undefined && isAlive(pid)) await timeIn(`${order}.ended`)
  }
  if (sinceMs === undefined) return { evidence: {}, heal }
  return { sinceMs, evidence: { pid, blocked: true }, felt: () => feltSince(order, sinceMs, pid), heal }
}

/** It was felt as long as it holds: no timer, no request and no answer of the node gets its turn. */
async function feltSince(order: string, sinceMs: number, pid: number) {
  const endedMs = await readTime(`${order}.ended`)
  const blockedMs = Math.round((endedMs ?? monotonicMs()) - sinceMs)
  return {
    times: endedMs === undefined && isAlive(pid) ? 1 : 0,
    evidence: { pid, blocked: endedMs === undefined, blockedMs },
  }
}

async function timeIn(file: string): Promise<number | undefined> {
  for (const limitMs = monotonicMs() + answerLimitMs; monotonicMs() < limitMs; await sleep(pollMs)) {
    const ms = await readTime(file)
    if (ms !== undefined) return ms
  }
  return undefined
}

/** Undefined before it is there, and while it is being written. */
async function readTime(file: string): Promise<number | undefined> {
  const ms = Number(await readFile(file, 'utf8').catch(() => ''))
  return ms > 0 ? ms : undefined
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
