import { z } from 'zod'
import { answer, header, operation, problems, reference, withHeaders } from './openapi-parts.ts'

const credits = z.int().min(0)

/** Documents that only these operations have. */
export const accountSchemas = {
  Balance: z.object({
    principal: z.string(),
    credits: credits.describe('Neither held nor spent: what steps that have not begun may cost'),
    held: credits.describe('Of steps under way: it comes back where their task ends before they call a tool'),
    spent: credits.describe('Of steps that have called their tool'),
  }),
}

/** What a principal’s tasks may spend. 404 where nobody has an account. */
export function accountPaths(): object {
  return {
    '/v1/accounts/{principal}': {
      get: operation('accounts', 'readBalance', 'What a principal’s tasks may spend, and have spent', {
        scope: 'tasks:read',
        parameters: [principal],
        responses: { 200: balance, ...problems(400, 404) },
      }),
    },
    '/v1/accounts/{principal}/top-ups': {
      post: operation('accounts', 'topUp', 'Add credits to a balance, once per id: the operator alone', {
        parameters: [principal],
        requestBody: { required: true, content: { 'application/json': { schema: reference('TopUp') } } },
        responses: {
          200: withHeaders(balance, { ...header('Cache-Control'), ...header('Command-Replayed') }),
          ...problems(400, 404, 413, 415, 422),
        },
      }),
    },
  }
}

const principal = {
  name: 'principal',
  in: 'path',
  required: true,
  description: 'One’s own; the operator may name any. Another one’s is answered as one that does not exist',
  schema: { type: 'string' },
}
const balance = withHeaders(answer('The balance as it is then', reference('Balance')), header('Cache-Control'))
