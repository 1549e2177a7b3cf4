import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isAlive, thisProcess } from '../../../harness/os/label.ts'
import { ownerLabels, readOwner } from '../../../harness/runtimes/docker/containers/sweep.ts'
import { spawn, spawnSync } from '../../support/programs.ts'

const me = thisProcess()

test('this process lives', () => {
  expect(isAlive(me)).toBe(true)
})

test('a process with its pid but another start is not it', () => {
  expect(isAlive({ ...me, startTicks: '1' })).toBe(false)
})

test('a process that has ended is dead', () => {
  const { pid } = spawnSync('true')
  expect(isAlive({ ...me, pid: pid! })).toBe(false)
})

test('of another machine, boot or pid namespace nothing can be told', () => {
  expect(isAlive({ ...me, place: 'elsewhere' })).toBeUndefined()
})

test.skipIf(process.platform !== 'linux')('a zombie is dead', async () => {
  // The shell becomes a program that never waits for the child which it inherits.
  const child = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const stat = `/proc/${line.toString().trim()}/stat`
  while (!readFileSync(stat, 'utf8').includes(') Z ')) await sleep(10)
  const fields = readFileSync(stat, 'utf8').split(') ')[1]!.split(' ')
  expect(isAlive({ ...me, pid: Number(line), startTicks: fields[19]! })).toBe(false)
  child.kill('SIGKILL')
})

test('labels name the owner, and say when they do not', () => {
  expect(readOwner(ownerLabels())).toEqual(me)
  expect(readOwner({ 'outlast.run': '1-a' })).toBeUndefined()
})
