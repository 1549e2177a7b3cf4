import { hash, timingSafeEqual } from 'node:crypto'

/** Whether an Authorization header has the token. */
export type BearerCheck = (header: string | undefined) => boolean

/**
 * The scheme in any case (RFC 9110, 11.1), and the token exactly. Digests have one length, so that the comparison takes
 * the same time for every wrong token.
 */
export function bearerCheck(token: string): BearerCheck {
  const expected = digest(token)
  return (header = '') => {
    const [, given] = /^bearer +(.+)$/i.exec(header) ?? []
    return given !== undefined && timingSafeEqual(digest(given), expected)
  }
}

function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer')
}
