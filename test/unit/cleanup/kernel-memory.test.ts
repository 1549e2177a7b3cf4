import { chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findObjects, removeObjects, removeSharedFiles, sharedFilesOf } from '../../../harness/cleanup/kernel-memory.ts'
import { run, spawn, spawnSync } from '../../support/programs.ts'

const reason = spawnSync('perl', ['-e', 'exit 0']).status === 0 ? undefined : 'no perl to make one with'
if (reason) console.warn(`System V shared memory is not made: ${reason}`)

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))))
afterEach(() => rm(folder, { recursive: true }))

/** A segment and a set of semaphores under one key, made by a process that is gone. */
async function makeObjects(key: number): Promise<{ readonly pid: number; readonly ids: readonly number[] }> {
  const script = 'print join " ", $$, shmget($ARGV[0], 56, 01600), semget($ARGV[0], 1, 01600)'
  const { stdout } = await run('perl', ['-e', script, String(key)])
  const [pid, ...ids] = stdout.split(' ').map(Number)
  return { pid: pid!, ids }
}

async function makeDatabase(): Promise<{ readonly key: number; readonly path: string }> {
  const path = join(folder, 'inner', 'data')
  await mkdir(join(path, 'pg_wal'), { recursive: true })
  return { key: Number((await stat(path, { bigint: true })).ino & 0xffff_ffffn), path }
}

const nobodyElse = new Set<number>()
const longAgo = Date.now() - 3_600_000

describe.skipIf(process.platform !== 'linux' || reason !== undefined)('what the kernel keeps of a run', () => {
  test('is found by who made it, and removed', async () => {
    const { pid, ids } = await makeObjects(0x0ff0_0000 + process.pid)
    const found = findObjects({ folder: undefined, pids: new Set([pid]), sinceMs: longAgo })
    expect(found).toEqual([expect.objectContaining({ kind: 'shared memory segment', id: ids[0], bytes: 56 })])
    await run('ipcrm', ['-s', String(ids[1])])
    expect(await removeObjects(found)).toEqual([])
    expect(findObjects({ folder: undefined, pids: new Set([pid]), sinceMs: longAgo })).toEqual([])
  })

  test('is found by the key of a database below its folder, semaphores too', async () => {
    const { key } = await makeDatabase()
    const { ids } = await makeObjects(key + 1)
    const found = findObjects({ folder, pids: nobodyElse, sinceMs: longAgo })
    expect(found.map(({ kind, id }) => [kind, id])).toEqual([
      ['shared memory segment', ids[0]],
      ['semaphore set', ids[1]],
    ])
    expect(await removeObjects(found)).toEqual([])
    expect(findObjects({ folder, pids: nobodyElse, sinceMs: longAgo })).toEqual([])
  })

  test('is not what a file says that is none', async () => {
    const { path } = await makeDatabase()
    await run('mkfifo', [join(path, 'postmaster.pid')])
    expect(findObjects({ folder, pids: nobodyElse, sinceMs: longAgo })).toEqual([])
  })

  test.skipIf(process.geteuid?.() !== 0)('is not what another user wrote down or made a key for', async () => {
    const { path, key } = await makeDatabase()
    const objects = [await makeObjects(0x0fd0_0000 + process.pid), await makeObjects(key)]
    const ids = objects.flatMap((one) => one.ids)
    await writeFile(join(path, 'postmaster.pid'), `1\n${path}\n1\n20000\n\n127.0.0.1\n  4711  ${ids[0]}\nready\n`)
    await chown(path, 65534, 65534)
    expect(findObjects({ folder, pids: nobodyElse, sinceMs: longAgo })).toEqual([])
    await chown(path, 0, 0)
    expect(
      await removeObjects(findObjects({ folder, pids: new Set(objects.map(({ pid }) => pid)), sinceMs: longAgo })),
    ).toEqual([])
    await run('ipcrm', ['-s', String(objects[0]!.ids[1])])
  })

  test('is found by what a server wrote down', async () => {
    const { path } = await makeDatabase()
    const { ids } = await makeObjects(0x0fe0_0000 + process.pid)
    await writeFile(join(path, 'postmaster.pid'), `1\n${path}\n1\n20000\n\n127.0.0.1\n  4711  ${ids[0]}\nready\n`)
    const found = findObjects({ folder, pids: nobodyElse, sinceMs: longAgo })
    expect(found.map(({ id }) => id)).toEqual([ids[0]])
    expect(await removeObjects(found)).toEqual([])
    await run('ipcrm', ['-s', String(ids[1])])
  })

  test('is not what is older than the run, what another made, or what is far from every key', async () => {
    const { key } = await makeDatabase()
    const { ids } = await makeObjects(key + 4711)
    const near = await makeObjects(key)
    try {
      expect(findObjects({ folder, pids: nobodyElse, sinceMs: Date.now() + 60_000 })).toEqual([])
      expect(findObjects({ folder: undefined, pids: new Set([process.pid]), sinceMs: longAgo })).toEqual([])
      const found = findObjects({ folder, pids: nobodyElse, sinceMs: longAgo })
      expect(found.map(({ id }) => id)).not.toContain(ids[0])
    } finally {
      for (const [segment, set] of [ids, near.ids]) await run('ipcrm', ['-m', String(segment), '-s', String(set)])
    }
  })

  test('that went by itself is no trouble', async () => {
    const gone = { kind: 'shared memory segment', id: 2 ** 30, key: 0, uid: 0, attached: 0, changedAtMs: 0 } as const
    expect(await removeObjects([gone])).toEqual([])
  })
})

describe.skipIf(process.platform !== 'linux')('a file of POSIX shared memory', () => {
  const path = `/dev/shm/test-of-outlast-${process.pid}`
  afterEach(() => rm(path, { force: true }))

  test('is seen in who has it open, stays while it is used, and goes then', async () => {
    await writeFile(path, 'x')
    const user = spawn('sh', ['-c', `exec 5<${path}; echo; exec sleep 60`])
    await new Promise((resolve) => user.stdout.once('data', resolve))
    expect(sharedFilesOf(user.pid!)).toEqual([path])
    expect(removeSharedFiles([path])).toEqual([])
    expect((await stat(path)).isFile()).toBe(true)
    const exited = new Promise((resolve) => user.once('exit', resolve))
    user.kill('SIGKILL')
    await exited
    expect(removeSharedFiles([path])).toEqual([])
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })
})
