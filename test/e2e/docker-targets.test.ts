import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolveImages } from '../../harness/runtimes/docker/images/resolve.ts'
import { runtimes } from '../support/deployment.ts'
import { standing } from '../support/docker-things.ts'
import { outlast, root, temporaryFolders } from '../support/outlast.ts'
import { makePythonImage, whyNoPython } from '../support/python-image.ts'
import { readResults, runUndisturbed } from '../support/undisturbed.ts'
import { isWhole } from '../support/whole.ts'

const reason = (await runtimes.get('docker')!.probe()) ?? (await whyNoPython())
if (reason) console.log(`targets in containers skipped: ${reason}`)

const [jobsImage, timerImage] = ['jobs', 'timer'].map((name) => `test-of-outlast/${name}:${process.pid}`) as [
  string,
  string,
]

/** The rest of a scenario, whatever runs. What is asked here is whether it works, also on a machine that does other things. */
const load = `patterns: [jobs]
load: { tasks: 40, arrivals: uniform, rate: 40/min }
grace: 3m
health: { pacerLagP99: 500ms, eventLoopDelayP99: 500ms }
`

const image = `name: own-image
question: Does our job service keep what it accepted while its containers die?
seed: 11
timeScale: 10
targets:
  jobs:
    image: ${jobsImage}
    port: 8080
    replicas: { api: 2 }
    env: { HOST: '{host}', STORE: '{data}/jobs.db', TOKEN: '{token}', TOOLS: '{tools}', NODE: '{node}', SCALE: '{timeScale}' }
    passEnv: [BUG]
    ready: /healthz
    api:
      submit: POST /jobs
      status: GET /jobs/{id}
      body: { topic: '{key}' }
      key: idempotency-key
      states: { queued: [queued], running: [running], completed: [done] }
    work: { takes: 20s, steps: 4, right: '$.result.topic == "{key}"' }
    promises: [no-lost-task, idempotency, effect-once, effect-at-least-once, result-integrity]
    durable: true
    patience: 10s
${load}arms:
  none: []
  kill: [{ fault: kill, target: jobs.api-0, at: 20s, for: 10s }]
  drop: [{ fault: drop, target: client->api, at: 20s, for: 10s }]
`

const compose = `name: own-compose
question: Does our job service keep what it accepted while its store dies?
seed: 11
timeScale: 10
targets:
  jobs:
    compose: docker-compose.yml
    services: { api: web, store: cache }
    env: { SCALE: '{timeScale}' }
    ready: /healthz
    api:
      submit: POST /jobs
      status: GET /jobs/{id}
      body: { topic: '{key}' }
      key: idempotency-key
      states: { running: [running], completed: [done] }
    work: { takes: 5s, right: '$.topic == "{key}"' }
    promises: [no-lost-task, idempotency, result-integrity]
    durable: true
${load}arms:
  none: []
  kill: [{ fault: kill, target: jobs.store, at: 20s, for: 10s }]
  drop: [{ fault: drop, target: api->store, at: 20s, for: 10s }]
`

/** The store is the image that the suite has anyway. Its volume has a name, and the web finds it under its own. */
const composeFile = (redis: string): string => `services:
  web:
    image: ${timerImage}
    restart: always
    ports: ['8000:8080']
    environment: { REDIS: 'cache:6379' }
    depends_on: [cache]
  cache:
    image: ${redis}
    command: redis-server --appendonly yes --appendfsync always --bind 0.0.0.0 --protected-mode no
    expose: [6379]
    volumes: ['jobs:/data']
volumes: { jobs: }
`

