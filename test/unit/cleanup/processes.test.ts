import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { spawnChild } from '../../../harness/os/child.ts'
import { labelRun, newRunName, processAt, thisProcess } from '../../../harness/os/label.ts'
import { forgetSessions, keepSessions } from '../../../harness/os/sessions.ts'
import { endProcesses, findLabelled, listLabelled } from '../../../harness/cleanup/processes.ts'
import { readSessions } from '../../../harness/cleanup/sessions.ts'
import { removeRun } from '../../../harness/cleanup/sweep.ts'
import { findRuns } from '../../../harness/cleanup/leftovers.ts'
import { spawn, spawnSync } from '../../support/programs.ts'

/** A process that says of itself what is given. */
async function startLabelled(env: Readonly<Record<string, string>>) {
  // The door's own label comes on top: the program sets this one itself.
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const child = spawn('env', ['-i', ...pairs, 'sleep', '60'], { stdio: 'ignore' })
  const gone = once(child, 'exit')
  await vi.waitFor(() => expect(listLabelled().find(({ pid }) => pid === child.pid)?.command).toBe('sleep 60'))
  return { pid: child.pid!, gone }
}

test('a run takes with it the runs inside it, and a reaper that takes too long', async () => {
  const [outer, inner] = [newRunName(), `${process.pid}-inside00`]
  const nested = { OUTLAST_RUN: inner, OUTLAST_WITHIN: `x,${outer}` }
  const all = [
    await startLabelled({ OUTLAST_RUN: outer }),
    await startLabelled(nested),
    await startLabelled({ ...nested, OUTLAST_REAPER: '1' }),
  ]
  const spared = await startLabelled({ OUTLAST_RUN: outer })
  const { remaining, seen } = await endProcesses(outer, new Set([spared.pid]), { patienceMs: 300 })
  expect(remaining).toEqual([])
  expect(new Set(seen.keys())).toEqual(new Set(all.map(({ pid }) => pid)))
  await Promise.all(all.map(({ gone }) => gone))
  expect(findLabelled(outer).map(({ pid }) => pid)).toEqual([spared.pid])
  process.kill(spared.pid, 'SIGKILL')
  await spared.gone
})

test('what runtimes keep of a run is removed when its processes are gone, and of the runs inside it too', async () => {
  const [outer, inner] = [newRunName(), `${process.pid}-inside01`]
  await startLabelled({ OUTLAST_RUN: inner, OUTLAST_WITHIN: outer })
  const swept: string[] = []
  const sweep = async (run: string): Promise<readonly string[]> => {
    expect(findLabelled(outer)).toEqual([])
    swept.push(run)
    return []
  }
  expect(await removeRun(outer, undefined, [{ name: 'one', resources: async () => [], sweep }])).toEqual([])
  expect(swept.toSorted()).toEqual([inner, outer].toSorted())
})

test('a run of which nothing but processes is left is found by what they say of its owner', async () => {
  const run = newRunName()
  const owner = { ...thisProcess(), pid: spawnSync('true').pid }
  const one = await startLabelled({ OUTLAST_RUN: run, OUTLAST_OWNER: JSON.stringify(owner) })
  const find = async () => (await findRuns([])).runs.find((found) => found.run === run)
  expect(await find()).toMatchObject({ state: 'dead', processes: 1 })
  expect(await removeRun(run, undefined, [])).toEqual([])
  await one.gone
  expect(await find()).toBeUndefined()
})

test('the claim goes last, and what goes on writing is ended first', async () => {
  const run = newRunName()
  const folder = join(await mkdtemp(join(tmpdir(), 'test-of-outlast-')), `outlast-${run}`)
  await mkdir(folder)
  await writeFile(join(folder, 'owner.json'), '{}')
  const script = 'while :; do mkdir -p "$0/a/b"; echo x >"$0/a/b/c"; done'
  const writer = spawn('env', ['-i', `PATH=${process.env['PATH']}`, `OUTLAST_RUN=${run}`, 'sh', '-c', script, folder])
  await vi.waitFor(async () => expect(await readdir(folder)).toContain('a'))
  expect(await removeRun(run, folder, [])).toEqual([])
  expect(writer.signalCode ?? (await once(writer, 'exit'))[1]).toBe('SIGKILL')
  await expect(readdir(folder)).rejects.toThrow('ENOENT')
  await rm(join(folder, '..'), { recursive: true })
})

const commandsOf = (mark: string): readonly string[] =>
  spawnSync('pgrep', ['-af', mark], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.includes(mark))

test.skipIf(process.platform !== 'linux')(
  'what a program starts without its environment is ended by the session that its start began',
  async () => {
    const run = newRunName()
    const folder = join(await mkdtemp(join(tmpdir(), 'test-of-outlast-')), `outlast-${run}`)
    await mkdir(folder, { mode: 0o700 })
    const mark = `sleep 60.${process.pid}`
    labelRun(run)
    keepSessions(run, folder)
    const plain = { logFile: join(folder, 'x.log') }
    const helped = `env -i ${mark}1 & wait`
    const children = [
      await spawnChild({ ...plain, command: 'sh', args: ['-c', helped] }),
      await spawnChild({ ...plain, command: 'env', args: ['-i', 'sh', '-c', helped] }),
    ]
    await vi.waitFor(() => expect(commandsOf(mark).filter((line) => !line.includes('env'))).toHaveLength(2))
    const others = await startLabelled({ OUTLAST_RUN: `${process.pid}-another0` })
    forgetSessions(run)
    labelRun(undefined)
    // The harness is gone: whoever cleans up knows what is written down.
    expect(await removeRun(run, folder, [])).toEqual([])
    expect(commandsOf(mark)).toEqual([])
    expect(children.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL'])
    process.kill(others.pid, 'SIGKILL')
    await rm(join(folder, '..'), { recursive: true })
  },
)

test('a session that ended and left nobody is none of the run any more: its pid may be another’s', async () => {
  const run = newRunName()
  const folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  labelRun(run)
  keepSessions(run, folder)
  const plain = { logFile: join(folder, 'x.log'), command: 'sh' }
  const mark = `sleep 60.${process.pid}9`
  const [gone, left] = [
    await spawnChild({ ...plain, args: ['-c', 'exit 0'] }),
    await spawnChild({ ...plain, args: ['-c', `env -i ${mark} & exit 0`] }),
  ]
  forgetSessions(run)
  labelRun(undefined)
  await vi.waitFor(() => expect(readSessions(folder).map(({ pid }) => pid)).toEqual([left.pid]), { timeout: 5_000 })
  expect(gone.exitCode).toBe(0)
  await endProcesses(run, new Set(), { sessions: readSessions(folder) })
  expect(commandsOf(mark)).toEqual([])
  await rm(folder, { recursive: true })
})

test.skipIf(process.platform !== 'linux')(
  'a session of another boot, or of a pid that another has now, ends nobody',
  async () => {
    const innocent = spawn('env', ['-i', 'sleep', '60'], { stdio: 'ignore', detached: true })
    const now = thisProcess()
    const leader = { ...now, pid: innocent.pid!, startTicks: '1' }
    const run = newRunName()
    await endProcesses(run, new Set(), { sessions: [leader] })
    const folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
    await writeFile(
      join(folder, 'sessions.ndjson'),
      `${JSON.stringify({ ...processAt(innocent.pid!), place: 'another boot' })}\n{"pid":1}\ntorn`,
      { mode: 0o600 },
    )
    expect(readSessions(folder)).toEqual([])
    expect(innocent.exitCode ?? innocent.signalCode).toBeNull()
    innocent.kill('SIGKILL')
    await rm(folder, { recursive: true })
  },
)
