import { hash, timingSafeEqual } from 'node:crypto'
import type { NodeSettings } from '../types/settings.ts'
import { type Caller, owner, type Stranger } from './caller.ts'
import { KeyFile } from './key-file.ts'

/** Who is known to a node, by an Authorization header. */
export interface Bearers {
  identify(header: string | undefined): Promise<Caller | Stranger>
  /** False: certainly nobody. Where a signature has to be checked first, only `identify` can say more. */
  mayBeKnown(header: string | undefined): boolean
}

const opened = new WeakMap<NodeSettings, Bearers>()

/** Those of a node: its front door and its API ask the same ones. Throws where its key file is none. */
export function bearersOf(settings: NodeSettings): Bearers {
  const known = opened.get(settings) ?? openBearers(settings)
  opened.set(settings, known)
  return known
}

function openBearers({ token, jwt, node }: NodeSettings): Bearers {
  const isOperator = tokenCheck(token)
  const keys = jwt && new KeyFile(jwt.jwksFile, node)
  // A node that takes no JWTs loads nothing for them.
  const reading = keys && import('./tokens.ts').then(({ openTokens }) => openTokens(keys, jwt))
  return {
    identify: async (header) => {
      const given = bearerIn(header)
      if (given === undefined) return {}
      if (isOperator(given)) return owner
      return reading ? (await reading)(given) : { flaw: 'it is not the token of this server' }
    },
    mayBeKnown: (header) => {
      const given = bearerIn(header)
      return given !== undefined && (reading !== undefined || isOperator(given))
    },
  }
}

/** The scheme in any case (RFC 9110, 11.1). */
function bearerIn(header = ''): string | undefined {
  return /^bearer +(.+)$/i.exec(header)?.[1]
}

/** Digests have one length, so that the comparison takes the same time for every wrong token. */
function tokenCheck(token: string): (given: string) => boolean {
  const expected = digest(token)
  return (given) => timingSafeEqual(digest(given), expected)
}

function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer')
}
