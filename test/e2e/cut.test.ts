import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { findLabelled } from '../../harness/cleanup/processes.ts'
import type { RunResults } from '../../harness/model/results.ts'
import { outlast, root, startOutlast, temporaryFolders } from '../support/outlast.ts'
import { spawn } from '../support/programs.ts'

// @alone: on a starved machine a run that was cut is INVALID, and not INCONCLUSIVE.

const command = ['run', 'scenarios/smoke.yaml', '--no-verify']
const cut = /interrupted at \d+:\d\d of \d+:\d\d, \d+ of 40 tasks cut or not sent/

async function onlyRun(out: string): Promise<string> {
  return join(out, (await readdir(out))[0]!)
}

it('a run that is interrupted has results, a report, and says what was cut', async () => {
  await using folders = await temporaryFolders()
  const child = startOutlast([...command, '--out', folders.out], folders.tmp)
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
  while (!said.includes(': load')) await sleep(50)
  child.stdout!.resume()
  await sleep(800)
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([2, null])
  const folder = await onlyRun(folders.out)
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['results.json', 'report.html', 'report.md']))
  const { cells, verdict } = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')) as RunResults
  expect(verdict).toBe('INCONCLUSIVE')
  for (const { reasons, outcomes, success, cell } of cells) {
    expect(reasons).toEqual([expect.stringMatching(cut)])
    expect(reasons[0]).toContain('(SIGINT)')
    expect(outcomes.cut).toBeGreaterThan(0)
    expect(outcomes.not_offered).toBe(0)
    expect(success.n + outcomes.cut).toBe(cell.tasks)
  }
  const checked = await outlast(['check', folder], folders.tmp)
  expect([checked.code, checked.stdout]).toEqual([2, expect.stringMatching(cut)])
  expect(await readdir(folders.tmp)).toEqual([])
})

it('cells that are interrupted while they are prepared say by what, all of them', async () => {
  await using folders = await temporaryFolders()
  const child = startOutlast([...command, '--out', folders.out], folders.tmp)
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
  while (said.match(/: deploy/g)?.length !== 2) await sleep(20)
  child.stdout!.resume()
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([2, null])
  const text = await readFile(join(await onlyRun(folders.out), 'results.json'), 'utf8')
  const { reasons } = JSON.parse(text) as RunResults
  expect(reasons.length).toBeGreaterThan(0)
  for (const reason of reasons) expect(reason).toMatch(/\(SIGINT\)$|was planned and has no result$/)
})

it('a run that is interrupted before it measured anything exits as what is interrupted does', async () => {
  await using folders = await temporaryFolders()
  const child = startOutlast(['run', 'scenarios/smoke.yaml', '--out', folders.out], folders.tmp)
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
  while (!said.includes('contract')) await sleep(20)
  child.stdout!.resume()
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([130, null])
  const results = JSON.parse(await readFile(join(await onlyRun(folders.out), 'results.json'), 'utf8')) as RunResults
  expect([results.verdict, results.cells]).toEqual(['INCONCLUSIVE', []])
  expect(await readdir(folders.tmp)).toEqual([])
})

it('a run with a time limit ends in the same way', async () => {
  await using folders = await temporaryFolders()
  const run = await outlast([...command, '--out', folders.out, '--max-duration', '1s'], folders.tmp)
  expect(run.stdout).toMatch(/interrupted at .*\(--max-duration 1s\)|was planned and has no result/)
  expect(run.code).toBe(2)
  expect((await outlast(['check', await onlyRun(folders.out)], folders.tmp)).code).toBe(2)
})

it.each(['soon', '10', '-5m'])('a time limit of %s is refused', async (limit) => {
  await using folders = await temporaryFolders()
  const run = await outlast([...command, '--out', folders.out, `--max-duration=${limit}`], folders.tmp)
  expect([run.code, run.stderr]).toEqual([3, expect.stringContaining('--max-duration')])
})

/** On an older Node the process that a user starts only hands over to another one. */
const asIfOld = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.0.0'}})`

it('kill -9 of the process that hands over to the pinned Node ends the run, and leaves nothing', async () => {
  await using folders = await temporaryFolders()
  const args = ['--import', asIfOld, 'bin/outlast.js', ...command, '--out', folders.out]
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, TMPDIR: folders.tmp } })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdout.resume()
  while (!said.includes(': load')) await sleep(50)
  const [temp] = await readdir(folders.tmp)
  const run = temp!.replace(/^outlast-/, '')
  expect(findLabelled(run).length).toBeGreaterThan(2)
  const [exited] = [once(child, 'exit'), child.kill('SIGKILL')]
  await exited
  const deadline = Date.now() + 10_000
  const left = async () => [...findLabelled(run).map(({ command: one }) => one), ...(await readdir(folders.tmp))]
  while ((await left()).length > 0 && Date.now() < deadline) await sleep(100)
  expect(await left()).toEqual([])
})
