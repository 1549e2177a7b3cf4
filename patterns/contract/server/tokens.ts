import {
  createLocalJWKSet,
  errors,
  type JWSHeaderParameters,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import { operator } from '../types/principal.ts'
import { readScopes } from '../types/scopes.ts'
import type { Issuer } from '../types/settings.ts'
import { text } from '../types/text.ts'
import type { Caller, Stranger } from './caller.ts'
import type { KeyFile, KeySet } from './key-file.ts'

/** Signatures alone: with a secret among them, a public key could be taken for one (RFC 8725, 3.1 and 3.2). */
const algorithms = ['EdDSA', 'Ed25519', 'ES256', 'RS256', 'PS256']

/** What the clocks of an issuer and of ours may differ by. */
export const clockToleranceS = 5

/** Tokens that were found right, and are asked for again. Only an issuer's own take a place. */
const mostKnown = 4096

/** Whose token it is. Never rejects for what a stranger may send. */
export type ReadToken = (token: string) => Promise<Caller | Stranger>

/**
 * Reads JWTs of one issuer (RFC 7519, RFC 9068). Each needs `kid`, `iss`, `aud`, `exp` and `sub`, and one of `algorithms`.
 * One that was right is right again, to the letter, until it ends or the keys change.
 */
export function openTokens(keys: KeyFile, issuer: Issuer): ReadToken {
  const known = new Map<string, Caller>()
  let knownBy = keys.current()

  return async (token) => {
    const now = keys.current()
    if (now !== knownBy) known.clear()
    knownBy = now
    const caller = known.get(token)
    if (caller && caller.endsAt > Date.now()) return caller
    known.delete(token)
    const found = await readToken(token, keys, issuer)
    // Where others have seen newer keys meanwhile, the one that signed this may have gone: it would stay.
    if ('principal' in found && now === knownBy) remember(known, token, found)
    return found
  }
}

function remember(known: Map<string, Caller>, token: string, caller: Caller): void {
  known.set(token, caller)
  if (known.size > mostKnown) known.delete(known.keys().next().value!)
}

async function readToken(token: string, keys: KeyFile, { issuer, audience }: Issuer): Promise<Caller | Stranger> {
  const clockTolerance = clockToleranceS
  const claims = { issuer, audience, algorithms, requiredClaims: ['exp', 'sub'], clockTolerance }
  try {
    const findKey: JWTVerifyGetKey = (header) => keyFor(header, keys)
    const { payload } = await jwtVerify(token, findKey, claims)
    return callerOf(payload)
  } catch (error) {
    if (error instanceof errors.JOSEError) return { flaw: flawIn(error) }
    throw error
  }
}

/** Made anew when the file has changed: the library imports each key once. */
const finders = new WeakMap<KeySet, ReturnType<typeof createLocalJWKSet>>()

async function keyFor(header: JWSHeaderParameters, keys: KeyFile) {
  const { kid } = header
  if (typeof kid !== 'string') throw new errors.JWKSNoMatchingKey()
  const set = keys.having(kid)
  const find = finders.get(set) ?? createLocalJWKSet(set)
  finders.set(set, find)
  return find(header)
}

/** A principal is text that every store can hold. */
const principal = text(255).refine((name) => name !== '' && name !== operator)

function callerOf({ sub, exp, scope }: JWTPayload): Caller | Stranger {
  const named = principal.safeParse(sub)
  if (!named.success) return { flaw: `its "sub" is no name of a principal: 1 to 255 bytes, and not "${operator}"` }
  const expiresAt = exp! * 1000
  return { principal: named.data, scopes: readScopes(scope), expiresAt, endsAt: expiresAt + clockToleranceS * 1000 }
}

/** Nothing of the token itself: an answer may be seen by others than its bearer. */
function flawIn(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'it has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return `its "${error.claim}" is not as it must be`
  if (error instanceof errors.JWKSNoMatchingKey) return 'it is signed by no key that is known here'
  return 'it is no token of ours'
}
