import { createHmac, sign, timingSafeEqual, verify } from 'node:crypto'
import type { WebhookKey } from './keys.ts'

/** A message as it is signed: the very bytes that travel, never an object that would be serialised again. */
export interface SignedMessage {
  readonly id: string
  /** Seconds since 1970: of this attempt, not of the event. */
  readonly timestampS: number
  readonly body: Buffer
}

/** Headers as whoever read the request gives them: names in any case, and a list for what must not be one. */
export type MessageHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** Not from whom it claims to be, not of now, or not what was sent. The message says which, and nothing of the key. */
export class ForgedMessage extends Error {
  override readonly name = 'ForgedMessage'
}

/** Common to all libraries of the standard. Clocks are real at every time scale. */
const toleranceS = 300
/** During a rotation there are two. Each one costs a verification, and strangers may send as many as they like. */
const mostSignatures = 16
/** Without dots: they separate id, timestamp and body in what is signed. */
const idPattern = /^[\x21-\x2d\x2f-\x7e]{1,256}$/

/** The three headers of Standard Webhooks 1.0.0: one signature per key, so that old and new overlap in a rotation. */
export function signMessage(message: SignedMessage, keys: readonly WebhookKey[]): Record<string, string> {
  if (!idPattern.test(message.id)) throw new RangeError(`webhook-id ${JSON.stringify(message.id)}`)
  const content = signedContent(message.id, String(message.timestampS), message.body)
  const signatures = keys.map((key) => `${key.scheme},${signatureOf(content, key).toString('base64')}`)
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestampS),
    'webhook-signature': signatures.join(' '),
  }
}

/**
 * The message's id, when one signature is that of one of the keys and its time is within five minutes of `nowS`.
 * Throws ForgedMessage otherwise.
 */
export function verifyMessage(
  headers: MessageHeaders,
  body: Buffer,
  keys: readonly WebhookKey[],
  nowS: number,
): string {
  const id = headerOf(headers, 'webhook-id', idPattern)
  const timestamp = headerOf(headers, 'webhook-timestamp', /^\d{1,11}$/)
  const signatures = headerOf(headers, 'webhook-signature', /^[\x20-\x7e]+$/).split(' ')
  if (Math.abs(nowS - Number(timestamp)) > toleranceS) throw new ForgedMessage('webhook-timestamp is not of now')
  if (signatures.length > mostSignatures) throw new ForgedMessage('webhook-signature is too long')
  const content = signedContent(id, timestamp, body)
  if (signatures.some((signature) => keys.some((key) => isSignature(signature, content, key)))) return id
  throw new ForgedMessage('webhook-signature is of no key known here')
}

function signedContent(id: string, timestamp: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body])
}

function signatureOf(content: Buffer, { scheme, key }: WebhookKey): Buffer {
  return scheme === 'v1' ? createHmac('sha256', key).update(content).digest() : sign(null, content, key)
}

/** Versions that this code does not know are skipped: a sender may add one before its receivers can read it. */
function isSignature(signature: string, content: Buffer, { scheme, key }: WebhookKey): boolean {
  if (!signature.startsWith(`${scheme},`)) return false
  const bytes = Buffer.from(signature.slice(scheme.length + 1), 'base64')
  if (scheme === 'v1a') return bytes.length === 64 && verify(null, content, key, bytes)
  return bytes.length === 32 && timingSafeEqual(bytes, signatureOf(content, { scheme, key }))
}

function headerOf(headers: MessageHeaders, name: string, pattern: RegExp): string {
  const values = Object.entries(headers).flatMap(([key, value]) => (key.toLowerCase() === name ? [value] : []))
  const [value] = values.length > 1 ? [values] : values
  if (typeof value === 'string' && pattern.test(value)) return value
  throw new ForgedMessage(value === undefined ? `${name} is missing` : `${name} is malformed`)
}
