import { createHmac } from 'node:crypto'

/**
 * What the tool server answers for the effect of a job's step, for any executor and however often: RFC 2104's HMAC with
 * SHA-256 under a secret of the cell, cut to 96 bits. A node without the answer cannot know it.
 */
export function nonceFor(secret: string, job: string, step: number): string {
  return createHmac('sha256', secret).update(`${job}/${step}`).digest('hex').slice(0, 24)
}
