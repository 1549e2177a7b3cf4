import { once } from 'node:events'
import { openSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { findLabelled } from '../../harness/cleanup/processes.ts'
import { type Finished, outlast, root, startOutlast, temporaryFolders } from '../support/outlast.ts'
import { spawn } from '../support/programs.ts'

/** More of them, for a night. */
const rounds = Number(process.env['OUTLAST_CRASH_ROUNDS'] ?? 1)
const stack = /^ +at /m

/** What happens in the process of the command beside its work. */
async function withIncident(incident: string, args: readonly string[], tmp: string): Promise<Finished> {
  const program = `data:text/javascript,${encodeURIComponent(incident)}`
  const child = spawn(process.execPath, ['--import', program, join(root, 'bin/outlast.js'), ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', TMPDIR: tmp },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, stdout, stderr }
}

it.each([
  ['an exception', `setTimeout(() => { throw new Error('something of ours') }, 50)`],
  ['a rejection', `setTimeout(() => void Promise.reject(new Error('something of ours')), 50)`],
  ['what is no error', `setTimeout(() => { throw 'something of ours' }, 50)`],
  ['an exception before anything', `process.nextTick(() => { throw new Error('something of ours') })`],
])('%s that nobody catches is exit code 4, whatever the command', async (_, incident) => {
  await using folders = await temporaryFolders()
  const { code, stderr } = await withIncident(`${incident}; setTimeout(() => {}, 20000).unref()`, ['list'], folders.tmp)
  // Node itself ends what happens before a line of ours is read.
  if (!incident.startsWith('process')) expect(code).toBe(4)
  expect(stderr).toContain('something of ours')
})

it.each([0, 1])('what ends the process in the middle of a command, with %i, is exit code 4', async (code) => {
  await using folders = await temporaryFolders()
  const incident = `process.stdout.write = () => process.exit(${code})`
  const ended = await withIncident(incident, ['list'], folders.tmp)
  expect([ended.code, ended.stderr]).toEqual([4, expect.stringMatching(/systems under test: .* ended this process/)])
})

it('what ends the process after a command leaves its exit code as it is', async () => {
  await using folders = await temporaryFolders()
  const incident = `const timer = setInterval(() => process.exitCode !== undefined && process.exit(0), 10); setTimeout(() => {}, 30000)`
  expect(await withIncident(incident, ['list', 'nothing'], folders.tmp)).toMatchObject({ code: 3 })
})

it('a run that crashes says so in its folder, and what it started ends', async () => {
  await using folders = await temporaryFolders()
  const incident = `setTimeout(() => { throw new Error('something of ours') }, 7000)`
  const args = ['run', 'scenarios/smoke.yaml', '--no-verify', '--patterns', 'polling', '--out', folders.out]
  const { code, stderr } = await withIncident(incident, args, folders.tmp)
  expect([code, stderr]).toEqual([4, expect.stringMatching(/systems under test: something of ours$/m)])
  const folder = join(folders.out, (await readdir(folders.out))[0]!)
  expect(JSON.parse(await readFile(join(folder, 'unfinished.json'), 'utf8'))).toMatchObject({
    why: 'something of ours',
  })
  const checked = await outlast(['check', folder], folders.tmp)
  expect([checked.code, checked.stderr]).toEqual([
    2,
    expect.stringMatching(/^this run broke off: something of ours\./m),
  ])
  for (let waits = 0; waits < 400 && (await readdir(folders.tmp)).length > 0; waits++) await sleep(100)
  expect(await readdir(folders.tmp)).toEqual([])
})

it('a link server that dies is no loss of the systems behind it', async () => {
  await using folders = await temporaryFolders()
  const command = ['run', 'scenarios/smoke.yaml', '--no-verify', '--patterns', 'polling', '--out', folders.out]
  const child = startOutlast(command, folders.tmp)
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdout!.resume()
  while (!said.includes(': load') && child.exitCode === null) await sleep(50)
  const [run] = (await readdir(folders.tmp)).map((name) => name.replace('outlast-', ''))
  const servers = findLabelled(run!).filter(({ command }) => command.includes('embedded/main'))
  for (const { pid } of servers) process.kill(pid, 'SIGKILL')
  expect([servers.length, await once(child, 'exit')]).toEqual([1, [4, null]])
  expect(said).toMatch(/systems under test: the link server ended while it was needed \(SIGKILL\); see .*links\.log/)
  expect(await readdir(folders.tmp)).toEqual([])
})

it('an answer that finds no room is exit code 4; one that nobody reads on is none', async () => {
  const run = async (stdout: number | 'pipe'): Promise<readonly unknown[]> => {
    const child = spawn(process.execPath, [join(root, 'bin/outlast.js'), 'list'], { stdio: ['ignore', stdout, 'pipe'] })
    child.stdout?.destroy()
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
    const [code] = (await once(child, 'close')) as [number | null]
    return [code, said]
  }
  expect(await run(openSync('/dev/full', 'w'))).toEqual([
    4,
    expect.stringMatching(/cannot write the output: ENOSPC.*\n$/),
  ])
  expect(await run('pipe')).toEqual([0, ''])
})

it('signals while patterns are held against the contract end the run in order', async () => {
  for (let round = 0; round < rounds; round++) {
    await using folders = await temporaryFolders()
    const signal = round % 2 === 0 ? 'SIGTERM' : 'SIGINT'
    const child = startOutlast(['run', 'scenarios/smoke.yaml', '--out', folders.out], folders.tmp)
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.stdout!.resume()
    while (!said.includes('against the contract') && child.exitCode === null) await sleep(20)
    await sleep(500 + 6000 * Math.random())
    child.kill(signal)
    const [code] = child.exitCode === null ? ((await once(child, 'exit')) as [number | null]) : [child.exitCode]
    const about = `round ${round}, ${signal}: ${said}`
    // 130: nothing was measured yet.
    expect([2, 4, 130], about).toContain(code)
    expect(said, about).not.toMatch(stack)
    expect(await readdir(folders.tmp), about).toEqual([])
    const [folder] = await readdir(folders.out)
    const files = await readdir(join(folders.out, folder!))
    expect(files, about).toContain(code === 4 ? 'unfinished.json' : 'results.json')
  }
})
