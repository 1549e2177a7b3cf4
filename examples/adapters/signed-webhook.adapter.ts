/** A service that nobody can ask: it answers 202, and posts the outcome, signed with HMAC-SHA-256 of its body under the token. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Adapter } from 'outlast/adapter'

interface Posted {
  readonly order: string
  readonly outcome: 'shipped' | 'rejected'
}

const adapter: Adapter = {
  submit: ({ key, input, token, callbackUrl }) => ({
    path: '/orders',
    headers: { authorization: `Bearer ${token}` },
    body: { ...input, reference: key, notify: callbackUrl },
  }),
  read: ({ body }) => ({ id: (body as { readonly order: string }).order, state: 'queued', document: body }),
  callback: ({ headers, body }, { token }) => {
    const signature = Buffer.from(String(headers['x-signature'] ?? ''), 'hex')
    const wanted = createHmac('sha256', token).update(body).digest()
    if (signature.length !== wanted.length || !timingSafeEqual(signature, wanted))
      throw new Error('the signature is another')
    const { order, outcome } = JSON.parse(body.toString('utf8')) as Posted
    return { id: order, state: outcome === 'shipped' ? 'completed' : 'failed', document: { order, outcome } }
  },
  isIdempotent: true,
}
export default adapter
