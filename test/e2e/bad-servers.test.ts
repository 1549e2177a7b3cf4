import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, type TestContext } from 'vitest'
import { findTemporal, temporalFolder, whyNotInstalled } from '../../servers/temporal/binaries.ts'
import type { RunResults } from '../../harness/model/results.ts'
import { startOutlast, temporaryFolders } from '../support/outlast.ts'
import { run } from '../support/programs.ts'
import { requireQuiet, starvationOf } from '../support/undisturbed.ts'

/** Two patterns side by side: one whose server is bad, and one that must not mind. */
const scenario = (bad: string, rate: string): string => `
name: bad-servers
question: Does a bad server cost anything but its own cells?
seed: 1
timeScale: 60
profile: smoke
patterns: [polling, ${bad}]
load: { tasks: 100, arrivals: poisson, rate: ${rate} }
grace: 4m
replicas: { api: 1, executor: 1 }
arms: { none: [] }
health: { pacerLagP99: 1s, eventLoopDelayP99: 1s }
`

interface Bad {
  /** Given where the machine must not starve the other pattern. */
  readonly test?: TestContext
  readonly pattern: string
  readonly rate?: string
  readonly env?: Record<string, string>
  readonly tmp?: string
  readonly more?: readonly string[]
  /** Called once, when the cell of the bad pattern is under load. */
  readonly underLoad?: () => Promise<void>
}

async function runWith({ test, pattern, rate = '60/min', env = {}, tmp, underLoad, more = [] }: Bad) {
  await using folders = await temporaryFolders()
  const file = join(folders.out, 'scenario.yaml')
  await writeFile(file, scenario(pattern, rate))
  // What a child is given is our own environment: `startOutlast` adds to it.
  const before = { ...process.env }
  Object.assign(process.env, env)
  const child = startOutlast(['run', file, '--out', folders.out, ...more], tmp ?? folders.tmp)
  process.env = before
  let [text, filled] = ['', Promise.resolve()]
  const take = (chunk: Buffer): void => {
    const isNews = !text.includes(`${pattern}.none.1: load`)
    text += chunk.toString('utf8')
    if (isNews && text.includes(`${pattern}.none.1: load`) && underLoad) filled = underLoad()
  }
  child.stdout!.on('data', take)
  child.stderr!.on('data', take)
  const [code] = (await once(child, 'close')) as [number]
  await filled
  const made = (await readdir(folders.out)).find((name) => name.includes('bad-servers'))
  const results = JSON.parse(await readFile(join(folders.out, made!, 'results.json'), 'utf8')) as RunResults
  const verdictOf = (name: string) => results.cells.find(({ cell }) => cell.pattern === name)
  const [good, bad] = [verdictOf('polling')!, verdictOf(pattern)]
  if (test) requireQuiet(test, starvationOf(good))
  return { code, text, results, good, bad }
}

const missing = await whyNotInstalled()
const noMount = await whyNoSmallDisk()
const suffix = noMount ? ` (skipped: ${noMount})` : ''

describe('a server that cannot be used costs its own cells and no others', () => {
  test('a Temporal address where nobody answers', async (context) => {
    const { code, results, good } = await runWith({
      test: context,
      pattern: 'durable-temporal',
      env: { TEMPORAL_ADDRESS: '127.0.0.1:9' },
      more: ['--no-verify'],
    })
    expect(results.plan.notApplicable).toMatchObject([
      { pattern: 'durable-temporal', reason: expect.stringContaining('127.0.0.1:9') },
    ])
    expect([code, good.verdict, good.success]).toMatchObject([0, 'PASS', { successes: 100, n: 100 }])
  })

  test('a Temporal address where somebody else answers', async (context) => {
    const other = createServer((_, response) => response.writeHead(400).end())
    await once(other.listen(0, '127.0.0.1'), 'listening')
    await using _closed = { [Symbol.asyncDispose]: async () => void other.close() }
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`
    const { code, results, good } = await runWith({
      test: context,
      pattern: 'durable-temporal',
      env: { TEMPORAL_ADDRESS: address },
      more: ['--no-verify'],
    })
    expect(results.plan.notApplicable).toMatchObject([{ reason: expect.stringContaining('does not answer as one') }])
    expect([code, good.verdict]).toEqual([0, 'PASS'])
  })

  test.skipIf(missing !== undefined)(
    `tables of another version${missing ? ` (skipped: ${missing})` : ''}`,
    async (context) => {
      const { server, sql } = await findTemporal()
      const cache = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
      await using _gone = { [Symbol.asyncDispose]: () => rm(cache, { recursive: true }) }
      const folder = join(cache, 'outlast', temporalFolder().split('/').at(-1)!)
      await mkdir(folder, { recursive: true })
      await symlink(server, join(folder, 'server'))
      // A tool that never brings the tables up to date.
      await writeFile(join(folder, 'sql'), `#!/bin/sh\n[ "$1" = update-schema ] && exit 0\nexec ${sql} "$@"\n`)
      await chmod(join(folder, 'sql'), 0o755)
      const { code, good, bad } = await runWith({
        test: context,
        pattern: 'durable-temporal',
        env: { XDG_CACHE_HOME: cache },
      })
      expect(bad!.reasons).toEqual([
        expect.stringMatching(/schema version compatibility check failed: version mismatch/),
      ])
      expect([code, bad!.verdict, good.verdict, good.success.successes]).toEqual([4, 'INVALID', 'PASS', 100])
    },
  )

  test.skipIf(noMount !== undefined)(
    `a disk that is full when PostgreSQL makes its files${suffix}`,
    async (context) => {
      await using disk = await smallDisk(20)
      const { code, good, bad } = await runWith({ test: context, pattern: 'durable-postgres', tmp: disk.path })
      expect(bad!.reasons).toEqual([
        expect.stringMatching(/PostgreSQL could not make its files in .*No space left on device/),
      ])
      expect([code, bad!.verdict, good.verdict, good.success.successes]).toEqual([4, 'INVALID', 'PASS', 100])
    },
  )

  test.skipIf(noMount !== undefined)(`a disk that is full later${suffix}`, async () => {
    await using disk = await smallDisk(100)
    const fill = async (): Promise<void> => {
      await run('dd', ['if=/dev/zero', `of=${join(disk.path, 'filler')}`, 'bs=64k']).catch(() => {})
    }
    const { code, good, bad } = await runWith({
      pattern: 'durable-postgres',
      rate: '12/min',
      tmp: disk.path,
      underLoad: fill,
      // A database of its own would have filled the disk before.
      more: ['--no-verify'],
    })
    expect(bad!.reasons[0]).toMatch(/the disk of store-0 was full: .*No space left on device/)
    expect([code, bad!.verdict, good.success.successes]).toEqual([4, 'INVALID', 100])
    // A server that starts again and again beside it may leave it too little of the machine, which blames nobody.
    for (const reason of good.reasons) expect(reason).toContain('harness-healthy failed')
  })
})

async function whyNoSmallDisk(): Promise<string | undefined> {
  try {
    await using _disk = await smallDisk(1)
    return undefined
  } catch {
    return 'mounting a small disk needs root'
  }
}

async function smallDisk(mebibytes: number): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=1777`, 'tmpfs', path])
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['-l', path])
      await rm(path, { recursive: true })
    },
  }
}
