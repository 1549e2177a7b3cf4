import { createPrivateKey, createPublicKey, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

/** Scheme of a signature by its name in the header: HMAC-SHA256 or ed25519. */
export type Scheme = 'v1' | 'v1a'

/** What signs, or what verifies: the same key for `v1`, the two halves of a pair for `v1a`. */
export interface WebhookKey {
  readonly scheme: Scheme
  readonly key: KeyObject
}

/** What precedes the 32 bytes of an ed25519 key in the encodings that node:crypto reads (RFC 8410). */
const privateHeader = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicHeader = Buffer.from('302a300506032b6570032100', 'hex')

/** A sender's key: `whsec_` (shared secret) or `whsk_` (ed25519). Throws RangeError, which never quotes the key. */
export function readSigningKey(text: string): WebhookKey {
  if (text.startsWith('whsec_')) return sharedKey(decode(text, 'whsec_'))
  if (text.startsWith('whsk_')) return { scheme: 'v1a', key: privateKey(decode(text, 'whsk_')) }
  throw new RangeError('a signing key begins with whsec_ or whsk_')
}

/** A receiver's key: `whsec_` (shared secret) or `whpk_` (ed25519). Throws RangeError, which never quotes the key. */
export function readVerifyingKey(text: string): WebhookKey {
  if (text.startsWith('whsec_')) return sharedKey(decode(text, 'whsec_'))
  if (text.startsWith('whpk_')) return { scheme: 'v1a', key: publicKey(decode(text, 'whpk_')) }
  throw new RangeError('a verifying key begins with whsec_ or whpk_')
}

/**
 * The secret that callbacks are signed with, derived from the token that client and server share already. So no side has
 * to store, transfer or register it, and every replica has it. It is of no address: between sender and receiver a proxy
 * may end TLS, change the host or rewrite the path, and an address has many spellings.
 */
export function endpointKey(token: string): WebhookKey {
  return sharedKey(Buffer.from(hkdfSync('sha256', token, '', 'outlast webhook', 32)))
}

/** A shared key as its owner is shown it. */
export function showSecret({ key }: WebhookKey): string {
  return `whsec_${key.export().toString('base64')}`
}

function sharedKey(secret: Buffer): WebhookKey {
  if (secret.length < 24 || secret.length > 64) throw new RangeError('whsec_: 24 to 64 bytes')
  return { scheme: 'v1', key: createSecretKey(secret) }
}

/** 32 bytes are the seed. Some tools write 64, the seed and its public key. */
function privateKey(bytes: Buffer): KeyObject {
  if (bytes.length !== 32 && bytes.length !== 64) throw new RangeError('whsk_: 32 or 64 bytes')
  const der = Buffer.concat([privateHeader, bytes.subarray(0, 32)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  if (bytes.length === 64 && !publicKey(bytes.subarray(32)).equals(createPublicKey(key)))
    throw new RangeError('whsk_: the public half is not that of the seed')
  return key
}

function publicKey(bytes: Buffer): KeyObject {
  if (bytes.length !== 32) throw new RangeError('whpk_: 32 bytes')
  return createPublicKey({ key: Buffer.concat([publicHeader, bytes]), format: 'der', type: 'spki' })
}

/** Strict: `Buffer.from` would skip what is no base64, and so make another key of a damaged one. */
function decode(text: string, prefix: string): Buffer {
  const base64 = text.slice(prefix.length)
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64').replace(/=+$/, '') === base64.replace(/=+$/, '')) return bytes
  throw new RangeError(`${prefix}: not base64`)
}
