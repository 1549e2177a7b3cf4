import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { mostAnswerBytes } from '../../../patterns/contract/client/answer-size.ts'
import type { Observation } from '../../../patterns/contract/types/observations.ts'
import type { Mapping, Speech } from '../../../harness/model/target.ts'
import { adapterFile, ask, described, mapping, type Reply, serve, targetOf } from './asking.ts'

/** More than any answer may have. */
const huge = `{"id":"j","status":"done","filler":"${'x'.repeat(mostAnswerBytes)}"}`
const atAddress: Partial<Mapping> = { id: { header: 'location' }, status: { method: 'GET', path: '{id}' } }

describe('what a service answers', () => {
  test('an address as an id is the same task at whichever host', async () => {
    const url = await serve(({ method, nth }) =>
      method === 'POST'
        ? [202, {}, { location: 'http://one.example:81/jobs/7' }]
        : [200, { status: nth > 0 ? 'done' : 'busy' }, { location: `http://two.example:8${nth}/jobs/7` }],
    )
    const { ended, acceptedAs } = await ask(targetOf(described(atAddress)), [url])
    expect(ended).toMatchObject({ status: 'completed', task_id: '/jobs/7' })
    expect(acceptedAs).toEqual(['/jobs/7'])
  })

  test.each([301, 302, 307, 308])('a redirect (%i) accepts nothing', async (status) => {
    const url = await serve(({ nth }) => [status, {}, { location: nth < 9 ? '/jobs/' : '/login' }])
    const { ended, acceptedAs } = await ask(targetOf(described(atAddress)), [url], 500)
    expect(acceptedAs).toEqual([])
    expect(ended).toMatch(new RegExp(`HTTP ${status} to /jobs/`))
  })

  test('303 (See Other) names the task that was made', async () => {
    const url = await serve(({ method }) =>
      method === 'POST' ? [303, {}, { location: '/jobs/7' }] : [200, { status: 'done' }],
    )
    expect((await ask(targetOf(described(atAddress)), [url])).ended).toMatchObject({ status: 'completed' })
  })

  test.each([
    ['/v1/jobs', 'jobs/7', '/v1/jobs/7'],
    ['/v1/jobs/', '7?view=full', '/v1/jobs/7?view=full'],
    ['/v1/jobs', '../operations/7', '/operations/7'],
    ['/v1/jobs', '//elsewhere.example/operations/7', '/operations/7'],
  ])('of a job posted to %s the address %s is %s (RFC 3986, 5)', async (path, location, wanted) => {
    const url = await serve(({ method, path: at }) => {
      if (method === 'POST') return [202, '', { location }]
      return at === wanted ? [200, { status: 'done' }] : [404]
    })
    const posted = described({ ...atAddress, submit: { method: 'POST', path } })
    expect((await ask(targetOf(posted), [url], 500)).ended).toMatchObject({ status: 'completed' })
  })

  test.each(['9007199254740993', '-9223372036854775807', '123456789012345678901234567890'])(
    'a number that no double holds is the id as it was written: %s',
    async (id) => {
      const url = await serve(({ method, path }) => {
        if (method === 'POST') return [202, `{"id":${id}}`]
        return path === `/jobs/${id}` ? [200, `{"id":${id},"status":"done","same":${id}}`] : [404]
      })
      const work = { right: `$.same == ${id}` }
      const { ended } = await ask(targetOf(described(), work), [url], 500)
      expect(ended).toMatchObject({ status: 'completed', task_id: id, result: { digest: 'right' } })
    },
  )

  test('a mistake in a description is told when the client gives up', async () => {
    const url = await serve(() => [200, { id: 'j', status: ['done'] }])
    const told = async (wrong: Partial<Mapping>) => (await ask(targetOf(described(wrong)), [url], 300)).ended
    expect(await told({ id: { path: '$.job' } })).toMatch(/HTTP 200 without what was asked for/)
    expect(await told({ state: '$.phase' })).toMatch(/running \(no word at \$\.phase\)/)
    expect(await told({})).toMatch(/running \(no word at \$\.status\)/)
  })

  test('a state may be true', async () => {
    const url = await serve(({ method }) => [200, { id: 'j', ...(method === 'GET' && { ready: true }) }])
    const { ended } = await ask(targetOf(described({ state: '$.ready' })), [url])
    expect(ended).toMatchObject({ status: 'completed' })
  })

  test('a word that nobody listed is told when the client gives up', async () => {
    const url = await serve(() => [200, { id: 'j', status: 'DONE' }])
    const { ended } = await ask(targetOf(described()), [url], 500)
    expect(ended).toMatch(/running \(DONE\)/)
  })

  test('another task’s document is no end of this one', async () => {
    const url = await serve(({ method }) => [200, method === 'POST' ? { id: 'j' } : { id: 'k', status: 'done' }])
    expect((await ask(targetOf(described()), [url], 500)).ended).toMatch(/./)
  })
})

