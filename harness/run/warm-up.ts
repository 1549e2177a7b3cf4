import { request } from 'undici'
import type { Node } from '../model/runtime.ts'

/**
 * Have every API node read, check and refuse some requests before the load. Cells that start together get their first
 * tasks together: with code that never ran, their nodes would starve each other. Nothing that they keep is written, and
 * what they answer is nobody's business. Never rejects.
 */
export async function warmUp(nodes: readonly Node[], token: string, signal: AbortSignal): Promise<void> {
  const apis = nodes.filter(({ role }) => role === 'api')
  await Promise.all(apis.map(({ url }) => exercise(url, token, signal).catch(() => {})))
}

/** As often as a runtime needs to have compiled what they pass. */
const rounds = 20

async function exercise(url: string, token: string, signal: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'warm-up' }
  for (let round = 0; round < rounds; round++) {
    await answered(request(`${url}/v1/tasks`, { method: 'POST', headers, body: '{}', signal }))
    await answered(request(`${url}/v1/tasks/task_nobody`, { headers, signal }))
  }
}

async function answered(request: Promise<{ readonly body: { dump(): Promise<void> } }>): Promise<void> {
  const { body } = await request
  await body.dump()
}
