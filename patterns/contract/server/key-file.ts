import { createPublicKey } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { z } from 'zod'
import { logFailure } from '../engine/log-error.ts'
import { monotonicMs } from '../types/timer.ts'

const publicKey = z
  .looseObject({ kid: z.string().min(1), kty: z.string() })
  .refine((key) => !('d' in key || 'k' in key), { error: 'a secret key: only public ones belong here', abort: true })
  .refine(isUsable, { error: 'no key, or one of RSA with less than 2048 bits (RFC 7518, 3.3)' })

const keySet = z
  .object({ keys: z.array(publicKey).min(1) })
  .refine(({ keys }) => new Set(keys.map(({ kid }) => kid)).size === keys.length, { error: 'two keys of one kid' })

/** Of another kind a set may hold whatever it likes (RFC 7517, 5): nothing is checked with it. */
function isUsable(key: { readonly kty: string }): boolean {
  if (!['OKP', 'EC', 'RSA'].includes(key.kty)) return true
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key, format: 'jwk' })
    return (asymmetricKeyDetails?.modulusLength ?? 2048) >= 2048
  } catch {
    return false
  }
}

/** Public keys, each with a `kid` of its own (RFC 7517). */
export type KeySet = z.infer<typeof keySet>

/** A file is looked at no more often, and what it says holds no later. */
const freshMs = 1000

/**
 * The keys in a JWKS file, which may be replaced at any time. It is local and small: reading it, once a second at most,
 * blocks for less than a signature takes to check.
 */
export class KeyFile {
  readonly #path: string
  readonly #node: string
  readonly #now: () => number
  #keys: KeySet
  #stamp: string
  #lookedAt: number
  #readAt: number

  /** Throws where the file holds no such keys. */
  constructor(path: string, node: string, now = monotonicMs) {
    this.#path = path
    this.#node = node
    this.#now = now
    this.#lookedAt = this.#readAt = now()
    try {
      this.#stamp = stampOf(path)
      this.#keys = readKeys(path)
    } catch (error) {
      throw new Error(`OUTLAST_JWKS_FILE: ${(error as Error).message}`, { cause: error })
    }
  }

  /** The keys as they were a second ago, or later. The same object as long as they are the same. */
  current(): KeySet {
    if (this.#now() - this.#lookedAt >= freshMs) this.#look(false)
    return this.#keys
  }

  /** Likewise, but read anew for a key that is not among them: not every file system tells of every change. */
  having(kid: string): KeySet {
    const keys = this.current()
    const isKnown = keys.keys.some((key) => key.kid === kid)
    if (!isKnown && this.#now() - this.#readAt >= freshMs) this.#look(true)
    return this.#keys
  }

  /** A file that is half written, or away for a moment, locks nobody out. The next look finds it. */
  #look(isForced: boolean): void {
    this.#lookedAt = this.#now()
    try {
      const stamp = stampOf(this.#path)
      if (stamp === this.#stamp && !isForced) return
      this.#readAt = this.#lookedAt
      const keys = readKeys(this.#path)
      if (JSON.stringify(keys) !== JSON.stringify(this.#keys)) this.#keys = keys
      this.#stamp = stamp
    } catch (error) {
      logFailure(this.#node, 'OUTLAST_JWKS_FILE, whose keys stay as they were', error)
    }
  }
}

function stampOf(path: string): string {
  return withKeyFile(path, (_, { ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`)
}

function readKeys(path: string): KeySet {
  const text = withKeyFile(path, (file) => readFileSync(file, 'utf8'))
  const parsed = keySet.safeParse(JSON.parse(text))
  if (parsed.success) return parsed.data
  throw new Error(`${path}: ${z.prettifyError(parsed.error)}`)
}

/** Thousands of keys. */
const mostBytes = 1_048_576

/** A pipe without a writer, a device, or a file without an end would stop the node that reads it, and it waits for none of them. */
function withKeyFile<T>(path: string, use: (file: number, stats: Stats) => T): T {
  // Windows has no such flag.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new Error(`${path}: it is no regular file`)
    if (stats.size > mostBytes) throw new Error(`${path}: it has more than ${mostBytes} bytes`)
    return use(file, stats)
  } finally {
    closeSync(file)
  }
}