describe('what a service says of a task after the run', () => {
  test('is read up to the size that any answer may have', async () => {
    const url = await serve(({ method }) => [200, method === 'POST' ? { id: 'j', status: 'done' } : huge])
    const { readFinal } = await ask(targetOf(described()), [url])
    await expect(readFinal('j')).rejects.toThrow(/UND_ERR_RES_EXCEEDED_MAX_SIZE|exceed/i)
  })

  test('is none where it knows no such task', async () => {
    const url = await serve(({ method }) => (method === 'POST' ? [200, { id: 'j', status: 'done' }] : [404, {}]))
    expect(await (await ask(targetOf(described()), [url])).readFinal('j')).toBeUndefined()
  })
})

describe('a service that takes no key', () => {
  const { key: _, ...keyless } = mapping
  const without: Speech = { kind: 'mapping', mapping: keyless }
  /** Answers the first submission like this, and accepts every later one. */
  const once = (first: Reply | 'cut') =>
    serve(({ method, nth }) => {
      if (method === 'GET') return [200, { id: 'j', status: 'done' }]
      return nth === 0 ? first : [201, { id: 'j' }]
    })
  const submissions = (seen: readonly Observation[]) =>
    seen.filter(({ f, type }) => f === 'submit' && type === 'invoke')

  const soon = { 'retry-after': '0' }
  test.each<{ readonly first: Reply }>([
    { first: [429] },
    { first: [429, { error: 'slow down' }, soon] },
    { first: [425] },
    { first: [503, '<h1>full</h1>', soon] },
    { first: [503, {}, { 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }] },
    { first: [413, {}, soon] },
    { first: [403, {}, soon] },
  ])('has not accepted what it turned away ($first): the client asks again', async ({ first }) => {
    const { ended, seen } = await ask(targetOf(without), [await once(first)])
    expect(ended).toMatchObject({ status: 'completed' })
    expect(submissions(seen)).toHaveLength(2)
  })

  test('is given the time that it asks for', async () => {
    const began = performance.now()
    const { ended } = await ask(targetOf(without), [await once([503, {}, { 'retry-after': '1' }])], 3000)
    expect(ended).toMatchObject({ status: 'completed' })
    expect(performance.now() - began).toBeGreaterThan(990)
  })

  test.each<{ readonly first: Reply | 'cut' }>([
    { first: [503] },
    { first: [503, { type: '/problems/interrupted', title: 'who knows' }, soon] },
    { first: [503, { type: 'x', title: 'at work on it', task_id: 'j' }, soon] },
    { first: [500, {}, soon] },
    { first: [502, {}, soon] },
    { first: [504, {}, soon] },
    { first: [408] },
    { first: [409] },
    { first: [202] },
    { first: 'cut' },
  ])('may have accepted the first ($first): the client does not ask again, and says why', async ({ first }) => {
    const { ended, seen } = await ask(targetOf(without), [await once(first)])
    expect(ended).toMatch(/JobFailed: nobody knows whether it was accepted/)
    expect(ended).toMatch(first === 'cut' ? /socket|other side/ : new RegExp(`HTTP ${first[0]}`))
    expect(submissions(seen)).toHaveLength(1)
  })
})

