import { once } from 'node:events'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, test, vi } from 'vitest'
import { spawnChild } from '../../../harness/os/child.ts'
import { closeRun, labelIn, labelRun, newRunName, readRunName, thisProcess } from '../../../harness/os/label.ts'
import { findLabelled } from '../../../harness/cleanup/processes.ts'
import { spawn } from '../../support/programs.ts'

afterEach(() => labelRun(undefined))

/** The suite has a label of its own: what is started here is inside it. */
const suite = process.env['OUTLAST_RUN']!
const sleeper = { command: 'sleep', args: ['60'], logFile: '/dev/null' }

test('a child of a run is found by its name, and says who owns it', async () => {
  const run = newRunName()
  labelRun(run)
  const child = await spawnChild(sleeper)
  try {
    expect(findLabelled(run)).toEqual([
      expect.objectContaining({ pid: child.pid, run, isReaper: false, command: 'sleep 60', owner: thisProcess() }),
    ])
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  expect(findLabelled(run)).toEqual([])
})

test('a run inside a run is found by the name of both', async () => {
  const run = newRunName()
  labelRun(run)
  const child = await spawnChild(sleeper)
  try {
    expect(findLabelled(suite)).toContainEqual(expect.objectContaining({ pid: child.pid, run, within: [suite] }))
  } finally {
    child.kill('SIGKILL')
  }
})

test('a server that wrote its title over its label is found by where it is', async () => {
  const run = newRunName()
  const place = join(await mkdtemp(join(tmpdir(), 'test-of-outlast-')), `outlast-${run}`, '20000')
  await mkdir(place, { recursive: true })
  const server = spawn('sh', ['-c', 'exec env -i sleep 60'], { cwd: place, stdio: 'ignore' })
  const visitor = spawn('sleep', ['60'], { cwd: place, stdio: 'ignore' })
  await vi.waitFor(() =>
    expect(findLabelled(run)).toEqual([expect.objectContaining({ pid: server.pid, run, within: [suite] })]),
  )
  for (const child of [server, visitor]) child.kill('SIGKILL')
})

test('after the end of a run nothing is started', async () => {
  labelRun(newRunName())
  closeRun()
  await expect(spawnChild(sleeper)).rejects.toThrow('the run has ended')
})

describe('the name of a run', () => {
  test('tells the pid and the time', () => {
    const { pid, startedAtMs } = readRunName(newRunName())!
    expect(pid).toBe(process.pid)
    expect(Math.abs(Date.now() - startedAtMs)).toBeLessThan(1000)
  })

  it.each(['', 'x', '12', '12-', '12-abc', '-mx0tcxl0', '12-MX0TCXL0', '12-mx0tcxl0-forgotten', '1e3-mx0tcxl0'])(
    'is not %j',
    (text) => {
      expect(readRunName(text)).toBeUndefined()
    },
  )
})

describe('a label', () => {
  it('is none without a run', () => {
    expect(labelIn([])).toBeUndefined()
    expect(labelIn(['OUTLAST_RUN=', 'OUTLAST_RUNNER=1'])).toBeUndefined()
  })

  it.each(['', 'x', '{}', '[]', 'null', '{"pid":"1","startTicks":"2","place":"3"}'])(
    'whose owner is %j names none',
    (owner) => {
      expect(labelIn(['OUTLAST_RUN=a', `OUTLAST_OWNER=${owner}`])).toEqual({ run: 'a', within: [], isReaper: false })
    },
  )
})
