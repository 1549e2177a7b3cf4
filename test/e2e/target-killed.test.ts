import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { listLabelled } from '../../harness/cleanup/processes.ts'
import { outlast, startOutlast, temporaryFolders } from '../support/outlast.ts'

/** Nothing is left so long after the death. */
const withinMs = 12_000

const whyNot = process.platform === 'linux' ? undefined : 'processes are found in /proc'
if (whyNot !== undefined) console.log(`test/e2e/target-killed.test.ts is skipped: ${whyNot}`)

const server = `require('http').createServer((q, s) => s.writeHead(202).end('{"id":"a","status":"running"}')).listen(process.argv[1], '127.0.0.1')`

/** A service that starts helpers in every way: plain ones, and ones that know nothing of the run. */
function scenarioOf(mark: string, isReady: boolean): string {
  const helpers = [`sleep ${mark}1 &`, `(sleep ${mark}2 &) ;`, `env -i sleep ${mark}3 &`, `setsid sleep ${mark}4 &`]
  const last = isReady ? `exec env -i ${process.execPath} -e "$0" "$1"` : `exec env -i sleep ${mark}5`
  const start = ['sh', '-c', `${helpers.join(' ')} ${last}`, server, '{port}']
  return JSON.stringify({
    name: 'own',
    question: 'What stays?',
    targets: {
      own: {
        start,
        replicas: { api: 2 },
        client: 'polling',
        api: { submit: 'POST /jobs', status: 'GET /jobs/{id}', states: { completed: ['done'] } },
        work: { takes: '1m' },
      },
    },
    patterns: ['own'],
    load: { tasks: 20, arrivals: 'uniform', rate: '5/s' },
    arms: { none: [] },
  })
}

/** Processes that have the mark in their arguments, whoever they say that they are. */
function marked(mark: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => [pid, commandOf(pid)] as const)
    .filter(([, command]) => command.startsWith('sleep ') && command.includes(mark))
    .map(([pid, command]) => `${pid}: ${command}`)
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

const moments = [
  { name: 'while a service starts', isReady: false, reaperDies: false },
  { name: 'under load', isReady: true, reaperDies: false },
  { name: 'while a service starts, and of the reaper', isReady: false, reaperDies: true },
]

describe.skipIf(whyNot !== undefined).each(moments)('SIGKILL of the harness $name', ({ isReady, reaperDies }) => {
  it('leaves no process of the service, also of those that dropped their environment', async () => {
    await using folders = await temporaryFolders()
    const mark = `6000.${process.pid}${moments.findIndex((one) => one.isReady === isReady)}${Number(reaperDies)}`
    const file = join(folders.out, 'scenario.yaml')
    await writeFile(file, scenarioOf(mark, isReady))
    const harness = startOutlast(['run', file, '--out', folders.out], folders.tmp)
    const exited = once(harness, 'exit')
    let output = ''
    harness.stdout!.resume()
    harness.stderr!.setEncoding('utf8').on('data', (text: string) => (output += text))
    const helpers = isReady ? 8 : 10
    while (marked(mark).length < helpers || (isReady && !output.includes(': load'))) {
      if (harness.exitCode !== null) throw new Error(`it ended: ${output}`)
      await sleep(50)
    }
    const [folder] = await readdir(folders.tmp)
    const reaper = listLabelled().find(({ run, isReaper }) => isReaper && folder === `outlast-${run}`)!
    if (reaperDies) process.kill(reaper.pid, 'SIGKILL')
    harness.kill('SIGKILL')
    await exited
    if (reaperDies) expect(await outlast(['clean'], folders.tmp)).toMatchObject({ code: 0 })
    const left = async () => [...marked(mark), ...(await readdir(folders.tmp))]
    for (const deadline = Date.now() + withinMs; (await left()).length > 0 && Date.now() < deadline;) await sleep(100)
    expect(await left()).toEqual([])
  })
})