describe('409 to a key that was sent before', () => {
  /** Loses the answer to the first submission, and then answers so. It knows the task `j`. */
  const losing = (conflict: Reply, begins: Reply | 'cut' = 'cut') =>
    serve(({ method, path, nth }) => {
      if (method === 'GET') return path === '/jobs/j' ? [200, { id: 'j', status: 'done', n: 77 }] : [404, {}]
      return nth === 0 ? begins : conflict
    })

  test.each<Reply>([
    [409, { id: 'j', status: 'busy' }],
    [409, { id: 'j' }],
    [409, { id: 'j', status: 'error', message: 'there is one already' }],
    [409, { id: 'j', type: 'x', title: 'there is one already', retryable: false }],
  ])('names the task: what became of it, a read says (%j %j)', async (...conflict) => {
    const { ended, acceptedAs } = await ask(targetOf(described()), [await losing(conflict as unknown as Reply)])
    expect(ended).toMatchObject({ status: 'completed', task_id: 'j' })
    expect(acceptedAs).toEqual(['j'])
  })

  test('names it by an address in a header', async () => {
    const url = await losing([409, {}, { location: 'http://there.example/jobs/j' }])
    expect((await ask(targetOf(described(atAddress)), [url])).ended).toMatchObject({ task_id: '/jobs/j' })
  })

  test('names it in words that only an adapter knows, which may say nothing of any other', async () => {
    const adapter = (read: string) =>
      adapterFile(`export default { submit: () => ({ path: '/jobs' }), status: (id) => ({ path: '/jobs/' + id }),
        ${read}, isIdempotent: true }`)
    const url = await losing([409, { error: { existing: 'j' } }])
    const knowing = await adapter(`read: ({ body }) => {
      const id = body.id ?? body.error.existing
      return { id, state: body.status === 'done' ? 'completed' : 'running', document: body }
    }`)
    expect((await ask(targetOf(knowing), [url])).ended).toMatchObject({ task_id: 'j', status: 'completed' })
    const naive = await adapter(`read: ({ body }) => ({ id: body.job.id, state: body.job.state, document: body })`)
    const { ended, broken } = await ask(targetOf(naive), [url], 500)
    expect([ended, broken]).toEqual([expect.stringMatching(/TimeoutError.*HTTP 409/), []])
  })

  test.each<Reply>([
    [409, { error: 'there is one already' }],
    [409, { id: 'conflict', message: 'there is one already' }],
    [409, '<h1>Conflict</h1>'],
  ])('names no task that a read knows: nobody can say, and it is no failure (%j %j)', async (...conflict) => {
    const { ended, acceptedAs } = await ask(targetOf(described()), [await losing(conflict as unknown as Reply)], 700)
    expect(ended).toMatch(/TimeoutError.*HTTP 409/)
    expect(acceptedAs).toEqual([])
  })

  test('that is said to be final is not certain: the first may run', async () => {
    const problem = { type: 'x', title: 'there is one already', retryable: false }
    const { ended, isCertain } = await ask(targetOf(described()), [await losing([409, problem])])
    expect([ended, isCertain]).toEqual([expect.stringMatching(/HTTP 409/), false])
  })

  test('is no word of a task where nothing was sent before: another one is in the way', async () => {
    const conflict: Reply = [409, { id: 'j', status: 'busy' }]
    const { acceptedAs } = await ask(targetOf(described()), [await losing(conflict, conflict)], 500)
    expect(acceptedAs).toEqual([])
  })
})

