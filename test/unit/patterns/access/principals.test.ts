import type { Context } from 'hono'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { CallbackDelivery } from '../../../../patterns/contract/types/callback.ts'
import type { TaskEvent } from '../../../../patterns/contract/types/events.ts'
import { createApi } from '../../../../patterns/contract/server/api.ts'
import { openViews } from '../../../../patterns/contract/server/principals.ts'
import { openBackend } from '../../../../patterns/engines/memory/backend.ts'
import { allScopes } from '../../../support/issuer.ts'
import { type GuardedApi, openGuardedApi, operatorToken, submission } from './guarded-api.ts'

const grantKey = 'a-secret-of-tests-that-is-long-enough'
let api: GuardedApi
beforeAll(async () => (api = await openGuardedApi({ grantKey })))
afterAll(() => api[Symbol.asyncDispose]())

const as = async (sub: string, scope = `${allScopes} tools:search tools:draft`): Promise<string> =>
  `Bearer ${await api.issuer.token(sub, scope)}`
interface Shown {
  readonly task_id: string
  readonly principal?: string
}
async function submit(key: string, auth: string, more: object = {}) {
  const answer = await api.ask('/v1/tasks', submission(key, auth, more))
  const replayed = answer.headers.get('idempotent-replayed')
  return { status: answer.status, replayed, task: (await answer.json()) as Shown }
}
const createdOf = async (taskId: string): Promise<TaskEvent> => (await api.backend.events(taskId, 0))![0]!

test('one key of two principals is two tasks, each replayed to its own', async () => {
  const [ann, bob, operator] = [await as('ann'), await as('bob'), `Bearer ${operatorToken}`]
  const first = await Promise.all([ann, bob, operator].map((auth) => submit('a-key', auth)))
  const again = await Promise.all([ann, bob, operator].map((auth) => submit('a-key', auth)))
  expect(first.map(({ task }) => task.principal)).toEqual(['ann', 'bob', 'owner'])
  expect(new Set(first.map(({ task }) => task.task_id)).size).toBe(3)
  expect(again.map(({ task }) => task.task_id)).toEqual(first.map(({ task }) => task.task_id))
  expect(again.map(({ replayed }) => replayed)).toEqual(['true', 'true', 'true'])
})

test('each sees its own task, the operator too, and in JSON whose it is', async () => {
  const [ann, operator] = [await as('ann'), `Bearer ${operatorToken}`]
  const { task } = await submit('mine', ann)
  const { task: theirs } = await submit('theirs', operator)
  const status = async (id: string, auth: string) => (await api.ask(`/v1/tasks/${id}`, { auth })).status
  expect([await status(task.task_id, ann), await status(task.task_id, operator)]).toEqual([200, 404])
  expect([await status(theirs.task_id, ann), await status(theirs.task_id, operator)]).toEqual([404, 200])
  expect((await api.ask(`/v1/tasks/${task.task_id}:cancel`, { method: 'POST', auth: ann })).status).toBe(202)
})

test('a task is granted what it asks for, or all that its token allows', async () => {
  const scope = `${allScopes} tools:search tools:draft openid tools:`
  const toolsOf = async (key: string, auth: string, more: object = {}) =>
    (await createdOf((await submit(key, auth, more)).task.task_id)).data['tools']
  expect(await toolsOf('g1', await as('eve', scope), { tools: ['draft'] })).toEqual(['draft'])
  expect(await toolsOf('g2', await as('eve', scope), { tools: ['draft', 'draft'] })).toEqual(['draft'])
  expect(await toolsOf('g3', await as('eve', scope))).toEqual(['search', 'draft'])
  expect(await toolsOf('g4', await as('eve', scope), { tools: [] })).toEqual([])
  expect(await toolsOf('g5', await as('eve', allScopes))).toEqual([])
  expect(await toolsOf('g6', `Bearer ${operatorToken}`)).toEqual(['*'])
  expect(await toolsOf('g7', `Bearer ${operatorToken}`, { tools: ['read'] })).toEqual(['read'])
})

test('no client sees a grant, whatever it asks for, and no log has one', async () => {
  const log = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const auth = await as('ann')
  const answer = await api.ask('/v1/tasks', submission('secret', auth))
  const accepted = await answer.text()
  const { task_id: id } = JSON.parse(accepted) as Shown
  const grant = (await createdOf(id)).data['grant'] as string
  expect(grant.split('.')).toHaveLength(3)
  const places = ['', '/events', '/events?after=0', '/deliveries']
  const shown = await Promise.all(
    places.map(async (place) => (await api.ask(`/v1/tasks/${id}${place}`, { auth })).text()),
  )
  const replay = await (await api.ask('/v1/tasks', submission('secret', auth))).text()
  const cancelled = await (await api.ask(`/v1/tasks/${id}:cancel`, { method: 'POST', auth })).text()
  const waited = await (await api.ask('/v1/tasks', submission('secret', auth, {}))).text()
  const all = [accepted, ...shown, replay, cancelled, waited, ...log.mock.calls.map(String)].join('\n')
  log.mockRestore()
  expect(all).toContain('task.created')
  expect(all).not.toContain(grant)
  expect(all).not.toContain('"grant"')
})

