import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openJournal } from '../../../harness/cleanup/journal.ts'
import { describeLeftovers, findRuns } from '../../../harness/cleanup/leftovers.ts'
import { removeRun } from '../../../harness/cleanup/sweep.ts'
import { bringBack } from '../../../harness/cleanup/owners-services.ts'
import { answersAt, untilAnswers } from '../../../harness/os/answers.ts'
import { thisProcess } from '../../../harness/os/label.ts'
import { holdPort } from '../../../harness/os/ports.ts'
import type { OwnersService } from '../../../harness/model/runtime.ts'

const run = '1-owners-services'

/** A service of the user's that is down, a command that brings it back, and the folder of a run that died. */
async function leftDown(state: OwnersService['state'] = 'down', command?: readonly string[]) {
  const root = await mkdtemp(join(tmpdir(), 'owners-'))
  const [folder, cwd] = [join(root, `outlast-${run}`), join(root, 'mine')]
  await mkdir(folder, { mode: 0o700 })
  await mkdir(cwd)
  using held = await holdPort()
  const { port } = held
  const text = `import { createServer } from 'node:http'
import { appendFileSync } from 'node:fs'
const { MINE, OUTLAST_RUN } = process.env
createServer((_, response) => response.end('up')).listen(${port}, '127.0.0.1', () => {
  appendFileSync('starts', JSON.stringify({ pid: process.pid, MINE, OUTLAST_RUN }) + '\\n')
})
setTimeout(() => process.exit(), 60_000)`
  await writeFile(join(cwd, 'service.mjs'), text)
  const restart = command ?? ['sh', '-c', `"${process.execPath}" service.mjs &`]
  const url = `http://127.0.0.1:${port}`
  const service = { kind: 'service', name: `api-0 of a.kill.1, at ${url}`, state, url, restart, cwd } as const
  const down: OwnersService = { ...service, logFile: join(root, 'gone', 'api-0.log') }
  const starts = async (): Promise<
    readonly { readonly pid: number; readonly MINE?: string; readonly OUTLAST_RUN?: string }[]
  > => {
    const lines = await readFile(join(cwd, 'starts'), 'utf8').catch(() => '')
    return lines
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { pid: number })
  }
  onTestFinished(async () => {
    for (const { pid } of await starts()) process.kill(pid, 'SIGKILL')
    await rm(root, { recursive: true, force: true })
  })
  const note = async (...entries: readonly OwnersService[]): Promise<void> => {
    await using journal = await openJournal(folder)
    for (const entry of entries) await journal.note(entry)
  }
  await note(down)
  return { folder, cwd, url, down, note, starts }
}

test('what a dead run took down is up again, as its owner starts it, before the run is forgotten', async () => {
  const { folder, url, starts } = await leftDown()
  expect(await removeRun(run, folder, [], { env: { PATH: process.env['PATH'], MINE: 'yes' } })).toEqual([])
  expect(await answersAt(url)).toBe(true)
  expect(await starts()).toEqual([{ pid: expect.any(Number) as number, MINE: 'yes' }])
  await expect(stat(folder)).rejects.toThrow(/ENOENT/)
})

test('who answers is left alone, and so is what was brought back', async () => {
  const { folder, down, note, starts } = await leftDown()
  await bringBack([down], { env: process.env })
  expect(await removeRun(run, folder, [])).toEqual([])
  expect(await starts()).toHaveLength(1)
  await mkdir(folder, { mode: 0o700 })
  await note(down, { ...down, state: 'up', url: 'http://127.0.0.1:1' })
  expect(await removeRun(run, folder, [])).toEqual([])
  expect(await starts()).toHaveLength(1)
})

test('a command that was under way when the run died is not given a second time', async () => {
  const { down, cwd, url, starts } = await leftDown('restarting')
  const slow = bringBack([down], { env: process.env, limitMs: 5000 })
  await bringBack([{ ...down, state: 'down', cwd }], { env: process.env })
  await untilAnswers(url, true, 5000)
  expect(await slow).toEqual([])
  expect(await starts()).toHaveLength(1)
})

test('a command that fails leaves the record for the next one who cleans up', async () => {
  const { folder, down, note } = await leftDown('down', ['sh', '-c', 'exit 7'])
  expect(await removeRun(run, folder, [])).toEqual([
    expect.stringMatching(/^service api-0 of a\.kill\.1, at http:.* is down, and its command "restart" .*exit code 7/),
  ])
  await note({ ...down, restart: ['sh', '-c', `"${process.execPath}" service.mjs &`] })
  expect(await removeRun(run, folder, [])).toEqual([])
  expect(await answersAt(down.url)).toBe(true)
})

test('a record that others may have written is obeyed in nothing', async () => {
  const { folder, starts } = await leftDown()
  await chmod(join(folder, 'journal.ndjson'), 0o666)
  expect(await removeRun(run, folder, [])).toEqual([expect.stringMatching(/may be written by others/)])
  expect(await starts()).toEqual([])
})

test('a line that is no such record is obeyed in nothing', async () => {
  const { folder, note, down, starts } = await leftDown()
  const odd = [
    { ...down, restart: 'reboot' },
    { ...down, restart: [] },
    { ...down, url: 'nowhere' },
  ]
  for (const [i, entry] of odd.entries()) await note({ ...entry, name: `odd-${i}` } as unknown as OwnersService)
  await note({ ...down, state: 'up' })
  expect(await removeRun(run, folder, [])).toEqual([])
  expect(await starts()).toEqual([])
})

test('the survey of dead runs names it', async () => {
  const { folder, down } = await leftDown()
  vi.stubEnv('TMPDIR', dirname(folder))
  onTestFinished(() => void vi.unstubAllEnvs())
  await writeFile(join(folder, 'owner.json'), JSON.stringify({ run, ...thisProcess(), startTicks: '1' }))
  const [found] = (await findRuns([], 'here')).runs
  expect(found).toMatchObject({ run, state: 'dead', down: [down.name] })
  expect(describeLeftovers(found!)).toMatch(/your service api-0 of a\.kill\.1, at http:\S+, which it took down/)
})