describe('a secret of a service that runs already', () => {
  test('is a variable of whoever starts the run, and in no message', async () => {
    vi.stubEnv('JOBS_SECRET', 's3cret')
    onTestFinished(() => void vi.unstubAllEnvs())
    const sent: unknown[] = []
    const url = await serve(({ headers }) => {
      sent.push(headers['x-api-key'])
      return [200, { id: 'j', status: 'error' }]
    })
    const { ended, seen } = await ask(targetOf(described({ headers: { 'x-api-key': 'k {env.JOBS_SECRET}' } })), [url])
    expect(sent).toEqual(['k s3cret'])
    expect(JSON.stringify([ended, seen])).not.toContain('s3cret')
  })

  test('that is not set ends the run before it begins', async () => {
    const target = targetOf(described({ headers: { 'x-api-key': '{env.NO_SUCH_VARIABLE}' } }))
    await expect(ask(target, [])).rejects.toThrow(/want the variable NO_SUCH_VARIABLE, which is not set/)
  })
})

describe('an adapter’s mistakes', () => {
  const parts = `submit: ({ key }) => ({ path: '/jobs', headers: { 'x-key': key } }),
    status: (id) => ({ path: '/jobs/' + id }), isIdempotent: true,`
  const done = () => serve(() => [200, { id: 'j', status: 'done', n: 77 }])

  test('an adapter may be of a class: nothing of it is left out', async () => {
    const speech = await adapterFile(`class Mine {
      isIdempotent = true
      words = { done: 'completed' }
      submit() { return { path: '/jobs' } }
      status(id) { return { path: '/jobs/' + id } }
      read({ body }) { return { id: body.id, state: this.words[body.status], document: body } }
      isRight() { return false }
    }
    export default new Mine()`)
    const { ended, broken } = await ask(targetOf(speech), [await done()])
    expect(broken).toEqual([])
    expect(ended).toMatchObject({ status: 'completed', result: { digest: expect.stringMatching(/^wrong-/) as string } })
  })

  test.each([
    ['a state that there is not', `read: ({ body }) => ({ id: body.id, state: 'done', document: body }),`, /"done"/],
    ['a promise', `async read({ body }) { return { id: body.id, state: 'completed', document: body } },`, /read/],
    ['no id that is a text', `read: ({ body }) => ({ id: {}, state: 'completed', document: body }),`, /id/],
  ])('%s ends the run, and is not the service’s', async (_, read, said) => {
    const { broken } = await ask(
      targetOf(await adapterFile(`export default { ${parts} ${read} }`)),
      [await done()],
      500,
    )
    expect(broken[0]?.message).toMatch(said)
  })

  test.each([
    ['a path that no address has', `({ path: 'http://[bad' })`, /no path/],
    ['a method of its own', `({ path: '/jobs', method: 'TRACE' })`, /method "TRACE"/],
    ['a name that no header has', `({ path: '/jobs', headers: { 'x y': 'z' } })`, /header.*x y/],
    ['a value that no header has', `({ path: '/jobs', headers: { x: 'a\\nb' } })`, /header.*x/],
    ['no value of a header', `({ path: '/jobs', headers: { x: undefined } })`, /header.*x/],
    ['a body that is its own part', `(() => { const c = {}; c.c = c; return { path: '/jobs', body: c } })()`, /a body/],
    ['a body that JSON has not', `({ path: '/jobs', body: { n: 10n } })`, /a body/],
  ])('%s ends the run', async (_, request, said) => {
    const read = `read: ({ body }) => ({ id: body.id, state: 'completed', document: body }), isIdempotent: true`
    const text = `export default { submit: () => ${request}, status: () => ({ path: '/jobs/j' }), ${read} }`
    const { broken } = await ask(targetOf(await adapterFile(text)), [await done()], 500)
    expect(broken[0]?.message).toMatch(/^the adapter of mine gave .* in submit$/)
    expect(broken[0]?.message).toMatch(said)
  })

  test('a request without a path ends the run', async () => {
    const text = `export default { async submit() { return { path: '/jobs' } }, read: () => undefined, isIdempotent: true }`
    const { broken } = await ask(targetOf(await adapterFile(text)), [await done()], 500)
    expect(broken[0]?.message).toMatch(/submit/)
  })

  test('isRight that throws at the first result ends the run', async () => {
    const read = `read: ({ body }) => ({ id: body.id, state: 'completed', document: body }),`
    const text = `export default { ${parts} ${read} isRight: (document) => document.no.where }`
    const { broken } = await ask(targetOf(await adapterFile(text)), [await done()], 500)
    expect(broken[0]?.message).toMatch(/isRight/)
  })

  test.each([
    ['a promise', 'async isRight() { return true }'],
    ['a promise of no', 'isRight: async () => false'],
    ['a text', `isRight: () => 'yes'`],
    ['nothing', 'isRight() {}'],
  ])('isRight that gives %s ends the run: it would be yes, or no, for every result', async (what, isRight) => {
    const read = `read: ({ body }) => ({ id: body.id, state: 'completed', document: body }),`
    const { broken, ended } = await ask(
      targetOf(await adapterFile(`export default { ${parts} ${read} ${isRight} }`)),
      [await done()],
      500,
    )
    expect(broken[0]?.message).toBe('the adapter of mine gave neither true nor false in isRight')
    expect([what, ended]).toEqual([what, expect.not.objectContaining({ status: 'completed' })])
  })

  test('after the run a result is held against the work that was submitted', async () => {
    const read = `read: ({ body }) => ({ id: body.id, state: 'completed', document: body }),`
    const text = `export default { ${parts} ${read} isRight: (document, { input }) => document.n === input.seed }`
    const { ended, readFinal } = await ask(targetOf(await adapterFile(text)), [await done()])
    expect(ended).toMatchObject({ result: { digest: 'right' } })
    expect(await readFinal('j')).toMatchObject({ result: { digest: 'right' } })
  })
})

