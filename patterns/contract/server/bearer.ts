import { hash, timingSafeEqual } from 'node:crypto'

/** Whether an Authorization header has the token. */
export type BearerCheck = (header: string | undefined) => boolean

/** Digests have one length, so that the comparison takes the same time for every wrong token. */
export function bearerCheck(token: string): BearerCheck {
  const expected = digest(`Bearer ${token}`)
  return (header = '') => timingSafeEqual(digest(header), expected)
}

function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer')
}
