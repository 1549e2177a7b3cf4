import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openJournal } from '../../harness/cleanup/journal.ts'
import { thisProcess } from '../../harness/os/label.ts'
import { cleanUp, cleanUpRun } from '../../harness/cleanup/sweep.ts'
import { findRuns } from '../../harness/cleanup/leftovers.ts'
import type { Sweeper } from '../../harness/cleanup/sweep.ts'
import { ownerLabels, runLabelKey, sweep, resources } from '../../harness/runtimes/docker/containers/sweep.ts'
import { type DockerThings, openDocker, whyNoDocker } from '../support/docker-things.ts'
import { temporaryFolders } from '../support/outlast.ts'
import { execFileSync, spawnSync } from '../support/programs.ts'

// @alone: it compares all volumes of the engine before and after.

const reason = await whyNoDocker()
if (reason) console.log(`sweeping Docker skipped: ${reason}`)

/** Names are ours alone, and so are the runs: what else is on this engine is somebody's. */
const mark = `${process.pid}-${Date.now().toString(36)}`
const [dead, live, elsewhere] = [`dead-${mark}`, `live-${mark}`, `else-${mark}`]
const sweeper: Sweeper = {
  name: 'docker',
  resources: async () =>
    (await resources()).filter(({ run }) => run !== undefined && [dead, live, elsewhere].includes(run)),
  sweep,
}

const me = ownerLabels()
const gone = { ...me, 'outlast.owner.pid': String(spawnSync('true').pid) }
const labels = (run: string, owner: Readonly<Record<string, string>>) => ({ [runLabelKey]: run, ...owner })
const ofDead = labels(dead, gone)

