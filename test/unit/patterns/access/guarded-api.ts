import type { Hono } from 'hono'
import type { Backend } from '../../../../patterns/contract/engine/backend.ts'
import { loadDeliveryServer } from '../../../../patterns/contract/server/plugins.ts'
import { openBackend } from '../../../../patterns/engines/memory/backend.ts'
import type { NodeSettings } from '../../../../patterns/contract/types/settings.ts'
import { allScopes, openIssuer, type TestIssuer } from '../../../support/issuer.ts'

export const operatorToken = 'the-token-of-the-operator'

/** Long enough that no step ends meanwhile: nothing changes unless somebody asks for it. */
export const input = { seed: 1, profile: 'research-write', job: 'it' }

/** An API over the memory engine that knows an issuer, and a task of one of its principals. */
export interface GuardedApi extends AsyncDisposable {
  readonly issuer: TestIssuer
  readonly settings: NodeSettings
  readonly backend: Backend
  /** The API of a delivery over the same engine. */
  app(delivery: string): Promise<Hono>
  ask(path: string, how?: Asked): Promise<Response>
  /** `ann`'s task, and her token with every scope of tasks. */
  readonly victim: string
  readonly ann: string
  /** All that a request could have changed. */
  state(): Promise<string>
}

export interface Asked {
  readonly method?: string
  /** The whole header. */
  readonly auth?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly delivery?: string
}

export async function openGuardedApi(
  own: Partial<NodeSettings> = {},
  kinds?: Parameters<typeof openIssuer>[0],
): Promise<GuardedApi> {
  const issuer = await openIssuer(kinds)
  const settings: NodeSettings = {
    node: 'api-0',
    listen: { host: '127.0.0.1', port: 0 },
    delivery: 'sse',
    engine: 'memory',
    timeScale: 1,
    tuning: 'default',
    token: operatorToken,
    toolsUrl: 'http://127.0.0.1:9',
    jwt: issuer.settings,
    ...own,
  }
  const memory = await openBackend(settings, () => Promise.reject(new Error('nobody is called back')))
  const calls: string[] = []
  const backend = noting(memory, calls)
  const { signal } = new AbortController()
  const apps = new Map<string, Hono>()
  const app = async (delivery: string): Promise<Hono> => {
    const known = apps.get(delivery) ?? (await loadDeliveryServer(delivery)).routes(backend, settings, signal)
    apps.set(delivery, known)
    return known
  }
  const ask: GuardedApi['ask'] = async (path, { method = 'GET', auth, headers, body, delivery = 'sse' } = {}) => {
    const sent = { ...(auth !== undefined && { authorization: auth }), ...headers }
    const json = body === undefined ? {} : { body: JSON.stringify(body) }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    return (await app(delivery)).request(path, { method, headers: { ...type, ...sent }, ...json })
  }
  const ann = `Bearer ${await issuer.token('ann', `${allScopes} tools:search`)}`
  const accepted = await ask('/v1/tasks', submission('the-first-key', ann, { memory: { of: 'ann' } }))
  const { task_id: victim } = (await accepted.json()) as { task_id: string }
  calls.length = 0
  return {
    issuer,
    settings,
    backend,
    app,
    ask,
    victim,
    ann,
    state: async () => JSON.stringify([await memory.read(victim), calls]),
    [Symbol.asyncDispose]: async () => {
      await memory[Symbol.asyncDispose]()
      issuer[Symbol.dispose]()
    },
  }
}

export function submission(key: string, auth: string | undefined, more: object = {}): Asked {
  const body = { type: 'agent', input, ...more }
  return { method: 'POST', auth, headers: { 'idempotency-key': key }, body }
}

/** Whatever is asked of the engine that changes something. */
function noting(backend: Backend, calls: string[]): Backend {
  const { deliveries } = backend
  return {
    ...backend,
    submit: (submission) => {
      calls.push(`submit ${submission.key}`)
      return backend.submit(submission)
    },
    cancel: (taskId) => {
      calls.push(`cancel ${taskId}`)
      return backend.cancel(taskId)
    },
    command: (taskId, command) => {
      calls.push(`command ${taskId}`)
      return backend.command!(taskId, command)
    },
    deliveries: {
      ...deliveries!,
      replay: (taskId) => {
        calls.push(`replay ${taskId}`)
        return deliveries!.replay(taskId)
      },
    },
  }
}