test('the view of a principal has nothing of a foreign task, whatever a handler has asked before', async () => {
  const seenBy = openViews(api.backend, api.settings)
  const viewOf = (principal: string) =>
    seenBy({ get: () => ({ principal, scopes: 'all', expiresAt: Infinity, endsAt: Infinity }) } as unknown as Context)
  const before = await api.state()
  const [bob, ann] = [viewOf('bob'), viewOf('ann')]
  const firstOf = async (view: typeof bob) => {
    for await (const event of view.follow(api.victim, 0, AbortSignal.timeout(1000))) return event.type
    return undefined
  }
  expect([await bob.read(api.victim), await bob.events(api.victim, 0), await bob.cancel(api.victim)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect([await firstOf(bob), await firstOf(ann)]).toEqual([undefined, 'task.created'])
  expect(await bob.deliveries!.ofTask(api.victim)).toBeUndefined()
  expect(await bob.deliveries!.replay(api.victim)).toBe(false)
  expect(await api.state()).toBe(before)
})

test('the list of callbacks shows those of the caller’s tasks alone', async () => {
  const one = (task_id: string): CallbackDelivery => ({
    id: `evt_${task_id}`,
    task_id,
    status: 'pending',
    next_attempt_at: null,
    attempts: [],
  })
  const asked: unknown[] = []
  const list = async (filter: { principal?: string }) => {
    asked.push(filter.principal)
    return [one(`task_of_${filter.principal}`)]
  }
  const backend = { ...api.backend, deliveries: { ...api.backend.deliveries!, list } }
  const app = createApi(backend, api.settings, new AbortController().signal)
  const authorization = await as('ann')
  const answer = await app.request('/v1/deliveries', { headers: { authorization } })
  expect((await answer.json()) as object).toMatchObject({ deliveries: [{ task_id: 'task_of_ann' }] })
  expect(asked).toEqual(['ann'])
})

test('the memory engine lists callbacks by principal', async () => {
  const settings = { ...api.settings, timeScale: 1000 }
  await using backend = await openBackend(settings, () => new Promise(() => {}))
  const accept = async (key: string, principal?: string) => {
    const request = {
      type: 'agent' as const,
      input: { seed: 1, profile: 'smoke', job: key },
      delivery: { webhook_url: 'http://receiver.example/' },
      deadline_s: 1e-3,
    }
    const access = principal === undefined ? {} : { access: { principal, tools: [] } }
    return (await backend.submit({ key, fingerprint: key, request, ...access })).task.task_id
  }
  const [ann, bob, nobody] = [await accept('a', 'ann'), await accept('b', 'bob'), await accept('n')]
  const idsOf = async (principal?: string) => {
    const filter = { after: '', most: 10, ...(principal !== undefined && { principal }) }
    return new Set((await backend.deliveries!.list(filter)).map(({ task_id }) => task_id))
  }
  await vi.waitFor(async () => expect(await idsOf()).toEqual(new Set([ann, bob, nobody])))
  expect([await idsOf('ann'), await idsOf('bob'), await idsOf('owner'), await idsOf('eve')]).toEqual([
    new Set([ann]),
    new Set([bob]),
    new Set([nobody]),
    new Set(),
  ])
})

test('with one principal alone nothing is recorded of it, and keys go to the engine as they came', async () => {
  const { jwt: _, grantKey: __, ...simple } = api.settings
  const keys: string[] = []
  const backend = {
    ...api.backend,
    submit: (given: Parameters<typeof api.backend.submit>[0]) => {
      keys.push(given.key)
      expect(given).not.toHaveProperty('access')
      return api.backend.submit(given)
    },
  }
  const app = createApi(backend, simple, new AbortController().signal)
  const authorization = `Bearer ${operatorToken}`
  const headers = { authorization, 'idempotency-key': 'plain', 'content-type': 'application/json' }
  const body = JSON.stringify(submission('plain', authorization).body)
  const task = (await (await app.request('/v1/tasks', { method: 'POST', headers, body })).json()) as Shown
  expect(keys).toEqual(['plain'])
  expect(task).not.toHaveProperty('principal')
  expect(Object.keys((await createdOf(task.task_id)).data)).toEqual(['request', 'steps', 'estimated_completion'])
})
