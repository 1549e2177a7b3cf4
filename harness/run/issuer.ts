import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mintGrant } from '../../patterns/contract/server/grants.ts'
import type { GrantClaims } from '../../patterns/contract/types/grant.ts'

/** A bearer token (RFC 9068) as somebody wants it to be. */
export interface TokenSpec {
  readonly sub: string
  readonly scopes: readonly string[]
  /** Seconds from now until it ends; below 0 it has ended. */
  readonly lastsS: number
  /** Who signs it: the issuer by default, somebody with another key under the same name, or nobody (`alg: none`). */
  readonly by?: 'issuer' | 'forger' | 'nobody'
}

/** A cell's own issuer of tokens: its API nodes know its public key, and share the secret of grants with the gateway. */
export interface CellIssuer {
  readonly apiEnv: Readonly<Record<string, string>>
  token(spec: TokenSpec): string
  /** A grant for a minute, under the secret of the cell or, `forged`, under another one. */
  grant(claims: GrantClaims, forged?: boolean): string
}

const [issuer, audience, kid] = ['urn:outlast:cell', 'urn:outlast:api', 'cell']

/** Writes the public key into a file in `folder`, which API nodes read. Secrets are in this process and in the environment of theirs. */
export async function openCellIssuer(folder: string): Promise<CellIssuer> {
  const [own, forger] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
  const [grantKey, otherKey] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')]
  const jwksFile = join(folder, 'jwks.json')
  const key = { ...own.publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' }
  await writeFile(jwksFile, JSON.stringify({ keys: [key] }))
  const keys = { issuer: own.privateKey, forger: forger.privateKey, nobody: undefined }
  return {
    apiEnv: {
      OUTLAST_JWKS_FILE: jwksFile,
      OUTLAST_JWT_ISSUER: issuer,
      OUTLAST_JWT_AUDIENCE: audience,
      OUTLAST_GRANT_KEY: grantKey,
    },
    token: ({ by = 'issuer', ...spec }) => signed(claimsOf(spec), keys[by]),
    grant: (claims, forged = false) => {
      const iat = nowS()
      return mintGrant(forged ? otherKey : grantKey, claims, { iat, exp: iat + 60 })
    },
  }
}

function claimsOf({ sub, scopes, lastsS }: Omit<TokenSpec, 'by'>): object {
  const exp = nowS() + lastsS
  return { iss: issuer, aud: audience, sub, scope: scopes.join(' '), iat: Math.min(nowS(), exp) - 1, exp }
}

function nowS(): number {
  return Math.floor(Date.now() / 1000)
}

/** A JWS in its compact form (RFC 7515, 3.1). */
function signed(claims: object, key: KeyObject | undefined): string {
  const header = { alg: key ? 'EdDSA' : 'none', kid, typ: 'at+jwt' }
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${key ? sign(null, Buffer.from(text), key).toString('base64url') : ''}`
}