/** A folder with the scenario and the compose file, with parts of them replaced. */
async function written(text: string, ...replaced: readonly (readonly [string | RegExp, string])[]) {
  const folder = await mkdtemp(join(tmpdir(), 'docker-targets-'))
  const redis = (await resolveImages()).get('redis')!.reference
  const file = join(folder, 'own.yaml')
  const replace = (text: string): string => replaced.reduce((all, [from, to]) => all.replace(from, to), text)
  await writeFile(file, replace(text))
  await writeFile(join(folder, 'docker-compose.yml'), replace(composeFile(redis)))
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** It takes the whole minute in which a target may become ready. */
const outOfReach: readonly [string, string, readonly [string | RegExp, string], RegExp] = [
  'listens where nobody can reach it',
  image,
  ["HOST: '{host}', ", ''],
  /api-\d was not ready within 60 s, as GET http:\S+:8080\/healthz did not answer 200/,
]

describe.skipIf(reason !== undefined)('a target in containers', () => {
  const made = new AsyncDisposableStack()
  const ids = new Map<string, string>()
  beforeAll(async () => {
    const programs = [
      [jobsImage, 'examples/own-service/python/service.py'],
      [timerImage, 'test/support/compose/timer.py'],
    ] as const
    for (const [reference, program] of programs)
      ids.set(reference, made.use(await makePythonImage(reference, join(root, program))).id)
  })
  afterAll(() => made.disposeAsync())

  it.for([
    ['an image, two of it on one volume', image, jobsImage, 'jobs.api'],
    ['services of a compose file', compose, timerImage, 'jobs.api'],
  ] as const)('%s: its promises hold under faults that are proven, and nothing is left', async (one, test) => {
    const [, text, reference, title] = one
    await using folders = await temporaryFolders()
    await using own = await written(text)
    const before = await standing()
    const run = await runUndisturbed([own.file, '--runtime', 'docker'], folders, test)
    const { results, folder, code } = run
    expect((await standing()).filter((one) => !before.includes(one))).toEqual([])
    expect(results.verdict, results.reasons.join('\n')).toBe('PASS')
    expect(code).toBe(0)
    const faults = results.cells.flatMap(({ faults }) => faults)
    expect(faults.map(({ proven }) => proven)).toEqual([true, true])
    const environment = JSON.parse(await readFile(join(folder, 'environment.json'), 'utf8')) as {
      runtime: Record<string, string>
    }
    expect(environment.runtime[`image ${title}`]).toBe(`${reference} ${ids.get(reference)} (yours)`)
    expect(await readdir(folders.tmp)).toEqual([])
  })

  it.for<readonly [string, string, readonly [string | RegExp, string], RegExp]>([
    [
      'an image that is not here',
      image,
      [/image: .*/, 'image: no-such/image:1'],
      /no-such\/image:1 is not on this machine/,
    ],
    ['a compose file that is not here', compose, [/compose: .*/, 'compose: no-such.yml'], /no-such\.yml/],
    ['a service that the file has not', compose, ['api: web', 'api: wbe'], /no service "wbe" \(did you mean "web"\?\)/],
  ])('%s is refused before anything starts', async ([, text, replaced, said]) => {
    await using folders = await temporaryFolders()
    await using own = await written(text, replaced)
    const before = await standing()
    const run = await outlast(['run', own.file, '--runtime', 'docker', '--out', folders.out], folders.tmp)
    expect(run.stderr).toMatch(said)
    expect(run.stderr).not.toMatch(/^ +at /m)
    expect(run.code).toBe(3)
    expect(await readdir(folders.out)).toEqual([])
    expect((await standing()).filter((one) => !before.includes(one))).toEqual([])
  })

  it.for<readonly [string, string, readonly [string | RegExp, string], RegExp]>([
    ...(isWhole ? [outOfReach] : []),
    [
      'ends at once',
      image,
      ['port: 8080', 'port: 8080\n    command: [/srv/nothing.py]'],
      /api-\d ended while it was starting: .*nothing\.py/,
    ],
    [
      'is not in it',
      compose,
      ['restart: always', 'entrypoint: [/no/such/program]'],
      /api-0 could not be started: exec: "\/no\/such\/program": .*no such file/,
    ],
  ])('an image whose program %s makes an INVALID cell that says so', async ([, text, replaced, said]) => {
    await using folders = await temporaryFolders()
    await using own = await written(text, replaced, [/arms:[^]*/, 'arms: { none: [] }\n'])
    const before = await standing()
    const run = await outlast(['run', own.file, '--runtime', 'docker', '--out', folders.out], folders.tmp)
    expect(run.stdout.replaceAll(/\s+/g, ' ')).toMatch(said)
    expect(run.stderr).not.toMatch(/^ +at /m)
    expect(run.code).toBe(4)
    const [folder] = await readdir(folders.out)
    const { cells } = await readResults(join(folders.out, folder!))
    expect(cells.map(({ verdict }) => verdict)).toEqual(['INVALID'])
    expect((await standing()).filter((one) => !before.includes(one))).toEqual([])
    expect(await readdir(folders.tmp)).toEqual([])
  })
})
