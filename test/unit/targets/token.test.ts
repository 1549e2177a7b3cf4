import { expect, test } from 'vitest'
import { parseScenario } from '../../../harness/scenario/parse.ts'
import { openRegistry } from '../../../harness/registry.ts'
import { secretsOf } from '../../../harness/targets/secrets.ts'
import { tokenFor } from '../../../harness/targets/token.ts'

const catalog = await openRegistry().catalog()

const targetOf = (program: string) =>
  parseScenario(
    `name: own
question: Does it hold?
targets: { mine: { ${program}, work: { takes: 2s } } }
patterns: [mine]
load: { tasks: 20, rate: 1/s }
arms: { none: [] }
`,
    '/there/own.yaml',
    catalog,
  ).targets[0]

test('a service that runs already is asked with its own token, one that is started with a new one', () => {
  const remote = targetOf('url: http://127.0.0.1:8080')
  expect(tokenFor(remote, 'the-token-of-this-service')).toBe('the-token-of-this-service')
  expect(tokenFor(remote, '')).toMatch(/^[\w-]{32}$/)
  const started = targetOf('start: [node, service.js]')
  expect(tokenFor(started, 'the-token-of-this-service')).toMatch(/^[\w-]{32}$/)
  expect(tokenFor(started, 'x')).not.toBe(tokenFor(started, 'x'))
})

test('secrets of a target are its own token, variables in headers, and those that its processes are passed', () => {
  const env = { OUTLAST_TOKEN: 'own', ONE: '1', TWO: '2', THREE: '3' }
  const names = (program: string) => secretsOf(targetOf(program), env).map(({ name, value }) => `${name}=${value}`)
  const api = `api: { submit: POST /jobs, status: 'GET /jobs/{id}', states: { completed: [done] }, headers: { a: 'Key {env.ONE}', b: '{env.NONE}' } }`
  expect(names('url: http://127.0.0.1:8080')).toEqual(['OUTLAST_TOKEN=own'])
  expect(names(`url: http://127.0.0.1:8080, ${api}`)).toEqual(['OUTLAST_TOKEN=own', 'ONE=1'])
  expect(names('start: [node, service.js], passEnv: [TWO]')).toEqual(['TWO=2'])
  expect(secretsOf(undefined, env)).toEqual([])
})
