import { contractCase, type CaseGroup } from '../case.ts'
import { placesIn } from '../address.ts'
import { Breach, must, NotApplicable, show } from '../expect.ts'
import { mediaTypeOf, mustAskForBearer } from '../headers.ts'
import { mustBeProblem } from '../problem.ts'
import { newKey, start, submit } from '../tasks.ts'
import { mustHaveStatus, send, type Reply, type SendOptions } from '../http.ts'
import { headerOf } from '../patience.ts'

/** What is refused: the request, and how. */
type Refusal = readonly [what: string, place: string, options: SendOptions, status: number, kind: string]

export default {
  name: 'problems',
  summary: 'every refusal is a problem document (RFC 9457)',
  cases: [
    contractCase({
      name: 'submissions',
      proves:
        'a submission without a usable key or body is refused, with the status and the type that the contract names',
      source: 'docs/contract.md#problems; RFC 9457 3',
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('refused')
        const headers = { 'idempotency-key': key }
        const body = target.bodyFor(key)
        const post = (what: string, options: SendOptions, status: number, kind: string): Refusal => {
          return [what, '/v1/tasks', { method: 'POST', body, ...options }, status, kind]
        }
        await allRefused(target, [
          post('no key', {}, 400, 'idempotency-key-missing'),
          post('a key of 129 characters', { headers: { 'idempotency-key': key.padEnd(129, '~') } }, 400, 'validation'),
          post('a key with a space', { headers: { 'idempotency-key': 'a b' } }, 400, 'validation'),
          post('half a body', { headers, body: '{"type":' }, 400, 'validation'),
          post('no body', { headers: { ...headers, 'content-type': 'application/json' }, body: '' }, 400, 'validation'),
          post('an unknown field', { headers, body: { ...body, extra: 1 } }, 400, 'validation'),
          post('no input', { headers, body: { type: body.type } }, 400, 'validation'),
          post('text', { headers: { ...headers, 'content-type': 'text/plain' } }, 415, 'unsupported-media-type'),
        ])
        // Where the limit is higher, it is no JSON.
        const large = await send(target, '/v1/tasks', { method: 'POST', headers, body: 'x'.repeat(70_000) })
        const isTooLarge = large.status === 413
        mustBeProblem('70 kB', large, isTooLarge ? 413 : 400, isTooLarge ? 'body-too-large' : 'validation')
      },
    }),
    contractCase({
      name: 'work-of-ours',
      proves: 'work that the agent does not know is refused when it is submitted, not when it runs',
      source: 'docs/contract.md#problems',
      needs: ['answerTo'],
      quick: true,
      async check(target) {
        const body = { type: 'agent', input: { seed: 1, profile: 'none', job: 'j' } }
        const headers = { 'idempotency-key': newKey('unknown-work') }
        const reply = await send(target, '/v1/tasks', { method: 'POST', headers, body })
        mustBeProblem('an unknown profile', reply, 400, 'validation')
      },
    }),
    contractCase({
      name: 'callers',
      proves:
        'whoever has not the token is told 401 and nothing else, whatever is asked for; its scheme is known in any case',
      source: 'docs/contract.md#problems; docs/contract.md#resources; RFC 9110 11.1, 11.6.1 and 15.5.2; RFC 6750 3',
      needs: [],
      quick: true,
      async check(target) {
        if (target.token === undefined) throw new NotApplicable('it is asked without a token')
        const body = target.bodyFor(newKey('callers'))
        const post = { method: 'POST', headers: { 'idempotency-key': newKey('callers') }, body } as const
        const { self } = await start(target, newKey('callers-task'))
        const stream = { headers: { accept: 'text/event-stream' }, token: null }
        await allRefused(target, [
          ['no token', '/v1/tasks', { ...post, token: null }, 401, 'unauthorized'],
          ['another token', '/v1/tasks', { ...post, token: 'another-token-0123456789' }, 401, 'unauthorized'],
          ['no token, a read', '/v1/tasks/none', { token: null }, 401, 'unauthorized'],
          ['no token, a task that is there', self, { token: null }, 401, 'unauthorized'],
          ['no token, its events', `${self}/events`, { token: null }, 401, 'unauthorized'],
          ['no token, its end', `${self}:cancel`, { method: 'POST', token: null }, 401, 'unauthorized'],
        ])
        const wish = { method: 'POST', body: { id: 'x', type: 'resume' }, token: null } as const
        if (target.able.commands)
          await allRefused(target, [['no token, a command', `${self}/commands`, wish, 401, 'unauthorized']])
        if (target.able.memory)
          await allRefused(target, [['no token, a memory', `${self}/context`, { token: null }, 401, 'unauthorized']])
        // What is in front of it may refuse a channel that it has not.
        if (target.able.stream)
          await allRefused(target, [['no token, a stream of them', `${self}/events`, stream, 401, 'unauthorized']])
        const other = { authorization: `bearer ${target.token}` }
        mustHaveStatus('a read with "bearer"', await send(target, self, { headers: other }), 200)
        const reply = await send(target, '/v1/tasks/none', { token: null })
        mustAskForBearer(reply.headers)
      },
    }),
    contractCase({
      name: 'reads',
      proves: 'unknown tasks are 404, methods that are none 405 with those that are allowed',
      source: 'docs/contract.md#problems; RFC 9457 3; RFC 9110 15.5.6',
      needs: [],
      quick: true,
      async check(target) {
        await allRefused(target, [
          ['an unknown task', '/v1/tasks/none', {}, 404, 'not-found'],
          ['events of an unknown task', '/v1/tasks/none/events', {}, 404, 'not-found'],
          ['cancelling an unknown task', '/v1/tasks/none:cancel', { method: 'POST' }, 404, 'not-found'],
          // Elsewhere below the base address may be somebody else.
          ['a path that is none', '/v1/tasks/none/nowhere', {}, 404, 'not-found'],
        ])
        const refused = await send(target, '/v1/tasks', { method: 'DELETE' })
        mustBeProblem('a method that is none', refused, 405, 'method-not-allowed')
        const allowed = headerOf(refused.headers, 'allow')
        must(/\bPOST\b/.test(allowed ?? ''), `Allow of a 405: ${show(allowed)}, must name POST`)
      },
    }),
    contractCase({
      name: 'delivery-log',
      proves: 'the log of callbacks refuses as every resource does',
      source: 'docs/contract.md#problems; RFC 9457 3',
      needs: ['answerTo'],
      quick: true,
      async check(target) {
        const [log, all] = ['/v1/tasks/none/deliveries', '/v1/deliveries']
        await allRefused(target, [
          ['a method that is none', log, { method: 'PUT' }, 405, 'method-not-allowed'],
          ['no token', all, { token: null }, 401, 'unauthorized'],
        ])
        // Not every engine keeps such a log.
        const isKept = (await send(target, all)).status !== 501
        const [status, kind] = isKept ? ([404, 'not-found'] as const) : ([501, 'not-supported'] as const)
        await allRefused(target, [
          ['callbacks of an unknown task', log, {}, status, kind],
          ['repeating one of them', `${log}/evt_none_1:replay`, { method: 'POST' }, status, kind],
        ])
        await allRefused(target, [['a status that is none', `${all}?status=lost`, {}, 400, 'validation']])
      },
    }),
    contractCase({
      name: 'streams',
      proves: 'streams of unknown tasks are 404, not an empty stream',
      source: 'docs/contract.md#problems',
      needs: ['stream'],
      quick: true,
      async check(target) {
        const headers = { accept: 'text/event-stream' }
        await allRefused(target, [
          ['a stream of an unknown task', '/v1/tasks/none/events', { headers }, 404, 'not-found'],
        ])
      },
    }),
    contractCase({
      name: 'not-offered',
      proves: 'a channel that a service has not is refused: no stream, no socket, and no callback with 400 or 422',
      source: 'docs/contract.md#problems; RFC 9110 12.4.1, 15.5.5 to 15.5.7 and 15.6.2',
      needs: [],
      quick: true,
      async check(target) {
        const { self } = await start(target, newKey('not-offered'))
        const headers = { accept: 'text/event-stream' }
        if (!target.able.stream) mustBeRefused('a stream', await send(target, `${self}/events`, { headers }))
        if (!target.able.socket) mustBeRefused('a socket', await send(target, `${self}/ws`))
        if (target.able.callbacks) return
        const key = newKey('no-callback')
        const reply = await submit(target, key, target.bodyFor(key, { callbackUrl: 'http://127.0.0.1:9/' }))
        const kind = reply.status === 422 ? 'blocked-destination' : 'validation'
        mustBeProblem('a callback', reply, reply.status === 422 ? 422 : 400, kind)
      },
    }),
    contractCase({
      name: 'types',
      proves: 'the type of a problem leads to its description',
      source: 'docs/contract.md#problems; RFC 9457 3.1.1',
      needs: [],
      quick: true,
      async check(target) {
        const { json, exchange } = await send(target, '/v1/tasks/none')
        const type = json?.['type']
        must(typeof type === 'string', `a problem has a type; got ${show(json)}`)
        // An absolute type may be a name alone.
        if (/^[a-z][a-z0-9+.-]*:/i.test(type)) return
        const statuses: number[] = []
        for (const place of placesIn(target, exchange.asked.url, type))
          statuses.push((await send(target, place.href, { token: null })).status)
        must(statuses.includes(200), `GET ${type}: ${statuses.join(', ')}, must be 200`)
      },
    }),
  ],
} satisfies CaseGroup

/** Refused as a resource that is not there, in one of the ways that HTTP has; what says it may be in front of the API. */
function mustBeRefused(what: string, { status, headers, exchange }: Reply): void {
  if (status === 406) return
  const isRefused = [404, 405, 501].includes(status) || (status === 200 && mediaTypeOf(headers) !== 'text/event-stream')
  if (!isRefused) throw new Breach(`${what}: ${status}, must be 404, 405, 406 or 501`, { exchange })
}

async function allRefused(target: Parameters<typeof send>[0], refusals: readonly Refusal[]): Promise<void> {
  for (const [what, place, options, status, kind] of refusals)
    mustBeProblem(what, await send(target, place, options), status, kind)
}