describe('a final read that finds no task', () => {
  const done = { id: 'j', status: 'done' }
  const task = { task_id: 'j', status: 'completed', version: 2, result: { digest: 'd' } }
  const finalOf = async (speech: Speech, accepted: object, last: Reply) => {
    let isOver = false
    const url = await serve(() => (isOver ? last : [202, accepted]))
    const { readFinal } = await ask(targetOf(speech), [url])
    isOver = true
    return readFinal('j').then(
      (found) => found,
      (error: Error) => error.message,
    )
  }
  const page = (status: number): Reply => [status, '<!DOCTYPE html><h1>No</h1>', { 'content-type': 'text/html' }]

  test.each<[string, Reply]>([
    ['a page', page(404)],
    ['a page that says gone', page(410)],
    ['a page of no type', [404, '\n<html><body>nginx</body></html>']],
  ])('is not told by %s: a gateway knows no tasks', async (_, last) => {
    expect(await finalOf(described(), done, last)).toMatch(/^HTTP 4\d\d, a page/)
    expect(await finalOf({ kind: 'task-api' }, task, last)).toMatch(/^HTTP 4\d\d/)
  })

  test.each<[string, Reply]>([
    ['JSON', [404, { error: 'no such job' }]],
    ['text', [404, 'Not Found', { 'content-type': 'text/plain' }]],
    ['nothing', [410, '']],
  ])('is told by a described API in %s', async (_, last) => {
    expect(await finalOf(described(), done, last)).toBe(undefined)
  })

  test('is told by the task API as a problem, and not otherwise', async () => {
    const api: Speech = { kind: 'task-api' }
    expect(await finalOf(api, task, [404, { type: '/problems/not-found', title: 'No' }])).toBe(undefined)
    expect(await finalOf(api, task, [404, { message: 'no Route matched' }])).toMatch(/^HTTP 404/)
  })
})
