import { expect, test } from 'vitest'
import { page } from '../../../reports/html/page.ts'
import { replayOf } from '../../../reports/replay.ts'
import { study } from './study.ts'
import { execFileSync } from '../../support/programs.ts'

const results = study(12)

/** What the shell makes of it. */
function words(command: string): readonly string[] {
  return execFileSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n')
}

test('names what the run had, and nothing else', () => {
  expect(replayOf({ ...results, folder: 'runs/a' })).toBe(
    'npx outlast run runs/a/scenario.yaml --seed 42 --schedule runs/a/schedule.json',
  )
})

test('is taken by a shell as it was meant', () => {
  const selection = { patterns: ['polling+memory', 'sync'], arms: ["it's", 'none'] }
  const plan = { ...results.plan, runtime: 'docker', selection }
  const folder = "/tmp/a run's $HOME"
  expect(words(replayOf({ ...results, plan, folder }))).toEqual([
    'npx',
    'outlast',
    'run',
    `${folder}/scenario.yaml`,
    '--seed',
    '42',
    '--schedule',
    `${folder}/schedule.json`,
    '--runtime',
    'docker',
    '--patterns',
    'polling+memory,sync',
    '--arms',
    "it's,none",
  ])
})

test('so are the other commands of a page, whatever a run and its tasks are called', () => {
  const [run, task] = ['a; touch b', 't-1 $(touch c)']
  const cells = results.cells.map((cell) => ({ ...cell, tasks: cell.tasks.map((one) => ({ ...one, task })) }))
  const text = page({ ...results, run, cells }).markup
  const shown = [...text.matchAll(/<code>(npx outlast (?:explain|report) .*?)<\/code>/g)].map(([, command]) => command!)
  expect(shown).toContain(`npx outlast report 'runs/a; touch b'`)
  expect(shown).toContain(`npx outlast explain 'runs/a; touch b' 't-1 $(touch c)' --cell sync.idle-timeout.1`)
})
