/** A response that is made in the background, as APIs of language models have it: `POST /v1/responses` and `GET /v1/responses/{id}`. */
import type { Adapter } from 'outlast/adapter'

interface Response {
  readonly id: string
  readonly status: string
  readonly error?: { readonly message: string } | null
}

const states: Readonly<Record<string, 'queued' | 'running' | 'completed' | 'failed' | 'cancelled'>> = {
  queued: 'queued',
  in_progress: 'running',
  completed: 'completed',
  failed: 'failed',
  incomplete: 'failed',
  cancelled: 'cancelled',
}

const adapter: Adapter = {
  submit: ({ key, input, token }) => ({
    path: '/v1/responses',
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': key },
    body: { background: true, ...input },
  }),
  status: (id, { token }) => ({ path: `/v1/responses/${id}`, headers: { authorization: `Bearer ${token}` } }),
  read: ({ body }) => {
    const { id, status, error } = body as Response
    if (typeof id !== 'string') return undefined
    return { id, state: states[status] ?? 'running', document: body, ...(error && { reason: error.message }) }
  },
  isIdempotent: true,
}
export default adapter
