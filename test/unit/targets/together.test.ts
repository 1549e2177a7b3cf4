import { describe, expect, test } from 'vitest'
import { openRegistry } from '../../../harness/registry.ts'
import { targetWarnings } from '../../../harness/model/target-remarks.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { previewPlan } from '../../../harness/plan/preview.ts'
import { parseScenario } from '../../../harness/scenario/parse.ts'

const catalog = await openRegistry().catalog()

function planOf(targets: Readonly<Record<string, string>>, top = '') {
  const written = Object.entries(targets).map(([name, target]) => `  ${name}: { ${target}, work: { takes: 20s } }`)
  const text = `name: own
question: Does it hold?
${top}
targets:
${written.join('\n')}
patterns: [${Object.keys(targets).join(', ')}]
load: { tasks: 20, rate: 1/s }
arms: { none: [] }
`
  const files = { adapters: new Map(), composes: new Map() }
  return compilePlan(parseScenario(text, '/there/own.yaml', catalog, files), catalog, { runtime: 'process' })
}

describe('processes of one target, of which not all are told that time is compressed', () => {
  const worker = `worker: { start: [work] }, store: { server: redis }`
  const told = `api: { start: [serve], env: { SCALE: '{timeScale}', DB: '{store}' } }`

  test('are named, those who are told and those who are not', () => {
    const plan = planOf({ jobs: `processes: { ${told}, ${worker} }` }, 'timeScale: 10')
    const sentence =
      'Of the processes of jobs only api is told {timeScale}: what worker does takes 10 times too long, unless it learns of it in another way.'
    expect(targetWarnings(plan)).toEqual([sentence])
    expect(previewPlan(plan)).toContain(`Warning: ${sentence}\n`)
  })

  test.each([
    ['nobody compresses time', { jobs: `processes: { ${told}, ${worker} }` }, ''],
    [
      'all are told',
      { jobs: `processes: { ${told}, worker: { start: [work, '{timeScale}'] }, store: { server: redis } }` },
      'timeScale: 10',
    ],
    ['there is one', { jobs: `start: [serve, '{timeScale}']` }, 'timeScale: 10'],
  ])('are nobody’s business where %s', (_, targets, top) => {
    expect(targetWarnings(planOf(targets, top))).toEqual([])
  })
})

test('work that says itself how time is compressed tells everybody', () => {
  const text = `name: own
question: Does it hold?
timeScale: 10
targets:
  jobs:
    processes: { api: { start: [serve, '{timeScale}'] }, worker: { start: [work] } }
    work: { takes: 20s, input: { job: '{key}', scale: '{timeScale}' } }
patterns: [jobs]
load: { tasks: 20, rate: 1/s }
arms: { none: [] }
`
  const plan = compilePlan(parseScenario(text, 'own.yaml', catalog), catalog, { runtime: 'process' })
  expect(targetWarnings(plan)).toEqual([])
})

describe('two targets at one address', () => {
  const at = (url: string): string => `url: '${url}'`
  const twice = { poll: at('http://127.0.0.1:8080'), hook: at('http://localhost:8080') }

  test('are refused where they would run at the same time', () => {
    expect(() => planOf(twice)).toThrow(
      /own\.yaml:6:3: targets: poll and hook are one service, at http:\/\/127\.0\.0\.1:8080: .*; write sideBySide: 1/,
    )
  })

  test('may take turns, and the plan says what that means', () => {
    expect(targetWarnings(planOf(twice, 'sideBySide: 1'))).toEqual([
      'poll and hook are one service, at http://127.0.0.1:8080: what one of them leaves there, the other finds.',
    ])
  })

  test('are two where the address is another', () => {
    const apart = { poll: at('http://127.0.0.1:8080'), hook: at('http://127.0.0.1:8081') }
    expect(targetWarnings(planOf(apart))).toEqual([])
  })
})

describe('a service that is asked more seldom than grace lasts', () => {
  const spoken = "api: { submit: POST /jobs, status: 'GET /jobs/{id}', states: { completed: [done] } }"
  const jobs = `start: [serve, '{timeScale}'], ${spoken}`
  const calling = spoken.replace('api: {', "api: { body: { to: '{callback}' }, callback: { id: $.id, state: $.s },")

  test('is named: its results would be late', () => {
    const warnings = targetWarnings(planOf({ jobs }, 'timeScale: 10\ngrace: 4s'))
    expect(warnings).toEqual([
      expect.stringMatching(/^jobs is asked for the state of a task every 5 s.*grace is shorter/),
    ])
  })

  test.each([
    ['grace is as long', { jobs }, 'grace: 5s'],
    ['it calls back', { jobs: `start: [serve, '{timeScale}'], client: webhook, ${calling}` }, 'grace: 4s'],
    ['it speaks the task API, whose answers say when to ask', { jobs: `start: [serve, '{timeScale}']` }, 'grace: 4s'],
  ])('is nobody’s business where %s', (_, targets, top) => {
    expect(targetWarnings(planOf(targets, top))).toEqual([])
  })
})