describe.skipIf(reason !== undefined)('sweeping Docker', () => {
  let docker: DockerThings
  let folders: Awaited<ReturnType<typeof temporaryFolders>>
  const { TMPDIR } = process.env
  beforeEach(async () => {
    docker = await openDocker(mark)
    folders = await temporaryFolders()
    process.env['TMPDIR'] = folders.tmp
  })
  afterEach(async () => {
    if (TMPDIR === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = TMPDIR
    await docker[Symbol.asyncDispose]()
    await folders[Symbol.asyncDispose]()
  })

  it('removes everything of a dead run, in whatever state it is', async () => {
    const name = (what: string) => `outlast-${dead}-${what}`
    const before = await docker.volumes()
    await docker.network(name('net'), ofDead)
    await docker.volume(name('data'), ofDead)
    const anonymous = { Volumes: { '/scratch': {} } }
    const attached = { NetworkMode: name('net'), Binds: [`${name('data')}:/data`] }
    await (await docker.container(name('running'), ofDead, { ...anonymous, HostConfig: attached })).start()
    const paused = await docker.container(name('paused'), ofDead, { HostConfig: attached })
    await paused.start()
    await paused.pause()
    const stopped = await docker.container(name('stopped'), ofDead, { Cmd: ['/bin/true'] })
    await stopped.start()
    await docker.container(name('created'), ofDead)
    const looping = { Cmd: ['/bin/false'], HostConfig: { RestartPolicy: { Name: 'always' } } }
    await (await docker.container(name('restarting'), ofDead, looping)).start()
    expect(await docker.names(name(''))).toHaveLength(7)

    const { removed, remaining } = await cleanUp([sweeper], await findRuns([sweeper], 'here'))
    expect(removed).toMatchObject([{ run: dead, state: 'dead' }])
    expect(remaining).toEqual([])
    expect(await docker.names(name(''))).toEqual([])
    // The volume that nobody named went with its container.
    expect((await docker.volumes()).filter((volume) => !before.includes(volume))).toEqual([])
  })

  it('touches nothing of a live run, of another machine, or of nobody we know', async () => {
    const foreign = `test-of-outlast-${mark}`
    const other = { ...me, 'outlast.owner.place': 'another machine' }
    const others = [
      [`outlast-${live}-`, labels(live, me)],
      [`outlast-${elsewhere}-`, labels(elsewhere, other)],
      // Named almost as ours, and with a label of somebody else's.
      [`${foreign}-`, { 'com.example.run': dead }],
      [`outlast-${mark}-foreign-`, {}],
    ] as const
    for (const [prefix, some] of others) {
      await docker.network(`${prefix}net`, some)
      await docker.volume(`${prefix}data`, some)
      await (await docker.container(`${prefix}api`, some, { HostConfig: { NetworkMode: `${prefix}net` } })).start()
    }
    await (await docker.container(`outlast-${dead}-api`, ofDead)).start()
    using rules = foreignRules(foreign)
    const rulesBefore = rules.list()
    const before = await Promise.all(others.map(([prefix]) => docker.names(prefix)))

    const { removed, unclear, remaining } = await cleanUp([sweeper], await findRuns([sweeper], 'here'))
    expect(removed.map(({ run }) => run)).toEqual([dead])
    expect(unclear.map(({ run }) => run)).toEqual([elsewhere])
    expect(remaining).toEqual([])
    expect(await docker.names(`outlast-${dead}-`)).toEqual([])
    expect(await Promise.all(others.map(([prefix]) => docker.names(prefix)))).toEqual(before)
    expect(before.flat()).toHaveLength(12)
    expect(rules.list()).toBe(rulesBefore)

    await expect(cleanUpRun(live, [sweeper])).rejects.toThrow(/is alive/)
    expect((await cleanUpRun(elsewhere, [sweeper])).remaining).toEqual([])
    expect(await docker.names(`outlast-${elsewhere}-`)).toEqual([])
  })

  it('removes by the journal what lost its label, but only under our name', async () => {
    const folder = join(folders.tmp, `outlast-${dead}`)
    await mkdir(folder)
    await writeFile(join(folder, 'owner.json'), JSON.stringify({ run: dead, ...thisProcess(), startTicks: '1' }))
    const [ours, theirs, relabelled] = [`outlast-${dead}-api`, `test-of-outlast-${mark}`, `outlast-${dead}-of-another`]
    {
      await using journal = await openJournal(folder)
      for (const name of [ours, theirs, relabelled]) await journal.note({ kind: 'container', name })
    }
    await docker.container(ours, {})
    await docker.container(theirs, {})
    await docker.container(relabelled, labels(live, me))

    const { removed, remaining } = await cleanUp([sweeper], await findRuns([sweeper], 'here'))
    expect(removed).toMatchObject([{ run: dead, folder }])
    expect(remaining).toEqual([])
    expect(await docker.names(ours)).toEqual([])
    expect(await docker.names(theirs)).toHaveLength(1)
    expect(await docker.names(relabelled)).toHaveLength(1)
    expect(await readdir(folders.tmp)).toEqual([])
  })

  it('says what it could not remove and keeps the journal, and the next one removes it', async () => {
    const folder = join(folders.tmp, `outlast-${dead}`)
    await mkdir(folder)
    await writeFile(join(folder, 'owner.json'), JSON.stringify({ run: dead, ...thisProcess(), startTicks: '1' }))
    {
      await using journal = await openJournal(folder)
      await journal.note({
        kind: 'fault',
        cell: 'a',
        name: 'drop#1',
        target: 'api-0',
        until: '2026-04-13T14:05:00.000Z',
      })
    }
    const net = `outlast-${dead}-net`
    await docker.network(net, ofDead)
    const guest = await docker.container(`test-of-outlast-${mark}`, {}, { HostConfig: { NetworkMode: net } })
    await guest.start()

    const { remaining } = await cleanUp([sweeper], await findRuns([sweeper], 'here'))
    expect(remaining[0]).toMatch(new RegExp(`^network ${net}: .*active endpoints`))
    expect(remaining[1]).toMatch(/^fault drop#1 on api-0 in a: no healing of it is on record/)
    expect((await guest.inspect()).State.Running).toBe(true)
    await guest.remove({ force: true })
    expect((await cleanUp([sweeper], await findRuns([sweeper], 'here'))).remaining).toEqual([])
    expect(await docker.names(net)).toEqual([])
    expect(await readdir(folders.tmp)).toEqual([])
  })

  it('waits for what the daemon is still making', async () => {
    const late = sleep(50).then(async () => docker.container(`outlast-${dead}-late`, ofDead))
    const swept = sweep(dead, [])
    await late
    expect(await swept).toEqual([])
    expect(await docker.names(`outlast-${dead}-`)).toEqual([])
  })
})

it('where no engine answers there is nothing to find, and what is known to be there cannot be told', async () => {
  const { DOCKER_HOST } = process.env
  process.env['DOCKER_HOST'] = 'unix:///nowhere/docker.sock'
  try {
    expect(await resources()).toEqual([])
    expect(await sweep(dead, [])).toEqual([])
    expect(await sweep(dead, [{ kind: 'container', name: 'a' }])).toEqual([
      'container a: no Docker Engine answers, so it may still be there',
    ])
  } finally {
    if (DOCKER_HOST === undefined) delete process.env['DOCKER_HOST']
    else process.env['DOCKER_HOST'] = DOCKER_HOST
  }
})

/** A packet filter's table of somebody else's, with a name almost like ours, in a network namespace of its own. */
function foreignRules(namespace: string): Disposable & { list(): string } {
  const run = (...args: readonly string[]) => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' })
  try {
    run('netns', 'add', namespace)
    run('netns', 'exec', namespace, 'nft', `table inet outlast_${mark.replace('-', '_')} { set s { type mark; }; }`)
  } catch (error) {
    spawnSync('ip', ['netns', 'delete', namespace])
    console.log(`foreign rules not looked at: ${String(error).split('\n')[0]}`)
    return { list: () => '', [Symbol.dispose]() {} }
  }
  return {
    list: () => run('netns', 'exec', namespace, 'nft', 'list', 'ruleset'),
    [Symbol.dispose]: () => void run('netns', 'delete', namespace),
  }
}
