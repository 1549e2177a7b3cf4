import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Limits } from '../types/settings.ts'

/** Whole and above 0, below what a timer can hold. */
const count = (byDefault: number) => z.coerce.number().int().min(1).max(2_147_483_647).default(byDefault)

/** What strangers may cost a node, as its environment says it. Real time, whatever the time scale: it is about attackers. */
export const limitsEnvironment = {
  OUTLAST_MOST_CONNECTIONS: count(20_000),
  OUTLAST_MOST_HELD: count(16_000),
  OUTLAST_HEADERS_TIMEOUT_MS: count(30_000),
  OUTLAST_BODY_TIMEOUT_MS: count(45_000),
  OUTLAST_SILENCE_TIMEOUT_MS: count(60_000),
  OUTLAST_IDLE_TIMEOUT_MS: count(620_000),
}

export function limitsOf(env: z.infer<z.ZodObject<typeof limitsEnvironment>>): Limits {
  return {
    mostConnections: env.OUTLAST_MOST_CONNECTIONS,
    mostHeld: env.OUTLAST_MOST_HELD,
    headersTimeoutMs: env.OUTLAST_HEADERS_TIMEOUT_MS,
    bodyTimeoutMs: env.OUTLAST_BODY_TIMEOUT_MS,
    silenceTimeoutMs: env.OUTLAST_SILENCE_TIMEOUT_MS,
    idleTimeoutMs: env.OUTLAST_IDLE_TIMEOUT_MS,
  }
}

export const defaultLimits: Limits = limitsOf(z.object(limitsEnvironment).parse({}))

/** A node needs some for files, its store and its tools: without them it could not even say that it is full. */
const spareDescriptors = 96

/** As many connections as the limit allows, and as this process has descriptors for. */
export function connectionsWithin({ mostConnections }: Limits, descriptors = descriptorLimit()): number {
  return Math.max(8, Math.min(mostConnections, descriptors - Math.min(spareDescriptors, descriptors >> 1)))
}

/** Of this process; where the system does not say it, more than anybody asks for. */
function descriptorLimit(): number {
  try {
    const [, most] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return most === undefined ? Infinity : Number(most)
  } catch {
    return Infinity
  }
}
