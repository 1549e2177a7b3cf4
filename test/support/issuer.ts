import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompactSign, exportJWK, exportSPKI, generateKeyPair, type GenerateKeyPairResult, type JWK } from 'jose'
import type { Issuer } from '../../patterns/contract/types/settings.ts'

/** Signs tokens as an identity provider does, and publishes its keys in a file. */
export interface TestIssuer extends Disposable {
  readonly settings: Issuer
  /** A token with these scopes, and whatever else it is to say. */
  token(sub: string, scope: string, more?: object): Promise<string>
  /** Any claims under any header; by default signed with its Ed25519 key. */
  sign(claims: object, header?: Header): Promise<string>
  /** Its file holds these keys from now on. */
  publish(...kids: readonly string[]): void
  readonly jwks: { readonly keys: readonly JWK[] }
  publicPem(kid: string): Promise<string>
}

interface Header {
  readonly alg?: string
  readonly kid?: string | undefined
  /** With which key it is signed in truth. */
  readonly by?: string
  readonly [more: string]: unknown
}

export const allScopes = 'tasks:submit tasks:read tasks:cancel tasks:steer tasks:topup'
const algorithms = {
  ed: 'EdDSA',
  ec: 'ES256',
  rsa: 'RS256',
  pss: 'PS256',
  long: 'RS512',
  next: 'EdDSA',
  forger: 'EdDSA',
} as const
type Kid = keyof typeof algorithms
const published = ['ed', 'ec', 'rsa', 'pss', 'long']
export const allKinds = Object.keys(algorithms) as readonly Kid[]

export function epoch(seconds = 0): number {
  return Math.floor(Date.now() / 1000) + seconds
}

/**
 * Of its keys `next` and `forger` are not published; `long` is, and nobody takes its algorithm. Those of RSA take seconds to
 * make: they are for who asks for them.
 */
export async function openIssuer(kids: readonly Kid[] = ['ed', 'next', 'forger']): Promise<TestIssuer> {
  const folder = mkdtempSync(join(tmpdir(), 'test-of-outlast-'))
  const settings = { jwksFile: join(folder, 'jwks.json'), issuer: 'https://issuer.example', audience: 'outlast-api' }
  const pairs = new Map<string, GenerateKeyPairResult>()
  const all: JWK[] = []
  for (const kid of kids) {
    const alg = algorithms[kid]
    const pair = await generateKeyPair(alg, { extractable: true })
    pairs.set(kid, pair)
    all.push({ ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' })
  }
  const of = (kids: readonly string[]) => ({ keys: all.filter(({ kid }) => kids.includes(kid!)) })
  const publish = (...kids: readonly string[]): void => writeFileSync(settings.jwksFile, JSON.stringify(of(kids)))
  publish(...published)
  const sign: TestIssuer['sign'] = (claims, { by = 'ed', ...header } = {}) => {
    const alg = algorithms[by as Kid]
    return new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg, kid: by, typ: 'at+jwt', ...header } as { alg: string })
      .sign(pairs.get(by)!.privateKey)
  }
  return {
    settings,
    jwks: of(published),
    publish,
    sign,
    token: (sub, scope, more = {}) => {
      const { issuer: iss, audience: aud } = settings
      return sign({ iss, aud, sub, scope, iat: epoch(), exp: epoch(600), ...more })
    },
    publicPem: (kid) => exportSPKI(pairs.get(kid)!.publicKey),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
